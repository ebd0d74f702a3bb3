"""The canary's clock: when one goes out, when it is lost, when that is over, and what is kept of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest

from maild.canary import Canary
from maild.config import ConfigError, config_of
from maild.edge.store.canaries import Canaries
from maild.edge.store.outbox import Outbox
from maild.edge.store.records import Records
from maild.letters.canary import canary
from maild.mail.message import Reply
from maild.mail.tokens import token
from tests.office import NOON, Office

MINUTE = timedelta(minutes=1)
KEY = b"k" * 32
OUTSIDE = "back@far.example.org"
AT = "incidents+canary@example.com"


class Aviary:
    """An office and its canary's clock; mails that go out come back only by `comes_back`."""

    def __init__(self, office: Office) -> None:
        self.office, self.now = office, NOON
        self.again()

    def again(self) -> None:
        """Start the clock as after a restart."""
        head = self.office.site.letterhead(KEY)

        def write(number: int, at: datetime) -> object:
            own = token(KEY, "canary", number)
            return canary(head, number, own, OUTSIDE, ("15 min", "5 min"), at)

        store = Canaries(self.office.connection)
        self.clock = Canary(
            store,
            write,  # type: ignore[arg-type]
            15 * MINUTE,
            5 * MINUTE,
            lambda: self.now,
            lambda: None,
        )

    def after(self, minutes: int) -> str:
        """Let so much time pass, a tick a minute; all mail goes out. Says what is lost."""
        for _ in range(minutes):
            self.now += MINUTE
            self.clock.tick(self.now)
            outbox = Outbox(self.office.connection)
            done = [(d.number, Reply(250, 0, 0, "OK"), None) for d in outbox.due(self.now, 9)]
            outbox.settle(done, self.now)
        return self.clock.lost(False)

    def sent(self) -> list[EmailMessage]:
        return [letter for letter in self.office.letters() if letter["To"] == OUTSIDE]

    def comes_back(self, letter: EmailMessage, to: str = AT) -> str:
        self.office.now = self.now
        entry, letters = self.office.receive(letter.as_bytes(), None, to)
        assert letters == []
        return f"{entry.verdict} {entry.kind}"


@pytest.fixture
def aviary(office: Callable[..., Office]) -> Aviary:
    return Aviary(office())


def test_one_goes_out_at_once_and_then_every_quarter_of_an_hour(aviary: Aviary) -> None:
    aviary.after(1)
    (first,) = aviary.sent()
    assert first["Auto-Submitted"] == "auto-replied"
    assert first["X-Loop"] == "incidents@example.com"
    aviary.after(14)
    assert len(aviary.sent()) == 1
    aviary.after(1)
    assert len(aviary.sent()) == 2


def test_one_that_comes_back_is_known_answered_by_nothing_and_no_trouble(aviary: Aviary) -> None:
    aviary.after(1)
    assert aviary.comes_back(aviary.sent()[0]) == "ignored canary"
    assert aviary.after(10) == ""
    assert list(Records(aviary.office.connection, 3).incidents()) == []


def test_one_that_is_forwarded_to_the_posting_address_is_known_too(aviary: Aviary) -> None:
    aviary.after(1)
    assert aviary.comes_back(aviary.sent()[0], "incidents@example.com") == "ignored canary"
    assert aviary.after(10) == ""


def test_one_whose_subject_and_id_a_forwarder_changed_is_known_by_its_token(
    aviary: Aviary,
) -> None:
    aviary.after(1)
    letter = aviary.sent()[0]
    subject = str(letter["Subject"])
    del letter["Subject"], letter["Message-ID"]
    letter["Subject"] = f"[EXTERN] Fwd: {subject.replace('canary', 'Canary')}"
    assert aviary.comes_back(letter) == "ignored canary"
    assert aviary.after(10) == ""


def test_one_that_does_not_come_back_in_time_is_lost_until_another_does(aviary: Aviary) -> None:
    assert aviary.after(5) == ""
    words = "The mail that maild sent to itself through the outside at 2026-03-16 12:01 UTC"
    assert aviary.after(1) == f"{words} has not come back."
    assert aviary.after(10).startswith(words)
    first, second = aviary.sent()
    aviary.comes_back(first)
    assert aviary.after(4) == ""
    assert "12:16 UTC" in aviary.after(2)
    aviary.comes_back(second)
    assert aviary.clock.lost(True) == ""


def test_nobody_else_can_make_one(aviary: Aviary) -> None:
    aviary.after(1)
    letter = aviary.sent()[0]
    forged = str(letter["Subject"])[:-3] + "aaa"
    del letter["Subject"]
    letter["Subject"] = forged
    assert aviary.comes_back(letter) == "ignored automatic"
    assert aviary.after(6) != ""


def test_while_the_relay_does_not_take_one_no_other_is_made(aviary: Aviary) -> None:
    for _ in range(60):
        aviary.now += MINUTE
        aviary.clock.tick(aviary.now)
    assert len(aviary.sent()) == 1
    assert aviary.clock.lost(False) != ""


def test_after_a_start_one_that_waits_elsewhere_has_its_time_anew(aviary: Aviary) -> None:
    aviary.after(1)
    aviary.now += timedelta(hours=8)
    aviary.again()
    assert aviary.clock.lost(False) == ""
    assert aviary.clock.lost(True) != ""
    assert aviary.after(5) != ""


def test_old_ones_leave_nothing_behind(aviary: Aviary) -> None:
    aviary.after(1)
    aviary.comes_back(aviary.sent()[0])
    aviary.after(16)
    count = aviary.office.connection.execute
    Canaries(aviary.office.connection).forget(NOON + 10 * MINUTE)
    assert len(aviary.sent()) == 1
    for table in ("mail", "arrival"):
        assert count(f"SELECT count(*) FROM {table}").fetchone()[0] == 0
    Canaries(aviary.office.connection).forget(aviary.now + MINUTE)
    for table in ("letter", "delivery", "place", "canary"):
        assert count(f"SELECT count(*) FROM {table}").fetchone()[0] == 0


def test_a_canary_needs_a_relay() -> None:
    with pytest.raises(ConfigError, match=r"delivery\.transport"):
        config_of({"canary": {"address": OUTSIDE}})
    for wrong in ("never", "0 s", "soon"):
        with pytest.raises(ConfigError, match=r"canary\.every"):
            config_of({"canary": {"every": wrong}})
