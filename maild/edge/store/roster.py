"""The roster: who receives what."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from maild.edge.store.codec import from_json, to_json
from maild.edge.store.connection import moment, stamp, transaction
from maild.roster.subscription import CONFIRM_WITHIN, Confirmation, RosterChange, Subscription


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
            write_roster(connection, [RosterChange(s.address, s) for s in chosen], now)

    def remove(self, addresses: Iterable[str]) -> list[str]:
        """Remove subscribers; gives those that were on the roster."""
        removed = []
        with transaction(self.connection) as connection:
            for address in addresses:
                if _remove(connection, address):
                    removed.append(address)
        return removed


def write_roster(
    connection: sqlite3.Connection, changes: Iterable[RosterChange], now: datetime
) -> None:
    """Add, change and remove subscribers within the caller's transaction."""
    for change in changes:
        wanted = change.now
        if wanted is None:
            _remove(connection, change.address)
        else:
            connection.execute(
                "INSERT INTO subscriber (address, mode, digest, severity, form, at_once, added_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET mode = excluded.mode,"
                " digest = excluded.digest, severity = excluded.severity,"
                " form = excluded.form, at_once = excluded.at_once, paused_at = NULL",
                (
                    change.address.lower(),
                    wanted.mode,
                    wanted.digest,
                    wanted.severity,
                    wanted.form,
                    " ".join(wanted.at_once),
                    stamp(now),
                ),
            )
            connection.execute("DELETE FROM bouncing WHERE address = ?", (change.address.lower(),))


def _remove(connection: sqlite3.Connection, address: str) -> bool:
    cursor = connection.execute("DELETE FROM subscriber WHERE address = ?", (address.lower(),))
    return cursor.rowcount > 0


class Confirmations:
    """Changes of the roster that wait for the answer of the one whom they are about."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def find(self, token: str | None, ids: Sequence[str], now: datetime) -> Confirmation | None:
        """Find what a mail answers, by the token of its address or the ids of what it replies to.

        None where there is nothing, it is done already, or it has waited too long.
        """
        marks = ",".join("?" * len(ids))
        row = self.connection.execute(
            "SELECT * FROM confirmation WHERE done_at IS NULL AND asked_at > ? AND (token = ?"
            " OR mail IN (SELECT mail FROM letter WHERE kind = 'command_answer'"
            f" AND message_id IN ({marks}))) ORDER BY token = ? DESC LIMIT 1",
            (stamp(now - CONFIRM_WITHIN), token, *ids, token),
        ).fetchone()
        if row is None:
            return None
        wanted = from_json(row["wanted"]) if row["wanted"] else None
        change = RosterChange(row["address"], wanted)
        return Confirmation(row["token"], change, moment(row["asked_at"]))

    def enter(self, mail: int, asks: Confirmation | None, confirmed: str, now: datetime) -> None:
        """Note what a mail asks for and what it confirms, within the caller's transaction."""
        if asks is not None:
            wanted = to_json(asks.change.now) if asks.change.now else None
            self.connection.execute(
                "INSERT OR REPLACE INTO confirmation (token, mail, address, wanted, asked_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (asks.token, mail, asks.change.address, wanted, stamp(asks.asked_at)),
            )
        if confirmed:
            self.connection.execute(
                "UPDATE confirmation SET done_at = ? WHERE token = ?", (stamp(now), confirmed)
            )


def _subscription(row: sqlite3.Row) -> Subscription:
    return Subscription(
        row["address"],
        row["mode"],
        row["digest"],
        row["severity"],
        row["form"],
        tuple(row["at_once"].split()),
        moment(row["paused_at"]) if row["paused_at"] else None,
    )
