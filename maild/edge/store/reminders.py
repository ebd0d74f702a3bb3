"""Reminders: which incidents may need one, and which were sent; each once."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from maild.edge.store.codec import from_json
from maild.edge.store.connection import stamp, transaction
from maild.edge.store.outbox import owe
from maild.incident.model import Incident
from maild.incident.reminder import Nudge
from maild.mail.message import Outgoing

# A postmortem is not asked for so long after the end: then somebody has decided against it.
FORGOTTEN: Final = timedelta(days=30)
_AT_ONCE: Final = datetime.min.replace(tzinfo=UTC)


class Reminders:
    """The clock's view of incidents; one that has not changed is read anew when it is time to."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        # The version that was looked at, and when to look again; None for never.
        self._looked: dict[str, tuple[int, datetime | None]] = {}

    def watched(self, now: datetime) -> list[Incident]:
        """List the incidents to look at, of those that are open, or were over not long ago."""
        rows = self.connection.execute(
            "SELECT id, version FROM incident WHERE open = 1"
            " UNION ALL SELECT id, version FROM incident WHERE open = 0 AND changed_at > ?",
            (stamp(now - FORGOTTEN),),
        ).fetchall()
        known = self._looked
        self._looked = {
            row["id"]: old
            if (old := known.get(row["id"])) and old[0] == row["version"]
            else (row["version"], _AT_ONCE)
            for row in rows
        }
        return [
            self._read(incident_id)
            for incident_id, (_, again) in self._looked.items()
            if again is not None and again <= now
        ]

    def look_again(self, incident: Incident, at: datetime | None) -> None:
        """Have an incident that was looked at left alone until then, or until it has changed."""
        version, _ = self._looked[incident.id]
        self._looked[incident.id] = (version, at)

    def _read(self, incident_id: str) -> Incident:
        row = self.connection.execute(
            "SELECT row FROM incident WHERE id = ?", (incident_id,)
        ).fetchone()
        incident: Incident = from_json(row["row"])
        return incident

    def was_sent(self, incident: Incident, nudge: Nudge) -> bool:
        """Whether this nudge, or a later step of it, went out before."""
        row = self.connection.execute(
            "SELECT 1 FROM reminder WHERE incident = ? AND kind = ? AND cause = ? AND step >= ?",
            (incident.id, nudge.kind, stamp(nudge.cause), nudge.step),
        ).fetchone()
        return row is not None

    def enter(
        self, incident: Incident, nudge: Nudge, letters: Sequence[Outgoing], now: datetime
    ) -> bool:
        """Note a nudge as sent and owe its letters, in one transaction; False where it was.

        A reminder of this incident that has not gone out yet is dropped: this one says more.
        """
        with transaction(self.connection) as connection:
            if self.was_sent(incident, nudge):
                return False
            connection.execute(
                "INSERT INTO reminder (incident, kind, cause, step, at) VALUES (?, ?, ?, ?, ?)",
                (incident.id, nudge.kind, stamp(nudge.cause), nudge.step, stamp(now)),
            )
            connection.execute(
                "UPDATE delivery SET state = 'failed', reply = 'a later reminder took its place',"
                " done_at = ? WHERE state = 'pending' AND letter IN"
                " (SELECT id FROM letter WHERE incident = ? AND kind = 'reminder')",
                (stamp(now), incident.id),
            )
            for letter in letters:
                owe(connection, letter, now)
        return True
