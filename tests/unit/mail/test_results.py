"""Reading what a server before us found."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mail.message import Envelope, RawMessage
from maild.mail.results import standing_of
from maild.trust import Believed
from tests.office import Office

KEVIN = "kevin@example.com"


@pytest.mark.parametrize(
    ("results", "standing"),
    [
        ("mx; dmarc=pass (p=none dis=none) header.from=example.com", "pass"),
        ("mx; spf=fail smtp.mailfrom=evil.net; dmarc=pass header.from=example.com", "pass"),
        ("mx; dmarc=fail header.from=example.com; dkim=pass header.d=example.com", "fail"),
        ("mx; dmarc=pass header.from=evil.net", "fail"),
        ("mx; dmarc=temperror header.from=example.com", "trouble"),
        ("mx; dmarc=none header.from=example.com; dkim=pass header.d=example.com", "pass"),
        ("mx; dkim=pass header.d=evil.net", "fail"),
        ("mx; dkim=pass header.d=com", "fail"),
        ("mx; dkim=temperror header.d=example.com", "trouble"),
        ("mx; spf=pass smtp.mailfrom=kevin@example.com", "pass"),
        ("mx; spf=pass smtp.mailfrom=sub.example.com.evil.net", "fail"),
        ("mx; none", "fail"),
        ("other; dmarc=pass header.from=example.com", ""),
        ("rubbish ;;;", ""),
        ("", ""),
    ],
)
def test_a_result_vouches_for_from_or_does_not(results: str, standing: str) -> None:
    assert standing_of(results, "mx", KEVIN) == standing


@given(st.text(max_size=200))
def test_no_words_make_it_raise(text: str) -> None:
    assert standing_of(f"mx; {text}", "other", KEVIN) == ""


def believed(*fields: str, author: str = KEVIN) -> str:
    head = "".join(f"Authentication-Results: {field}\r\n" for field in fields)
    content = f"{head}From: Kevin <{author}>\r\n\r\nHello\r\n".encode()
    raw = RawMessage(Envelope(KEVIN, ("incidents@example.com",)), content, datetime.now(UTC))
    return asyncio.run(Believed("mx")(raw)).standing


def test_only_the_topmost_of_these_fields_counts() -> None:
    good, bad = "mx; dmarc=pass header.from=example.com", "mx; dmarc=fail header.from=example.com"
    assert believed(good, bad) == "pass"
    assert believed(bad, good) == "fail"
    assert believed("forged.example.net; dmarc=pass", good) == "fail"
    assert believed() == "fail"


WORDS = "Half of the payments fail. Severity 2, phase 1. I am incident commander. Channel: #pay."
GUARDED = {"authenticate": "dmarc", "authserv_id": "mx"}
GOOD = "mx; dmarc=pass header.from=example.com"


def test_a_mail_that_nobody_vouches_for_changes_nothing_and_makes_us_mail_nobody(
    office: Callable[..., Office],
) -> None:
    desk = office(posting=GUARDED)
    for to in ("incidents@", "incidents+check@", "incidents-request@"):
        entry, letters = desk.take(WORDS, to=f"{to}example.com")
        assert (entry.verdict, letters) == ("ignored", []), to
        entry, letters = desk.take(
            WORDS, to=f"{to}example.com", Authentication_Results="x; dmarc=pass"
        )
        assert (entry.verdict, letters) == ("ignored", []), to


def test_a_mail_that_the_server_before_us_vouches_for_is_an_opening(
    office: Callable[..., Office],
) -> None:
    entry, letters = office(posting=GUARDED).take(WORDS, Authentication_Results=GOOD)
    assert entry.verdict == "accepted"
    assert letters[0]["Authentication-Results"] is None


def test_a_forged_mail_that_cannot_be_read_makes_us_mail_the_owner_alone(
    office: Callable[..., Office],
) -> None:
    desk = office(posting=GUARDED)
    desk.take(WORDS, to="incidents-owner@example.com")
    desk.desk.shunt(1, desk.desk.ledger.raw(1), "it broke", desk.now)
    assert {letter["To"] for letter in desk.letters() if letter["Auto-Submitted"]} == {
        "oncall-leads@example.com"
    }
