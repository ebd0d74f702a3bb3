"""The door's part: keep octets, durably, before anybody says 250."""

import json
import sqlite3
from collections.abc import Sequence

from maild.edge.store.connection import stamp, transaction
from maild.mail.message import RawMessage


class Arrivals:
    """Keeps what has arrived; one commit for as many as come together."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def keep(self, batch: Sequence[RawMessage]) -> tuple[int, ...]:
        """Commit a batch; gives the record's number of each, in order. Raises sqlite3.Error."""
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
                connection.execute("INSERT INTO waiting (arrival) VALUES (?)", (number,))
                numbers.append(number)
        return tuple(numbers)
