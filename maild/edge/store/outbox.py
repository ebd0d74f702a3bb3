"""What we owe: each mail stored once, and a row for each recipient with its own fate."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from maild.edge.store.connection import moment, stamp, transaction
from maild.mail.message import Outgoing, Reply

# Who of the roster gets a mail, by its audience.
_AUDIENCE = {
    "updates": "mode IN ('immediate', 'updates')",
    "notes": "mode = 'immediate'",
    "daily": "digest = 'daily' AND form = 'summary'",
    "weekly": "digest = 'weekly' AND form = 'summary'",
    "daily-mime": "digest = 'daily' AND form = 'mime'",
    "daily-plain": "digest = 'daily' AND form = 'plain'",
    "weekly-mime": "digest = 'weekly' AND form = 'mime'",
    "weekly-plain": "digest = 'weekly' AND form = 'plain'",
    "monthly": "digest <> 'none'",
    "raised": "at_once LIKE '%raised%'",
    "resolved": "at_once LIKE '%resolved%'",
}


def owe(connection: sqlite3.Connection, letter: Outgoing, now: datetime) -> int:
    """Store a mail and its recipients within the caller's transaction; gives its number."""
    cursor = connection.execute(
        "INSERT INTO letter (message_id, kind, incident, mail, reverse_path, content, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            letter.message_id,
            letter.kind,
            letter.incident,
            letter.mail,
            letter.reverse_path,
            letter.content,
            stamp(now),
        ),
    )
    number = int(cursor.lastrowid or 0)
    due = stamp(now)
    if letter.audience:
        connection.execute(
            "INSERT INTO delivery (letter, recipient, due_at) SELECT ?, address, ? FROM subscriber"
            f" WHERE {_AUDIENCE[letter.audience]} AND (severity IS NULL OR ? IS NULL OR ? <= severity)",
            (number, due, letter.severity, letter.severity),
        )
    connection.executemany(
        "INSERT INTO delivery (letter, recipient, due_at) SELECT ?, ?, ? WHERE NOT EXISTS"
        " (SELECT 1 FROM delivery WHERE letter = ? AND lower(recipient) = lower(?))",
        [(number, address, due, number, address) for address in letter.recipients],
    )
    connection.execute(
        "INSERT OR REPLACE INTO place (message_id, incident, draft, letter) VALUES (?, ?, ?, ?)",
        (letter.message_id, letter.incident, letter.draft, letter.kind),
    )
    if letter.about:
        connection.executemany(
            "INSERT INTO answer (author, about, at) VALUES (?, ?, ?)",
            [(address.lower(), letter.about, due) for address in letter.recipients],
        )
    return number


@dataclass(frozen=True, slots=True)
class Due:
    """One delivery that is due: its number, the mail's, and how often it was tried."""

    number: int
    letter: int
    recipient: str
    attempts: int
    kind: str
    created_at: datetime


class Outbox:
    """The desk's view of what we owe."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def due(self, now: datetime, limit: int) -> list[Due]:
        """List what is due, oldest first."""
        rows = self.connection.execute(
            "SELECT d.id, d.letter, d.recipient, d.attempts, l.kind, l.created_at FROM delivery d"
            " JOIN letter l ON l.id = d.letter WHERE d.state = 'pending' AND d.due_at <= ?"
            " ORDER BY d.due_at, d.id LIMIT ?",
            (stamp(now), limit),
        )
        return [
            Due(
                row["id"],
                row["letter"],
                row["recipient"],
                row["attempts"],
                row["kind"],
                moment(row["created_at"]),
            )
            for row in rows
        ]

    def letter(self, number: int) -> tuple[str | None, bytes]:
        """Give a mail's reverse-path (None is the null one) and its octets."""
        row = self.connection.execute(
            "SELECT reverse_path, content FROM letter WHERE id = ?", (number,)
        ).fetchone()
        return row["reverse_path"], row["content"]

    def next_due(self) -> datetime | None:
        """Say when the next delivery is due, None where nothing is owed."""
        (due,) = self.connection.execute(
            "SELECT min(due_at) FROM delivery WHERE state = 'pending'"
        ).fetchone()
        return moment(due) if due else None

    def settle(self, results: Sequence[tuple[int, Reply, datetime | None]], now: datetime) -> None:
        """Commit the fates of deliveries: sent (2yz), failed (5yz), or due again at the moment given."""
        rows = []
        for number, reply, again_at in results:
            state = "sent" if reply.positive else "pending" if again_at else "failed"
            done = stamp(now) if state != "pending" else None
            rows.append(
                (state, str(reply), stamp(again_at) if again_at else stamp(now), done, number)
            )
        with transaction(self.connection) as connection:
            connection.executemany(
                "UPDATE delivery SET state = ?, attempts = attempts + 1, reply = ?, due_at = ?,"
                " done_at = ? WHERE id = ?",
                rows,
            )
