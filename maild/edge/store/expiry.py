"""What is no longer kept: which bodies and mails are due, and dropping them a few at a time."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from maild.edge.store.canaries import Canaries
from maild.edge.store.connection import stamp, transaction
from maild.edge.store.redaction import Redaction

# What one transaction overwrites: some milliseconds.
ROWS: Final = 50
OCTETS: Final = 4 << 20
# The caps on answers look a day back, the owner's causes an hour; a canary is news for a while.
ASIDE: Final = timedelta(days=2)
CANARIES: Final = timedelta(days=7)


class Expiry:
    """Drops what is due, a short transaction at each call. All of it raises Broken."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.redaction, self.canaries = Redaction(connection), Canaries(connection)

    def bodies(self, before: datetime) -> int:
        """Drop some bodies of letters of before then that nobody is owed; says how many."""
        rows = self.connection.execute(
            "SELECT id, length(content) AS octets FROM letter l WHERE created_at < ?"
            " AND length(content) > 0 AND NOT EXISTS (SELECT 1 FROM delivery d"
            " WHERE d.letter = l.id AND d.state = 'pending') ORDER BY created_at LIMIT ?",
            (stamp(before), ROWS),
        ).fetchall()
        found = list(_few(rows))
        if found:
            with transaction(self.connection) as connection:
                connection.executemany("UPDATE letter SET content = x'' WHERE id = ?", found)
        return len(found)

    def mails(self, before: datetime, note: str, now: datetime) -> int:
        """Redact some mails that came before then; says how many.

        Not those of an incident that is open or was over after that, of a held draft, or shunted.
        """
        rows = self.connection.execute(
            "SELECT m.id, length(a.content) AS octets FROM mail m JOIN arrival a ON a.id = m.id"
            " LEFT JOIN incident i ON i.id = m.incident"
            " WHERE m.redacted_at IS NULL AND m.received_at < ? AND m.verdict <> 'shunted'"
            " AND (i.id IS NULL OR i.open = 0 AND i.changed_at < ?) AND NOT EXISTS"
            " (SELECT 1 FROM draft d WHERE d.state = 'held' AND (d.mail = m.id OR d.token = m.draft))"
            " ORDER BY m.received_at LIMIT ?",
            (stamp(before), stamp(before), ROWS),
        ).fetchall()
        found = [number for (number,) in _few(rows)]
        if found:
            self.redaction.forget(found, note, now)
        return len(found)

    def merging(self) -> Iterator[None]:
        """Merge what was dropped out of the full text index, a short transaction each step."""
        return self.redaction.merging()

    def tidy(self, now: datetime) -> None:
        """Drop notes that nothing looks at any more: of answers, causes, and old canaries."""
        with transaction(self.connection) as connection:
            connection.execute("DELETE FROM answer WHERE at < ?", (stamp(now - ASIDE),))
            connection.execute("DELETE FROM told WHERE hour < ?", (stamp(now - ASIDE)[:13],))
        self.canaries.forget(now - CANARIES)


def _few(rows: Iterable[sqlite3.Row]) -> Iterator[tuple[int]]:
    """Give the first rows that together are no more than one transaction may overwrite."""
    room = OCTETS
    for row in rows:
        yield (row["id"],)
        room -= row["octets"]
        if room <= 0:
            return
