"""The door's part: keep octets, durably, before anybody says 250."""

import json
import sqlite3
from collections.abc import Sequence

from maild.edge.store.connection import moment, stamp, transaction
from maild.mail.message import Authenticated, Envelope, RawMessage
from maild.mail.watermark import Watermark
from maild.trouble import Broken


class Arrivals:
    """Keeps what has arrived; one commit for as many as come together."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def keep(
        self, batch: Sequence[RawMessage], marks: Sequence[Watermark] = (), *, waiting: bool = True
    ) -> tuple[int, ...]:
        """Commit a batch; gives the record's number of each, in order. Raises Broken.

        marks: how far mailboxes have been taken with it; in the same transaction. waiting: whether
        the desk shall conclude them; an import does so itself.
        """
        numbers = []
        with transaction(self.connection) as connection:
            for raw in batch:
                row = (
                    stamp(raw.received_at),
                    raw.envelope.reverse_path,
                    json.dumps(raw.envelope.recipients),
                    raw.via,
                    raw.authenticated.standing,
                    raw.authenticated.results,
                    raw.content,
                )
                cursor = connection.execute(
                    "INSERT INTO arrival (received_at, reverse_path, recipients, via, standing, results,"
                    " content) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
                number = int(cursor.lastrowid or 0)
                if waiting:
                    connection.execute("INSERT INTO waiting (arrival) VALUES (?)", (number,))
                numbers.append(number)
            for mark in marks:
                connection.execute(
                    "INSERT OR REPLACE INTO mailbox (name, validity, uid, refused, failed)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (
                        mark.mailbox,
                        mark.validity,
                        mark.uid,
                        json.dumps(mark.refused),
                        json.dumps(mark.failed),
                    ),
                )
        return tuple(numbers)

    def try_to_write(self) -> bool:
        """Commit something that changes nothing, down to the disk. Raises Broken.

        False where somebody else is writing: nothing is tried then, for a mail must not wait for it.
        """
        connection = self.connection
        (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            connection.execute("BEGIN IMMEDIATE")
        except Broken as error:
            if getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            raise
        finally:
            connection.execute(f"PRAGMA busy_timeout = {patience}")
        try:
            # Written though it is the same: an empty transaction would ask the disk nothing.
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return True

    def mark(self, mailbox: str) -> Watermark | None:
        """Say how far a mailbox has been taken; None where never anything was."""
        row = self.connection.execute(
            "SELECT validity, uid, refused, failed FROM mailbox WHERE name = ?", (mailbox,)
        ).fetchone()
        if row is None:
            return None
        failed = tuple((uid, tries) for uid, tries in json.loads(row["failed"]))
        refused = tuple(json.loads(row["refused"]))
        return Watermark(mailbox, row["validity"], row["uid"], refused, failed)


def raw_of(row: sqlite3.Row) -> RawMessage:
    """Make a record's row what had arrived."""
    envelope = Envelope(row["reverse_path"], tuple(json.loads(row["recipients"])))
    found = Authenticated(row["standing"], row["results"])
    at = moment(row["received_at"])
    return RawMessage(envelope, row["content"], at, row["via"], authenticated=found)
