"""The desk: concludes what has arrived, whole or not at all.

It reads the past, thinks (`incident.conclude`), has the letters written, and enters all of it in
one transaction. It knows no database and no socket: the `Ledger` is whatever fits below.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from maild.incident.conclude import Arrived, Past, Policy, conclude
from maild.incident.entry import Entry
from maild.incident.thread import Keys, keys
from maild.mail.message import Mail, Outgoing
from maild.reading.report import Report

MAX_THOUGHTS = 5


class Ledger(Protocol):
    """What the desk needs of a store."""

    def past(self, arrived: Arrived, found: Keys, year: int, now: datetime) -> Past:
        """Collect what is on record and matters for this mail."""
        ...

    def enter(
        self, arrived: Arrived, entry: Entry, past: Past, letters: Sequence[Outgoing], now: datetime
    ) -> bool:
        """Write all or nothing; False where the thread has moved on since `past`."""
        ...


Writer = Callable[[Entry, Arrived], Sequence[Outgoing]]


class Contended(Exception):
    """Somebody else changed the incident again and again while we thought; try later."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Thinks about mails, one at a time.

    token: gives a draft's reply token for a record's number; it can't be guessed. write: makes the
    letters of an entry; None sends nothing (a replay).
    """

    ledger: Ledger
    policy: Policy
    zone: tzinfo
    token: Callable[[int], str]
    write: Writer | None = None

    def conclude(self, number: int, mail: Mail, report: Report, now: datetime) -> Entry:
        """Conclude one mail. Raises Contended; other exceptions are bugs or a broken world."""
        arrived = Arrived(number, mail, report, self.token(number))
        found = keys(mail, report, self.policy.address)
        year = mail.received_at.astimezone(self.zone).year
        for _ in range(MAX_THOUGHTS):
            past = self.ledger.past(arrived, found, year, now)
            entry = conclude(arrived, past, self.policy)
            letters = self.write(entry, arrived) if self.write is not None else ()
            if self.ledger.enter(arrived, entry, past, letters, now):
                return entry
        raise Contended(f"mail {number}")
