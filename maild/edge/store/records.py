"""What is on record, for people: incidents, mails, what is owed, what was shunted."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from maild.edge.store.codec import from_json
from maild.edge.store.connection import stamp, transaction
from maild.edge.store.ledger import Ledger
from maild.incident.model import Happening, Incident, evolve
from maild.mail.message import RawMessage

Row = dict[str, Any]

# Everybody who ever wrote is most of an incident's row.
_UNLISTED: Final = (
    "'$.people', '$.subject', '$.subject_says', '$.stated_at', '$.last_update_at',"
    " '$.commander_since', '$.quiet_until'"
)
_DONE: Final = "dropped by the operator"


class Records:
    """Reads the record, and mends it at an operator's word."""

    def __init__(self, connection: sqlite3.Connection, last_phase: int) -> None:
        self.connection = connection
        self.ledger = Ledger(connection, last_phase)

    # Incidents -----------------------------------------------------------------------------

    def incidents(self, *, only_open: bool = False) -> Iterator[Incident]:
        """List the incidents, newest last, each as far as a list tells of it.

        They lack what only the next mail asks for, `_UNLISTED`; `incident` gives all.
        """
        rows = self.connection.execute(
            f"SELECT json_remove(row, {_UNLISTED}) FROM incident WHERE open = 1 OR ?"
            " ORDER BY year, number",
            (not only_open,),
        ).fetchall()
        # All is read at once, since who pages through a list holds no snapshot; and made one by one.
        return (from_json(text) for (text,) in rows)

    def incident(self, incident_id: str) -> Incident | None:
        """Give one incident by its id, "INC-2026-0007"; a merged one as it was."""
        row = self.connection.execute(
            "SELECT row FROM incident WHERE id = ?", (incident_id.upper(),)
        ).fetchone()
        return from_json(row["row"]) if row else None

    def events(self, incident_id: str) -> list[Happening]:
        """List an incident's events in their order."""
        rows = self.connection.execute(
            "SELECT row FROM event WHERE incident = ? ORDER BY id", (incident_id,)
        )
        return [from_json(row["row"]) for row in rows]

    def append(self, incident_id: str, event: Happening, now: datetime) -> Incident | None:
        """Add an event that no mail has made; gives the incident after it, None for no such one."""
        with transaction(self.connection) as connection:
            before = self.incident(incident_id)
            if before is None:
                return None
            (version,) = connection.execute(
                "SELECT version FROM incident WHERE id = ?", (before.id,)
            ).fetchone()
            after = evolve(before, event)
            self.ledger.write_incident(connection, after, version, [event], now, None)
        return after

    # Mails ---------------------------------------------------------------------------------

    def mails(self, **wanted: str | int | None) -> list[Row]:
        """List mails and what was sent for each, newest last.

        wanted: verdict, author, message_id, incident, number; None is any.
        """
        columns = {"number": "m.id"}
        found = {columns.get(k, f"m.{k}"): v for k, v in wanted.items() if v is not None}
        where = " AND ".join(f"{column} = ?" for column in found) or "1"
        rows = self.connection.execute(
            "SELECT m.id, m.received_at, m.message_id, m.author, m.subject, m.verdict, m.kind,"
            f" m.reason, m.incident, m.draft, m.redacted_at FROM mail m WHERE {where} ORDER BY m.id",
            tuple(found.values()),
        ).fetchall()
        return [{**dict(row), "sent": self._sent(row["id"])} for row in rows]

    def waiting(self) -> list[Row]:
        """List what has arrived and is not concluded yet."""
        rows = self.connection.execute(
            "SELECT a.id, a.received_at, a.reverse_path FROM waiting w JOIN arrival a"
            " ON a.id = w.arrival ORDER BY a.id"
        )
        return [dict(row) for row in rows]

    def _sent(self, number: int) -> list[Row]:
        rows = self.connection.execute(
            "SELECT l.kind, d.recipient, d.state, d.reply FROM letter l JOIN delivery d"
            " ON d.letter = l.id WHERE l.mail = ? ORDER BY d.id",
            (number,),
        )
        return [dict(row) for row in rows]

    def raw(self, number: int) -> RawMessage | None:
        """Give the octets of a mail as it came, None where there is no such record."""
        try:
            return self.ledger.raw(number)
        except KeyError:
            return None

    # What we owe ---------------------------------------------------------------------------

    def queue(self) -> list[Row]:
        """List what we owe to whom, and why it waits."""
        rows = self.connection.execute(
            "SELECT d.id, d.recipient, l.kind, l.incident, l.created_at, d.attempts, d.due_at, d.reply"
            " FROM delivery d JOIN letter l ON l.id = d.letter WHERE d.state = 'pending'"
            " ORDER BY d.due_at, d.id"
        )
        return [dict(row) for row in rows]

    def failed(self, incident_id: str) -> list[Row]:
        """List whose copies of an incident's mails have failed, or came back."""
        rows = self.connection.execute(
            "SELECT d.recipient, l.kind, d.reply FROM delivery d JOIN letter l ON l.id = d.letter"
            " WHERE d.state = 'failed' AND l.incident = ? ORDER BY d.id",
            (incident_id,),
        )
        return [dict(row) for row in rows]

    def retry(self, delivery: int, now: datetime) -> bool:
        """Make a delivery due now, a failed one too; False where there is none, or no body any more."""
        return self._settle(
            "UPDATE delivery SET state = 'pending', due_at = ?, done_at = NULL"
            " WHERE id = ? AND state <> 'sent'"
            " AND letter IN (SELECT id FROM letter WHERE length(content) > 0)",
            (stamp(now), delivery),
        )

    def drop(self, delivery: int, now: datetime) -> bool:
        """Give up a delivery; False where it is not pending."""
        return self._settle(
            "UPDATE delivery SET state = 'failed', reply = ?, done_at = ?"
            " WHERE id = ? AND state = 'pending'",
            (_DONE, stamp(now), delivery),
        )

    # Shunted -------------------------------------------------------------------------------

    def run_again(self, number: int) -> bool:
        """Put a shunted mail back among the arrived; False where it is not shunted, or redacted."""
        with transaction(self.connection) as connection:
            cursor = connection.execute(
                "DELETE FROM mail WHERE id = ? AND verdict = 'shunted' AND redacted_at IS NULL",
                (number,),
            )
            if cursor.rowcount:
                connection.execute("INSERT INTO waiting (arrival) VALUES (?)", (number,))
        return bool(cursor.rowcount)

    def give_up(self, number: int) -> bool:
        """Note a shunted mail as done with; its octets stay. False where it is not shunted."""
        return self._settle(
            "UPDATE mail SET verdict = 'ignored', reason = reason || ?"
            " WHERE id = ? AND verdict = 'shunted'",
            (f"; {_DONE}", number),
        )

    def _settle(self, statement: str, values: tuple[object, ...]) -> bool:
        with transaction(self.connection) as connection:
            return connection.execute(statement, values).rowcount > 0
