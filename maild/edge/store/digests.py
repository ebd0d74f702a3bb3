"""Digests: which periods have theirs, and the histories that a digest tells."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from maild.edge.store.codec import from_json
from maild.edge.store.connection import moment, stamp, transaction
from maild.edge.store.outbox import owe
from maild.incident.digest import History, Post
from maild.mail.message import Outgoing


class Digests:
    """The clock's view of the digests."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def last(self, kind: str) -> datetime | None:
        """Say until when the last digest of a kind went; None where there was none yet."""
        (until,) = self.connection.execute(
            "SELECT max(until) FROM digest WHERE kind = ?", (kind,)
        ).fetchone()
        return moment(until) if until else None

    def histories(self, since: datetime, until: datetime) -> list[History]:
        """Give the incidents that are open, or have changed since; with their conversations."""
        rows = self.connection.execute(
            "SELECT id FROM incident WHERE (open = 1 OR changed_at > ?) AND declared_at <= ?",
            (stamp(since), stamp(until)),
        ).fetchall()
        return [self.history(row["id"]) for row in rows]

    def declared(self, since: datetime, until: datetime) -> list[History]:
        """Give the incidents that were declared in a span, without their conversations."""
        rows = self.connection.execute(
            "SELECT id FROM incident WHERE declared_at BETWEEN ? AND ?",
            (stamp(since), stamp(until)),
        ).fetchall()
        return [self.history(row["id"], posts=False) for row in rows]

    def history(self, incident_id: str, *, posts: bool = True) -> History:
        """Give all that is on record of an incident."""
        rows = self.connection.execute(
            "SELECT mail, row FROM event WHERE incident = ? ORDER BY id", (incident_id,)
        ).fetchall()
        events = tuple(from_json(row["row"]) for row in rows)
        found = {row["mail"] for row in rows if row["mail"] is not None}
        return History(events, self._posts(found) if posts else ())

    def _posts(self, numbers: set[int]) -> tuple[Post, ...]:
        posts = []
        for number in sorted(numbers):
            row = self.connection.execute("SELECT * FROM mail WHERE id = ?", (number,)).fetchone()
            letters = self.connection.execute(
                "SELECT message_id, kind FROM letter WHERE mail = ? AND kind IN"
                " ('opening', 'update', 'note')",
                (number,),
            ).fetchall()
            if row is not None:
                posts.append(_post(row, letters))
        return tuple(sorted(posts, key=lambda post: (post.at, post.number)))

    def send(self, letter: Outgoing, now: datetime) -> None:
        """Owe a digest that an operator asked for; no period is noted."""
        with transaction(self.connection) as connection:
            owe(connection, letter, now)

    def enter(
        self,
        kind: str,
        since: datetime,
        until: datetime,
        letters: Sequence[Outgoing],
        now: datetime,
    ) -> bool:
        """Note the period as done, and owe its letters, in one transaction; False where it was."""
        with transaction(self.connection) as connection:
            cursor = connection.execute(
                "INSERT OR IGNORE INTO digest (kind, until, since, made_at) VALUES (?, ?, ?, ?)",
                (kind, stamp(until), stamp(since), stamp(now)),
            )
            if cursor.rowcount != 1:
                return False
            for letter in letters:
                owe(connection, letter, now)
        return True


def _post(row: sqlite3.Row, letters: Sequence[sqlite3.Row]) -> Post:
    ids = (row["message_id"], *(letter["message_id"] for letter in letters))
    kinds = [letter["kind"] for letter in letters] or [row["kind"]]
    return Post(
        number=row["id"],
        ids=tuple(dict.fromkeys(made for made in ids if made)),
        parent=row["parent"],
        author=row["author_name"] or row["author"],
        at=moment(row["received_at"]),
        prose=row["prose"],
        kind=kinds[0],
    )
