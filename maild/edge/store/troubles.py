"""Which troubles somebody was told of: a desk that starts again does not tell them again."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from maild.edge.store.connection import moment, stamp, transaction
from maild.edge.store.outbox import owe_all
from maild.mail.message import Outgoing


class Troubles:
    """The alarms' view of the store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def told(self) -> dict[str, datetime]:
        """List the troubles that were told and are not over, with their beginning."""
        rows = self.connection.execute("SELECT name, since FROM trouble")
        return {row["name"]: moment(row["since"]) for row in rows}

    def begin(self, name: str, since: datetime, letters: Sequence[Outgoing], now: datetime) -> None:
        """Note a trouble as told, and owe the letters on it. Raises Broken."""
        with transaction(self.connection) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO trouble (name, since) VALUES (?, ?)", (name, stamp(since))
            )
            owe_all(connection, letters, now)

    def end(self, name: str) -> None:
        """Note that a trouble is over. Raises Broken."""
        with transaction(self.connection) as connection:
            connection.execute("DELETE FROM trouble WHERE name = ?", (name,))

    def shunted(self) -> int:
        """Say how many mails are set aside."""
        (count,) = self.connection.execute(
            "SELECT count(*) FROM mail WHERE verdict = 'shunted'"
        ).fetchone()
        return int(count)

    def owed(self) -> int:
        """Say how many deliveries wait."""
        (count,) = self.connection.execute(
            "SELECT count(*) FROM delivery WHERE state = 'pending'"
        ).fetchone()
        return int(count)
