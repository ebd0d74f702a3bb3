"""The record as everybody on the list may read it: what commands by mail ask for."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from maild.edge.store.digests import Digests
from maild.edge.store.records import Records
from maild.edge.store.search import SHORT_LIMIT, Search
from maild.incident.digest import Digest, History, month_of, period
from maild.incident.hours import WorkingHours
from maild.incident.model import Incident
from maild.incident.search import Hit
from maild.reading.rules import Rules


class Archive:
    """Answers look-ups; changes nothing."""

    def __init__(self, connection: sqlite3.Connection, rules: Rules, hours: WorkingHours) -> None:
        self.records = Records(connection, rules.phase.last)
        self.digests, self.search = Digests(connection), Search(connection)
        self.rules, self.hours = rules, hours

    def incidents(self) -> Sequence[Incident]:
        """List the open incidents."""
        return tuple(self.records.incidents(only_open=True))

    def history(self, incident_id: str) -> History | None:
        """Give all that is on record of an incident, None where there is no such one."""
        if self.records.incident(incident_id) is None:
            return None
        return self.digests.history(incident_id)

    def digest(self, since: datetime | None, until: datetime) -> Digest:
        """Tell of a period; since: None is the last digest, or a day where none went yet."""
        last = self.digests.last("daily") or until - timedelta(days=1)
        begin = min(since or last, until)
        histories = self.digests.histories(begin, until)
        month = self.digests.declared(month_of(until, self.hours.zone), until, histories)
        return period(histories, month, begin, until, self.rules, self.hours)

    def found(self, words: str) -> Sequence[Hit]:
        """Search what went to the list."""
        return self.search.find(words, listed=True, limit=SHORT_LIMIT)
