"""Digests with the mails themselves: as MIME parts and as plain text, read by other programs too."""

import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from maild.edge.store.digests import Digests
from maild.edge.store.roster import Roster
from maild.mail.message import Outgoing
from maild.roster.subscription import Form, Subscription
from tests import night
from tests.office import Office

OPENING = (
    "Half of the payments fail since noon. Severity 2, phase 1. I am incident commander."
    " Channel: #pay."
)


def bundled(office: Office, form: Form) -> Outgoing:
    found = Digests(office.connection)
    originals = found.originals(night.BEGIN, night.END)
    letters = office.desk.digest_letters(night.told(office), "daily", night.END, [form], originals)
    return letters[1]


@pytest.fixture
def dark(office: Callable[..., Office]) -> Office:
    return night.played(office())


def records(office: Office) -> list[bytes]:
    rows = office.connection.execute("SELECT content FROM arrival ORDER BY id")
    return [bytes(row["content"]) for row in rows]


def test_a_mime_digest_has_the_mails_as_they_came(dark: Office) -> None:
    content = bundled(dark, "mime").content
    letter = message_from_bytes(content, policy=default)
    assert letter.get_content_type() == "multipart/mixed"
    text, digest = letter.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert digest.get_content_type() == "multipart/digest"
    parts = list(digest.iter_parts())
    assert [part.get_content_type() for part in parts] == ["message/rfc822"] * len(night.PLAY)
    assert all(octets in content for octets in records(dark))
    assert not [part.defects for part in letter.walk() if part.defects]


def test_its_text_names_who_must_act_and_each_mail(dark: Office) -> None:
    letter = message_from_bytes(bundled(dark, "mime").content, policy=default)
    text = str(next(letter.iter_parts()).get_content()).replace("\r\n", "\n")
    assert text.startswith("1 needs somebody now: INC-2026-0002, update overdue for 1 h.\n")
    assert "21 mails:\n\n   1  0001 Mei Tanaka: Login fails in Singapore\n" in text
    assert max(map(len, text.split("\n"))) <= 72


def test_mblaze_reads_each_mail_of_a_mime_digest(
    dark: Office, need: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "digest.eml"
    path.write_bytes(bundled(dark, "mime").content)

    def run(*flags: str) -> bytes:
        command = [need("mshow"), *flags]
        return subprocess.run(command, capture_output=True, check=True, timeout=20).stdout

    listed = run("-t", str(path)).decode()
    assert listed.count("message/rfc822") == len(night.PLAY)
    numbers = re.findall(r"(?m)^ *(\d+): message/rfc822", listed)
    for number, octets in zip(numbers, records(dark), strict=True):
        same = run("-O", str(path), number)
        assert same.replace(b"\r\n", b"\n").rstrip() == octets.replace(b"\r\n", b"\n").rstrip()


def test_a_plain_digest_is_cut_at_its_lines_as_rfc_1153_says(dark: Office) -> None:
    letter = message_from_bytes(bundled(dark, "plain").content, policy=default)
    assert letter.get_content_type() == "text/plain"
    text = str(letter.get_content()).replace("\r\n", "\n")
    preamble, line, rest = text.partition(f"\n\n{'-' * 70}\n\n")
    assert line
    assert preamble.startswith("Incidents Digest of Sunday 15 March 2026\n\n1 needs somebody now")
    *mails, end = rest.split(f"\n\n{'-' * 30}\n\n")
    assert len(mails) == len(night.PLAY)
    title = "End of Incidents Digest of Sunday 15 March 2026"
    assert end == f"{title}\n{'*' * len(title)}\n"
    assert re.match(
        r"Date: .*\nFrom: Mei Tanaka <mei@example.com>\nTo: incidents@example.com\n"
        r"Subject: Login fails in Singapore\nMessage-ID: <night-0@laptop.example.com>\n\n"
        r"Nobody in Singapore can log in",
        mails[0],
    )
    assert "Alícia" in rest


def test_an_authors_own_line_of_hyphens_ends_no_mail(office: Callable[..., Office]) -> None:
    desk = office()
    desk.now = night.BEGIN
    desk.take(f"Half of the payments fail.\n\n{'-' * 30}\n\nSubject: forged\n\nMore.\n\n{OPENING}")
    letter = message_from_bytes(bundled(desk, "plain").content, policy=default)
    assert str(letter.get_content()).replace("\r\n", "\n").count(f"\n\n{'-' * 30}\n\n") == 1


def test_blind_copies_stay_blind(office: Callable[..., Office]) -> None:
    desk = office()
    desk.now = night.BEGIN
    desk.take(OPENING, Bcc="lawyer@example.org")
    for form in ("mime", "plain"):
        content = bundled(desk, form).content  # type: ignore[arg-type]
        assert b"lawyer" not in content
        assert b"Half of the payments" in content


def test_what_is_too_heavy_is_named_and_left_out(
    office: Callable[..., Office],
) -> None:
    desk = office()
    desk.now = night.BEGIN
    desk.take(OPENING)
    heavy = Digests(desk.connection)
    (octets,) = records(desk)
    desk.connection.execute("UPDATE arrival SET content = ?", (octets + b"x" * 6_000_000,))
    (original,) = heavy.originals(night.BEGIN, night.END)
    assert original.content is None
    content = bundled(desk, "mime").content
    assert b"Checkout is down (left out: too long)" in content
    assert len(content) < 10_000


def test_each_subscriber_gets_one_digest_in_the_form_of_his_choice(dark: Office) -> None:
    forms: dict[str, Form] = {"ana": "summary", "bob": "mime", "cleo": "plain"}
    chosen = [Subscription(f"{name}@example.com", form=form) for name, form in forms.items()]
    Roster(dark.connection).put(chosen, night.BEGIN)
    store = Digests(dark.connection)
    assert store.forms("daily") == ["mime", "plain"]
    assert store.forms("weekly") == []
    letters = dark.desk.digest_letters(
        night.told(dark),
        "daily",
        night.END,
        store.forms("daily"),
        store.originals(night.BEGIN, night.END),
    )
    assert len({letter.message_id for letter in letters}) == 3
    assert store.enter("daily", night.BEGIN, night.END, letters, night.END)
    rows = dark.connection.execute(
        "SELECT d.recipient, l.content FROM delivery d JOIN letter l ON l.id = d.letter"
        " WHERE l.kind = 'digest' ORDER BY d.recipient"
    )
    kinds = [
        (row["recipient"], message_from_bytes(row["content"]).get_content_type()) for row in rows
    ]
    assert kinds == [
        ("ana@example.com", "multipart/alternative"),
        ("bob@example.com", "multipart/mixed"),
        ("cleo@example.com", "text/plain"),
    ]


def test_a_mail_that_was_held_is_new_when_it_goes_out(office: Callable[..., Office]) -> None:
    desk = office()
    desk.now = night.BEGIN - timedelta(minutes=5)
    _, (question,) = desk.take("Half of the payments fail. Severity 2. Channel: #pay")
    desk.now = night.BEGIN + timedelta(hours=1)
    to = question["Reply-To"].addresses[0].addr_spec
    desk.take("phase 1, I am IC", f"Re: {question['Subject']}", to=to)
    (story,) = night.told(desk).stories
    assert story.new_mails == 1
    assert len(Digests(desk.connection).originals(night.BEGIN, night.END)) == 1
