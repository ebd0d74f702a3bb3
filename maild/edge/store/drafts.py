"""Held drafts by the clock: which are due, and what is entered when the clock acts on one."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from maild.edge.store.codec import from_json
from maild.edge.store.connection import stamp, transaction
from maild.edge.store.ledger import Ledger
from maild.edge.store.outbox import owe_all
from maild.incident.entry import Draft, Entry
from maild.mail.message import Outgoing


class Drafts:
    """The clock's view of the drafts."""

    def __init__(self, connection: sqlite3.Connection, ledger: Ledger) -> None:
        self.connection, self.ledger = connection, ledger

    def due(self, before: datetime) -> list[Draft]:
        """List the held drafts of before that moment on which the clock may still act."""
        rows = self.connection.execute(
            "SELECT row FROM draft WHERE state = 'held' AND reminded < 2 AND created_at <= ?"
            " ORDER BY reminded, created_at LIMIT 100",
            (stamp(before),),
        )
        found = [from_json(row["row"]) for row in rows]
        return [draft for draft in found if isinstance(draft, Draft)]

    def enter(
        self, before: Draft, entry: Entry, letters: Sequence[Outgoing], now: datetime
    ) -> bool:
        """Write what the clock did to a draft; False where somebody answered it meanwhile."""
        with transaction(self.connection) as connection:
            if self.ledger.draft(before.token) != before or entry.draft is None:
                return False
            if entry.incident is not None and entry.events:
                self.ledger.write_incident(connection, entry.incident, 0, entry.events, now, None)
            self.ledger.write_draft(connection, entry.draft)
            owe_all(connection, letters, now)
        return True
