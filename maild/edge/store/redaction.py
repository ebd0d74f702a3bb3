"""Dropping a mail's words everywhere in the database; what happened stays, and who wrote, and when."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from maild.edge.store.codec import from_json, to_json
from maild.edge.store.connection import moment, stamp, transaction
from maild.edge.store.ledger import Ledger
from maild.incident.redaction import quotes, runs_of, undeclared, undrafted, unnamed, unworded
from maild.mail.build import redacted
from maild.mail.message import Address, RawMessage

_INDEXES: Final = ("said", "named")
# Leaf pages of an index that one transaction merges, and bodies that it drops: some milliseconds.
_PAGES: Final = 100
BODIES: Final = 100
GIVEN_UP: Final = "not sent: its words were redacted"

Texts = Callable[[RawMessage], str]


class Redaction:
    """Drops words; each step is a short transaction, and all of it can be done again.

    texts, where it is asked for: gives all that can be read in a mail, to find quotations.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.ledger = Ledger(connection, 0)

    def find(self, name: str) -> list[int]:
        """List the mails that a number or a Message-ID names, and their duplicates."""
        found = self.connection.execute(
            "SELECT id FROM mail WHERE fingerprint IN"
            " (SELECT fingerprint FROM mail WHERE id = ? OR message_id = ?) ORDER BY id",
            (int(name) if name.isdecimal() else None, name.strip("<>")),
        )
        return [row["id"] for row in found]

    def quoting(self, numbers: Sequence[int], texts: Texts) -> list[int]:
        """List other mails of the same incidents and drafts that quote these."""
        marks = ",".join("?" * len(numbers))
        runs = frozenset().union(*(runs_of(self._own(number)) for number in numbers))
        others = self.connection.execute(
            f"SELECT id FROM mail WHERE id NOT IN ({marks}) AND redacted_at IS NULL AND"
            f" (incident IN (SELECT incident FROM mail WHERE id IN ({marks}))"
            f" OR draft IN (SELECT draft FROM mail WHERE id IN ({marks}))) ORDER BY id",
            (*numbers, *numbers, *numbers),
        ).fetchall()
        return [row["id"] for row in others if quotes(texts(self.ledger.raw(row["id"])), runs)]

    def redact(self, numbers: Sequence[int], note: str, now: datetime, texts: Texts) -> None:
        """Put a note where the words of these mails stood. Raises Broken."""
        runs = frozenset().union(*(runs_of(self._own(number)) for number in numbers))
        with transaction(self.connection):
            since = min(self._mail(number, note, now) for number in numbers)
            self._give_up(numbers, lambda raw: quotes(texts(raw), runs), since, now)
        while self._drop_bodies(since):
            pass

    def forget(self, numbers: Sequence[int], note: str, now: datetime) -> None:
        """Redact mails that are old; nothing that was sent since is looked at. Raises Broken."""
        with transaction(self.connection):
            for number in numbers:
                self._mail(number, note, now)

    def _own(self, number: int) -> str:
        row = self.connection.execute(
            "SELECT subject, text FROM mail WHERE id = ? AND redacted_at IS NULL", (number,)
        ).fetchone()
        return f"{row['subject']}\n{row['text']}" if row else ""

    def _mail(self, number: int, note: str, now: datetime) -> datetime:
        """Redact one mail's own rows; gives when it came."""
        row = self.connection.execute("SELECT * FROM mail WHERE id = ?", (number,)).fetchone()
        received_at = moment(row["received_at"])
        if row["redacted_at"] is not None:
            return received_at
        author = Address(row["author_name"], row["author"])
        stated = to_json(unworded(from_json(row["stated"]), note)) if row["stated"] else None
        self.connection.execute(
            "UPDATE mail SET subject = ?, text = ?, prose = ?, stated = ?, redacted_at = ? WHERE id = ?",
            (note, note, note, stated, stamp(now), number),
        )
        self.connection.execute(
            "UPDATE arrival SET content = ? WHERE id = ?",
            (redacted(author, row["message_id"], received_at, note), number),
        )
        self._name(number, note)
        self._drafts(number, note)
        return received_at

    def _name(self, number: int, note: str) -> None:
        """Take an incident's name away where this mail gave it."""
        rows = self.connection.execute(
            "SELECT id, incident, row FROM event WHERE mail = ? AND kind = 'Declared'", (number,)
        ).fetchall()
        for row in rows:
            self._set("event", "id", row["id"], undeclared(from_json(row["row"]), note))
            found = self.connection.execute(
                "SELECT row FROM incident WHERE id = ?", (row["incident"],)
            ).fetchone()
            self._set("incident", "id", row["incident"], unnamed(from_json(found["row"]), note))
            self.connection.execute(
                "UPDATE incident SET summary = ?, subject = '', version = version + 1 WHERE id = ?",
                (note, row["incident"]),
            )
            self.connection.execute(
                "UPDATE named SET subject = '' WHERE rowid ="
                " (SELECT year * 1000000000 + number FROM incident WHERE id = ?)",
                (row["incident"],),
            )

    def _drafts(self, number: int, note: str) -> None:
        rows = self.connection.execute(
            "SELECT token, mail, row FROM draft WHERE mail = ?"
            " OR token IN (SELECT draft FROM mail WHERE id = ?)",
            (number, number),
        ).fetchall()
        for row in rows:
            draft = undrafted(from_json(row["row"]), number, note)
            self._set("draft", "token", row["token"], draft)
            self.connection.execute(
                "UPDATE draft SET state = ? WHERE token = ?", (draft.state, row["token"])
            )
            # What completed a draft may have given the incident its name.
            self._name(row["mail"], note)

    def _set(self, table: str, key: str, value: object, row: Any) -> None:
        self.connection.execute(
            f"UPDATE {table} SET row = ? WHERE {key} = ?", (to_json(row), value)
        )

    def _give_up(
        self,
        numbers: Sequence[int],
        holds: Callable[[RawMessage], bool],
        since: datetime,
        now: datetime,
    ) -> None:
        """Give up what is still owed and holds the words: letters on these mails, digests, stories."""
        pending = self.connection.execute(
            "SELECT DISTINCT l.id, l.mail, l.content FROM delivery d JOIN letter l ON l.id = d.letter"
            " WHERE d.state = 'pending' AND l.created_at >= ?",
            (stamp(since),),
        ).fetchall()
        for row in pending:
            raw = RawMessage(self.ledger.raw(numbers[0]).envelope, row["content"], now)
            if row["mail"] in numbers or (row["mail"] is None and holds(raw)):
                self.connection.execute(
                    "UPDATE delivery SET state = 'failed', reply = ?, done_at = ?"
                    " WHERE letter = ? AND state = 'pending'",
                    (GIVEN_UP, stamp(now), row["id"]),
                )

    def _drop_bodies(self, since: datetime) -> int:
        """Drop bodies of what nobody is owed any more: any of them may quote the words."""
        with transaction(self.connection) as connection:
            return connection.execute(
                "UPDATE letter SET content = x'' WHERE id IN (SELECT l.id FROM letter l"
                " WHERE l.created_at >= ? AND length(l.content) > 0 AND NOT EXISTS"
                " (SELECT 1 FROM delivery d WHERE d.letter = l.id AND d.state = 'pending') LIMIT ?)",
                (stamp(since), BODIES),
            ).rowcount

    def wipe(self) -> bool:
        """Take the words out of the full text index, and empty the write-ahead log.

        False where somebody reads just now, so that the log could not be emptied: do it again.
        """
        for _ in self.merging():
            pass
        busy, _, _ = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def merging(self) -> Iterator[None]:
        """Merge what was dropped out of the full text index, a short transaction each step."""
        for index in _INDEXES:
            self._merge(index, -_PAGES)
            yield
            while self._merge(index, _PAGES) > 1:
                yield

    def _merge(self, index: str, pages: int) -> int:
        """Merge some pages of an index; says how many rows that changed (fewer than 2: done)."""
        before = self.connection.total_changes
        with transaction(self.connection) as connection:
            connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', ?)", (pages,))
        return self.connection.total_changes - before
