"""Hostile mails on the desk: each has its verdict, and the next goes through."""

from collections.abc import Callable

import pytest

from tests.office import Office

from .hostile import HOSTILE, PLAIN

SMALL = [name for name, make in HOSTILE.items() if len(make()) < 250_000]


@pytest.mark.parametrize("name", SMALL)
def test_a_hostile_mail_has_its_verdict_and_the_next_goes_through(
    office: Callable[..., Office], name: str
) -> None:
    desk = office(posting={"allow": ["@example.net"]})
    entry, _ = desk.receive(HOSTILE[name](), "kim@example.net", "incidents@example.com")
    assert entry.verdict in ("accepted", "rejected", "ignored")
    sound = PLAIN.replace(b"Subject: ", b"Message-ID: <next@example.net>\r\nSubject: Again: ")
    entry, _ = desk.receive(sound, "kim@example.net", "incidents@example.com")
    assert entry.verdict == "accepted"
