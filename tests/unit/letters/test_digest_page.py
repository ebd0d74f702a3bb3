"""The digest's HTML part: what its text says, in the same order, with colours and words beside."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest

from maild.letters.digest import digest_letter, html, text
from tests import night
from tests.office import NOON, Office


@pytest.fixture
def office_of_the_night(office: Callable[..., Office]) -> Office:
    return night.played(office())


@pytest.fixture
def page(office_of_the_night: Office) -> str:
    assert office_of_the_night.desk.head is not None
    return html(office_of_the_night.desk.head, night.told(office_of_the_night))


def words_of(page: str) -> str:
    """Give a page's words as one line, without the bars and what stands in the head."""
    body = page.partition("<body")[2].partition(">")[2]
    body = re.sub(r'(?s)<table class="bar.*?</table>\s*<p class="under.*?</p>', "", body)
    return " ".join(unescape(re.sub(r"(?s)<!--.*?-->|<[^>]*>", " ", body)).split())


def test_it_says_the_sentences_of_the_text_in_the_same_order(
    office_of_the_night: Office, page: str
) -> None:
    head = office_of_the_night.desk.head
    assert head is not None
    said, at = words_of(page).replace(" ,", ","), 0
    lines = text(head, night.told(office_of_the_night)).split("\n")
    for line in lines:
        words = " ".join(line.split())
        # The table of the text cuts a long name.
        if set(words) <= {"-"} or re.match(r" +\d +\d \w+ +\d{4} .*\.\.\.", line):
            continue
        found = said.find(words, at)
        assert found >= 0, words
        at = found + len(words)


def test_it_has_no_script_and_asks_nobody_for_a_picture(page: str) -> None:
    assert not re.search(r"<script|<img|<link|@import|@font-face|url\(|\son\w+=", page, re.I)
    assert "http" not in re.sub(r">[^<]*<", "><", page)


def test_dark_mode_and_outlook_find_their_rules(page: str) -> None:
    assert page.count("<style>") == 1
    assert "@media (prefers-color-scheme: dark)" in page
    assert "<!--[if mso]>" in page
    assert '<table class="page wide" role="presentation"' in page
    assert 'class="say soft" style="' in page


def test_each_incident_has_a_link_to_its_own_address(page: str) -> None:
    links = re.findall(r'href="mailto:(incidents\+[^"]*)"', page)
    assert [link.partition("?")[0] for link in links] == [
        f"incidents+2026-000{number}@example.com" for number in (3, 2, 1)
    ]
    assert links[1].endswith("?subject=Re%3A%20%5BINC-2026-0002%5D%20Invoices%20are%20sent%20twice")


def test_a_bar_shows_the_severity_over_the_period_with_words_beside(page: str) -> None:
    bars = re.findall(r'(?s)<table class="bar.*?</p>', page)
    shares = re.findall(r'<td[^>]*width="(\d+)%"[^>]*>(.*?)</td>', bars[0])
    assert [number for _, number in shares] == ["&nbsp;", "2", "1", "2"]
    assert sum(int(share) for share, _ in shares) == 100
    assert (
        "Sat 09:00 to Sun 09:00: severity 2 for 1 h 28 min, severity 1 for 4 h 52 min,"
        " severity 2 for 2 h 30 min"
    ) in bars[0]


def test_words_of_people_stay_words(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(
        "Look: <script>alert(1)</script> & <b>. Severity 2, phase 1. I am IC. Channel: #pay.",
        "Checkout </style><img src=x> is down",
    )
    told = night.told(desk)
    assert told.stories == ()
    found = desk.desk.digest(
        night.Digests(desk.connection).histories(NOON, desk.now),
        (),
        NOON,
        desk.now + timedelta(hours=1),
    )
    assert desk.desk.head is not None
    page = html(desk.desk.head, found)
    assert "<script" not in page
    assert "<img" not in page
    assert "Checkout &lt;/style&gt;&lt;img src=x&gt; is down" in page


def test_the_letter_is_one_multipart_alternative(office_of_the_night: Office) -> None:
    desk = office_of_the_night.desk
    assert desk.head is not None
    letter = digest_letter(desk.head, night.told(office_of_the_night), "daily", night.END)
    kinds = re.findall(rb"(?m)^Content-Type: ([\w/]+)", letter.content)
    assert kinds == [b"multipart/alternative", b"text/plain", b"text/html"]
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998
    # Gmail cuts off what is longer than 102 KB.
    assert len(letter.content) < 60_000
