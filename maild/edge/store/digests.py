"""Digests: which periods have theirs, and the histories that a digest tells."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from maild.edge.store.codec import from_json
from maild.edge.store.connection import moment, stamp, transaction
from maild.edge.store.outbox import owe
from maild.incident.digest import History, Post
from maild.incident.model import Happening
from maild.mail.bundle import Original
from maild.mail.message import Outgoing
from maild.roster.subscription import FORMS, Form

# Nobody reads more of one mail in a digest.
MAX_PROSE: Final = 4_000
# Relays take 10 MB and more; a digest of mails stays well below.
MAX_OCTETS: Final = 5_000_000


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

    def first(self, kind: str, after: datetime) -> tuple[datetime, datetime] | None:
        """Give the period of the first digest of a kind that ended after a moment and was sent."""
        row = self.connection.execute(
            "SELECT since, until FROM digest WHERE kind = ? AND until >= ? AND sent = 1"
            " ORDER BY until LIMIT 1",
            (kind, stamp(after)),
        ).fetchone()
        return (moment(row["since"]), moment(row["until"])) if row else None

    def histories(self, since: datetime, until: datetime) -> list[History]:
        """Give the incidents that are open, or have changed since; with their conversations."""
        where = "(open = 1 OR changed_at > ?) AND declared_at <= ?"
        return self._histories(self._ids(where, stamp(since), stamp(until)), posts=True)

    def declared(
        self, since: datetime, until: datetime, known: Sequence[History] = ()
    ) -> list[History]:
        """Give the incidents that were declared in a span, without their conversations.

        known: histories that were read already, with all their events; they are not read again.
        Of the others it is left out too that somebody posted: what a mail changed has its own events.
        """
        has = {history.incident: history for history in known}
        ids = self._ids("declared_at BETWEEN ? AND ?", stamp(since), stamp(until))
        read = self._histories([name for name in ids if name not in has], posted=False)
        return [has[name] for name in ids if name in has] + read

    def forms(self, kind: str) -> list[Form]:
        """List in which forms a kind is wanted besides the summary."""
        wanted = {
            row["form"]
            for row in self.connection.execute(
                "SELECT DISTINCT form FROM subscriber WHERE digest = ?", (kind,)
            )
        }
        return [form for form in FORMS if form != "summary" and form in wanted]

    def originals(self, since: datetime, until: datetime) -> list[Original]:
        """Give the mails that went to the list in a period, as they came.

        Where they are more than a digest may weigh, the heaviest come without their octets.
        """
        rows = self.connection.execute(
            "SELECT m.id, l.incident, m.author, m.author_name, m.subject, m.received_at,"
            " length(a.content) AS octets FROM letter l JOIN mail m ON m.id = l.mail"
            " JOIN arrival a ON a.id = m.id WHERE l.kind IN ('opening', 'update', 'note')"
            " AND l.created_at > ? AND l.created_at <= ? ORDER BY l.id",
            (stamp(since), stamp(until)),
        ).fetchall()
        room, kept = MAX_OCTETS, set[int]()
        for row in sorted(rows, key=lambda row: (row["octets"], row["id"])):
            room -= row["octets"]
            if room >= 0:
                kept.add(row["id"])
        return [
            Original(
                number=row["id"],
                incident=row["incident"] or "",
                author=row["author_name"] or row["author"],
                subject=row["subject"],
                at=moment(row["received_at"]),
                content=self._content(row["id"]) if row["id"] in kept else None,
            )
            for row in rows
        ]

    def _content(self, number: int) -> bytes:
        row = self.connection.execute(
            "SELECT content FROM arrival WHERE id = ?", (number,)
        ).fetchone()
        return bytes(row["content"])

    def active(self, since: datetime, until: datetime) -> list[History]:
        """Give the incidents that were declared or went on in a span, without their conversations."""
        where = "declared_at <= ? AND (declared_at >= ? OR open = 1 OR changed_at > ?)"
        return self._histories(self._ids(where, stamp(until), stamp(since), stamp(since)))

    def history(self, incident_id: str) -> History:
        """Give all that is on record of an incident."""
        found = self._histories([incident_id], posts=True)
        return found[0] if found else History(())

    def _ids(self, where: str, *values: str) -> list[str]:
        rows = self.connection.execute(f"SELECT id FROM incident WHERE {where}", values)
        return [row["id"] for row in rows]

    def _histories(
        self, ids: Sequence[str], *, posts: bool = False, posted: bool = True
    ) -> list[History]:
        """Read incidents with three queries, however many they are."""
        events: dict[str, list[Happening]] = {}
        belongs: dict[int, str] = {}
        # Asked by number, each query reads what it gives and nothing else, however long the past is.
        rows = self.connection.execute(
            "SELECT incident, mail, row FROM event WHERE incident IN (SELECT value FROM json_each(?))"
            " AND (? OR kind NOT IN ('UpdatePosted', 'NotePosted')) ORDER BY incident, id",
            (json.dumps(ids), posted),
        )
        for row in rows:
            events.setdefault(row["incident"], []).append(from_json(row["row"]))
            if row["mail"] is not None:
                belongs.setdefault(row["mail"], row["incident"])
        told: dict[str, list[Post]] = {}
        for post in self._posts(list(belongs)) if posts else ():
            told.setdefault(belongs[post.number], []).append(post)
        return [
            History(tuple(found), tuple(sorted(told.get(name, ()), key=lambda p: (p.at, p.number))))
            for name, found in events.items()
        ]

    def _posts(self, mails: Sequence[int]) -> Iterator[Post]:
        numbers = (json.dumps(mails),)
        letters: dict[int, list[sqlite3.Row]] = {}
        # With the plus SQLite does not go through all letters of these kinds there ever were.
        for row in self.connection.execute(
            "SELECT mail, message_id, kind, created_at FROM letter"
            " WHERE +kind IN ('opening', 'update', 'note')"
            " AND mail IN (SELECT value FROM json_each(?)) ORDER BY id",
            numbers,
        ):
            letters.setdefault(row["mail"], []).append(row)
        for row in self.connection.execute(
            "SELECT id, message_id, parent, author, author_name, received_at, kind,"
            f" substr(prose, 1, {MAX_PROSE}) AS prose FROM mail"
            " WHERE id IN (SELECT value FROM json_each(?))",
            numbers,
        ):
            yield _post(row, letters.get(row["id"], ()))

    def send(self, letters: Sequence[Outgoing], now: datetime) -> None:
        """Owe what an operator asked for; no period is noted."""
        with transaction(self.connection) as connection:
            for letter in letters:
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
                "INSERT OR IGNORE INTO digest (kind, until, since, made_at, sent) VALUES (?, ?, ?, ?, ?)",
                (kind, stamp(until), stamp(since), stamp(now), bool(letters)),
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
        sent_at=moment(letters[0]["created_at"]) if letters else None,
    )
