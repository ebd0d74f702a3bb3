"""The pump, where the store fails under it: a failing store is no death of the desk."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from maild.desk import Desk
from maild.edge.store.arrivals import Arrivals
from maild.edge.store.records import Records
from maild.mail.message import Envelope, Mail, RawMessage
from maild.mail.parse import parse
from maild.pump import Pump
from maild.reading.report import Read
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

    run_until(desk.desk, desk, lambda: bool(records(desk)), trouble)
    assert len(troubles) == 3
    assert all("full" in words for words in troubles)
    assert records(desk) == ["accepted"]


def test_a_mail_that_breaks_us_is_set_aside_and_those_of_the_same_commit_are_not(
    office: Callable[..., Office],
) -> None:
    desk = office()
    raws = [
        RawMessage(
            Envelope(f"{name}@example.com", ("incidents@example.com",)),
            OPENING.replace(b"kevin@", f"{name}@".encode()).replace(b"<one@", f"<{name}@".encode()),
            NOON,
        )
        for name in ("ana", "bob", "cleo")
    ]
    Arrivals(desk.connection).keep(raws)

    def genuine(mail: Mail) -> bool:
        if mail.author.address == "bob@example.com":
            raise RuntimeError("a bug of ours")
        return True

    run_until(replace(desk.desk, genuine=genuine), desk, lambda: len(records(desk)) == 3)
    assert records(desk) == ["accepted", "shunted", "accepted"]


def records(office: Office) -> list[str]:
    found = Records(office.connection, 3).mails()
    return [row["verdict"] for row in sorted(found, key=lambda row: row["id"])]


def run_until(
    desk: Desk,
    office: Office,
    over: Callable[[], bool],
    trouble: Callable[[BaseException | None], None] = lambda error: print(repr(error)),
) -> None:
    """Pump until something holds; looked at whenever mails were entered."""

    async def story() -> None:
        ended = asyncio.Event()
        pump = Pump(
            desk,
            Inline(office),
            lambda: NOON,
            lambda *_, **__: None,
            lambda: ended.set() if over() else None,
            trouble,
        )
        work = asyncio.create_task(pump.run())
        await asyncio.wait_for(ended.wait(), 20)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())
