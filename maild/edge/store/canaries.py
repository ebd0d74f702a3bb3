"""Canaries: which were sent when, and which came back."""

import sqlite3
from datetime import datetime
from typing import Final

from maild.edge.store.connection import moment, stamp, transaction
from maild.edge.store.outbox import owe
from maild.mail.message import Outgoing

FEW: Final = 20


class Canaries:
    """The canary clock's view of the store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def last(self) -> tuple[int, datetime, bool] | None:
        """Give the last one's number, when it was made, and whether it is still owed to the relay."""
        row = self.connection.execute(
            "SELECT number, sent_at, EXISTS (SELECT 1 FROM delivery d WHERE d.letter = c.letter"
            " AND d.state = 'pending') AS owed FROM canary c ORDER BY number DESC LIMIT 1"
        ).fetchone()
        return (row["number"], moment(row["sent_at"]), bool(row["owed"])) if row else None

    def lost(self, before: datetime) -> datetime | None:
        """Say when the first was sent, before then, that has not come back, nor any after it."""
        (sent_at,) = self.connection.execute(
            "SELECT min(sent_at) FROM canary WHERE back_at IS NULL AND sent_at <= ?"
            " AND number > (SELECT coalesce(max(number), 0) FROM canary WHERE back_at IS NOT NULL)",
            (stamp(before),),
        ).fetchone()
        return moment(sent_at) if sent_at else None

    def enter(self, number: int, letter: Outgoing, now: datetime) -> None:
        """Note a canary, and owe it, in one transaction. Raises Broken."""
        with transaction(self.connection) as connection:
            connection.execute(
                "INSERT INTO canary (number, letter, sent_at) VALUES (?, ?, ?)",
                (number, owe(connection, letter, now), stamp(now)),
            )

    def forget(self, before: datetime) -> None:
        """Drop old canaries with their letters and mails, some at once. Raises Broken."""
        with transaction(self.connection) as connection:
            rows = connection.execute(
                "SELECT number, letter, mail FROM canary WHERE sent_at < ? LIMIT ?",
                (stamp(before), FEW),
            ).fetchall()
            for row in rows:
                connection.execute("DELETE FROM delivery WHERE letter = ?", (row["letter"],))
                connection.execute(
                    "DELETE FROM place WHERE message_id ="
                    " (SELECT message_id FROM letter WHERE id = ?)",
                    (row["letter"],),
                )
                connection.execute("DELETE FROM letter WHERE id = ?", (row["letter"],))
                connection.execute("DELETE FROM mail WHERE id = ?", (row["mail"],))
                connection.execute("DELETE FROM arrival WHERE id = ?", (row["mail"],))
                connection.execute("DELETE FROM canary WHERE number = ?", (row["number"],))


def back(connection: sqlite3.Connection, number: int | None, mail: int, now: datetime) -> None:
    """Note, in the caller's transaction, that a canary has come back, as which mail; None is none."""
    if number is None:
        return
    connection.execute(
        "UPDATE canary SET back_at = ?, mail = ? WHERE number = ? AND back_at IS NULL",
        (stamp(now), mail, number),
    )
