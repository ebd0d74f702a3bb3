"""The monthly report: what it says, and that it goes out once."""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from importlib import import_module, reload

import pytest

from maild.edge.plots import draw
from maild.edge.store.digests import Digests
from maild.edge.store.roster import Roster
from maild.letters.report import report_html, report_letter, report_text
from maild.mail.message import Outgoing
from maild.reports import Reports, months
from maild.roster.subscription import Subscription
from tests import night
from tests.office import Office

APRIL = datetime(2026, 4, 1, tzinfo=UTC)
NINE = timedelta(hours=9)
DAY = timedelta(days=1)


@pytest.fixture
def dark(office: Callable[..., Office]) -> Office:
    return night.played(office())


def letter_of(office: Office) -> Outgoing:
    assert office.desk.head is not None
    found = months(office.desk, Digests(office.connection), APRIL, APRIL)
    return report_letter(office.desk.head, found, draw, APRIL)


def ticked(office: Office, now: datetime) -> list[EmailMessage]:
    before = len(office.letters())
    store = Digests(office.connection)
    Reports(office.desk, store, time(9), draw, lambda *_, **__: None, lambda: None).tick(now)
    return office.letters()[before:]


def test_the_text_has_the_month_beside_those_before_it(dark: Office) -> None:
    assert dark.desk.head is not None
    found = months(dark.desk, Digests(dark.connection), APRIL, night.END)
    text = report_text(dark.desk.head, found)
    assert text.startswith("3 incidents in March 2026, 3 more than in February. 2 still open.\n")
    assert re.search(r"Mar 2026 +Feb 2026 +Jan 2026 +Dec 2025\n", text)
    assert re.search(r"\n  to resolve, mean +6 h 15 min +- +- +-\n", text)
    assert re.search(r"\n  updates promised +7 +0 +0 +0\n  of them kept +6 +0", text)
    assert "\n   1   0003 Production has failed over to ...  2 h 43 min  -\n" in text
    assert "\n   19 h 55 min  Tom Okafor\n    6 h 22 min  Ana Silva\n" in text
    assert max(map(len, text.split("\n"))) <= 72


def test_the_pictures_travel_with_the_page(dark: Office) -> None:
    pytest.importorskip("matplotlib")
    letter = message_from_bytes(letter_of(dark).content, policy=default)
    assert letter["X-Incident-Kind"] == "report"
    kinds = [part.get_content_type() for part in letter.walk()]
    assert kinds == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "image/png",
    ]
    page = letter.get_body(("html",))
    assert page is not None
    named = re.findall(r'src="cid:([^"]+)"', str(page.get_content()))
    assert [f"<{cid}>" for cid in named] == [
        str(part["Content-ID"]) for part in letter.walk() if part["Content-ID"]
    ]
    assert len(letter.as_bytes()) < 150_000


def test_without_matplotlib_there_is_no_picture_and_no_word_of_it(
    dark: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    plots = import_module("maild.edge.plots")
    with monkeypatch.context() as patch:
        for name in ("matplotlib", "matplotlib.figure"):
            patch.setitem(sys.modules, name, None)
        bare = reload(plots).draw
        assert dark.desk.head is not None
        found = months(dark.desk, Digests(dark.connection), APRIL, APRIL)
        content = report_letter(dark.desk.head, found, bare, APRIL).content
    reload(plots)
    assert b"image/png" not in content
    assert b"<img" not in content
    assert b"plot" not in re.sub(rb"(?s)<style>.*?</style>", b"", content)


def test_the_page_says_the_figures_of_the_text(dark: Office) -> None:
    assert dark.desk.head is not None
    found = months(dark.desk, Digests(dark.connection), APRIL, APRIL)
    page = report_html(dark.desk.head, found, {})
    said = " ".join(re.sub(r"<[^>]*>", " ", page.partition("<body")[2]).split())
    at = 0
    for line in report_text(dark.desk.head, found).split("\n"):
        words = " ".join(line.split())
        if not words or set(words) <= {"-"} or "..." in words:
            continue
        found_at = said.find(words, at)
        if found_at < 0:  # a paragraph that the text fills over lines
            assert words in said, words
        at = max(at, found_at)


def test_it_goes_out_on_the_first_of_the_month_and_once(dark: Office) -> None:
    chosen = [
        Subscription("ana@example.com"),
        Subscription("bob@example.com", digest="weekly", form="mime"),
        Subscription("cleo@example.com", digest="none"),
    ]
    Roster(dark.connection).put(chosen, night.END)
    assert ticked(dark, night.END) == []
    assert ticked(dark, APRIL + NINE - timedelta(minutes=1)) == []
    (letter,) = ticked(dark, APRIL + NINE)
    assert letter["Subject"] == "Report of March 2026: 3 incidents, median to resolve 6 h 15 min"
    assert ticked(dark, APRIL + NINE) == []
    assert ticked(dark, APRIL + 3 * DAY) == []
    rows = dark.connection.execute(
        "SELECT d.recipient FROM delivery d JOIN letter l ON l.id = d.letter"
        " WHERE l.kind = 'report' ORDER BY 1"
    )
    assert [row["recipient"] for row in rows] == ["ana@example.com", "bob@example.com"]


def test_a_machine_that_was_down_on_the_first_sends_it_later(dark: Office) -> None:
    ticked(dark, night.END)
    assert len(ticked(dark, APRIL + 3 * DAY)) == 1


def test_the_first_start_sends_nothing_of_before(dark: Office) -> None:
    assert ticked(dark, APRIL + 3 * DAY) == []
    (letter,) = ticked(dark, APRIL + 32 * DAY)
    assert str(letter["Subject"]).startswith("Report of April 2026")
