"""The pump, where the store fails under it: a failing store is no death of the desk."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from maild.edge.store.arrivals import Arrivals
from maild.edge.store.ledger import Ledger
from maild.edge.store.records import Records
from maild.mail.message import Envelope, Mail, RawMessage
from maild.mail.parse import parse
from maild.mail.parse import parse_header as sound
from maild.pump import Pump, Readers
from maild.reading.report import Read, Unreadable
from maild.trouble import Broken
from tests.office import NOON, Office

OPENING = (
    b"""\
From: Kevin Riggle <kevin@example.com>\r
To: incidents@example.com\r
Subject: Checkout is down\r
Message-ID: <one@laptop.example.com>\r
\r
Half of the payments fail. Severity 2, phase 1. I am incident commander. Channel: #pay\r
"""
    + b"More words than the pages at hand can hold.\r\n" * 1_000
)


class Inline:
    """Readers without processes."""

    def __init__(self, office: Office) -> None:
        self.office = office

    async def read(self, raw: RawMessage) -> Read:
        mail = parse(raw)
        return mail, self.office.reader.read(mail)


class AllAtOnce(Inline):
    """Readers of whom none is ready before three mails are read."""

    begun = 0

    async def read(self, raw: RawMessage) -> Read:
        self.begun += 1
        while self.begun < 3:
            await asyncio.sleep(0)
        return await super().read(raw)


class Unread:
    """Readers that find a bug in every mail."""

    async def read(self, raw: RawMessage) -> Read:
        return Unreadable("KeyError while reading it")


def pumped(
    desk: Office,
    readers: Readers,
    trouble: Callable[[BaseException | None], None],
    mails: int = 1,
    arrive: Callable[[], None] = lambda: None,
) -> None:
    """Pump until so many mails are entered; what arrives once we run is no suspect."""

    async def story() -> None:
        over = asyncio.Event()

        def entered() -> None:
            if len(verdicts(desk)) == mails:
                over.set()

        pump = Pump(desk.desk, readers, lambda: NOON, lambda *_, **__: None, entered, trouble)
        work = asyncio.create_task(pump.run())
        await asyncio.sleep(0)
        arrive()
        pump.wake()
        await asyncio.wait_for(over.wait(), 20)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())


def three_arrive(desk: Office) -> None:
    """Have mails of Ana, Bob and Cleo wait."""
    raws = [
        RawMessage(
            Envelope(f"{name}@example.com", ("incidents@example.com",)),
            OPENING.replace(b"kevin@", f"{name}@".encode()).replace(b"<one@", f"<{name}@".encode()),
            NOON,
        )
        for name in ("ana", "bob", "cleo")
    ]
    Arrivals(desk.connection).keep(raws)


def verdicts(desk: Office) -> list[str]:
    return [row["verdict"] for row in Records(desk.connection, 3).mails()]


def test_a_mail_of_which_nothing_can_be_told_holds_up_nobody(
    office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A bug of ours that the header section alone sets off.
    def parse_header(raw: RawMessage) -> Mail:
        if raw.content:
            raise OverflowError("date value out of range")
        return sound(raw)

    monkeypatch.setattr("maild.desk.parse_header", parse_header)
    desk = office()
    envelope = Envelope("kevin@example.com", ("incidents@example.com",))
    Arrivals(desk.connection).keep([RawMessage(envelope, OPENING, NOON)])
    troubles: list[BaseException | None] = []
    pumped(desk, Unread(), troubles.append)
    assert set(troubles) == {None}
    (row,) = Records(desk.connection, 3).mails()
    assert (row["verdict"], row["reason"]) == ("shunted", "KeyError while reading it")
    assert desk.desk.ledger.raw(row["id"]).content == OPENING
    (owner,) = desk.letters()
    assert owner["To"] == "oncall-leads@example.com"


def test_a_mail_that_a_full_disk_kept_from_being_entered_is_not_set_aside(
    office: Callable[..., Office],
) -> None:
    desk = office()
    connection = desk.connection
    envelope = Envelope("kevin@example.com", ("incidents@example.com",))
    Arrivals(connection).keep([RawMessage(envelope, OPENING, NOON)])
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    troubles: list[str] = []

    def trouble(error: BaseException | None) -> None:
        if error is not None:
            troubles.append(str(error))
        if len(troubles) == 3:
            connection.execute("PRAGMA max_page_count = 1000000")

    pumped(desk, Inline(desk), trouble)
    assert len(troubles) == 3
    assert all("full" in words for words in troubles)
    assert verdicts(desk) == ["accepted"]


def test_a_mail_that_breaks_us_is_set_aside_and_those_of_the_same_commit_are_not(
    office: Callable[..., Office],
) -> None:
    desk = office()
    three_arrive(desk)

    def genuine(mail: Mail) -> bool:
        if mail.author.address == "bob@example.com":
            raise RuntimeError("a bug of ours")
        return True

    desk.desk = replace(desk.desk, genuine=genuine)
    pumped(desk, Inline(desk), lambda error: None, mails=3)
    assert verdicts(desk) == ["accepted", "shunted", "accepted"]


def test_mails_that_do_not_fit_on_the_disk_together_are_entered_one_by_one(
    office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = office()
    whole = Ledger.together
    troubles: list[BaseException] = []

    @contextmanager
    def together(ledger: Ledger) -> Iterator[None]:
        with whole(ledger):
            before = len(verdicts(desk))
            yield
            if len(verdicts(desk)) > before + 1:
                raise Broken("database or disk is full")

    monkeypatch.setattr(Ledger, "together", together)

    def trouble(error: BaseException | None) -> None:
        troubles.extend([error] if error else [])

    pumped(desk, AllAtOnce(desk), trouble, 3, lambda: three_arrive(desk))
    assert verdicts(desk) == ["accepted"] * 3
    assert 0 < len(troubles) < 3
