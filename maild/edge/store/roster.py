"""The roster: who receives what."""

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from maild.edge.store.connection import moment, stamp, transaction
from maild.roster.subscription import Subscription


class Roster:
    """Reads and changes the roster; an address is one subscriber, whatever its letter case."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def all(self) -> list[Subscription]:
        """List all subscribers by address."""
        rows = self.connection.execute("SELECT * FROM subscriber ORDER BY address")
        return [_subscription(row) for row in rows]

    def get(self, address: str) -> Subscription | None:
        """Give one subscriber, None where nobody has this address."""
        row = self.connection.execute(
            "SELECT * FROM subscriber WHERE address = ?", (address.lower(),)
        ).fetchone()
        return _subscription(row) if row else None

    def put(self, subscriptions: Iterable[Subscription], now: datetime) -> None:
        """Add subscribers, or change what they chose; who was paused gets copies again."""
        chosen = list(subscriptions)
        with transaction(self.connection) as connection:
            connection.executemany(
                "INSERT INTO subscriber (address, mode, digest, severity, added_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET mode = excluded.mode,"
                " digest = excluded.digest, severity = excluded.severity, paused_at = NULL",
                [(s.address.lower(), s.mode, s.digest, s.severity, stamp(now)) for s in chosen],
            )
            connection.executemany(
                "DELETE FROM bouncing WHERE address = ?", [(s.address.lower(),) for s in chosen]
            )

    def remove(self, addresses: Iterable[str]) -> list[str]:
        """Remove subscribers; gives those that were on the roster."""
        removed = []
        with transaction(self.connection) as connection:
            for address in addresses:
                cursor = connection.execute(
                    "DELETE FROM subscriber WHERE address = ?", (address.lower(),)
                )
                if cursor.rowcount:
                    removed.append(address)
        return removed


def _subscription(row: sqlite3.Row) -> Subscription:
    paused_at = moment(row["paused_at"]) if row["paused_at"] else None
    return Subscription(row["address"], row["mode"], row["digest"], row["severity"], paused_at)
