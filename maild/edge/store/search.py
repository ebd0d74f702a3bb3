"""Full text search: the queries; the index itself is kept by the triggers in `schema`."""

import re
import sqlite3
from itertools import islice
from typing import Final

from maild.edge.store.connection import moment
from maild.incident.search import Hit
from maild.incident.thread import SHORT_WORD, alike, weighty

LIMIT: Final = 50
SHORT_LIMIT: Final = 20
MAX_LIKE: Final = 3
MAX_CANDIDATES: Final = 30
_TERM = re.compile(r'"([^"]+)"|(\S+)')
# What everybody may find: mails of which a copy went to the list.
_ON_THE_LIST = (
    " AND EXISTS (SELECT 1 FROM letter l WHERE l.mail = m.id"
    " AND l.kind IN ('opening', 'update', 'note'))"
)


class Search:
    """Searches what is on record."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def find(self, words: str, *, listed: bool = False, limit: int = LIMIT) -> list[Hit]:
        """Find incidents by their names and mails by their words, the best first.

        All words must be there, in any order; "words in quotes" side by side; word* begins one.
        listed: only mails that went to the list, for everybody's eyes.
        """
        wanted = match_of(words)
        if not wanted:
            return []
        found = self._incidents(wanted, limit)
        return [*found, *self._mails(wanted, _ON_THE_LIST if listed else "", limit - len(found))]

    def _incidents(self, wanted: str, limit: int) -> list[Hit]:
        rows = self.connection.execute(
            "SELECT i.id, i.declared_at, i.summary FROM named JOIN incident i ON i.id = named.id"
            " WHERE named MATCH ? ORDER BY named.rank LIMIT ?",
            (wanted, limit),
        )
        return [Hit(r["id"], None, moment(r["declared_at"]), "", r["summary"], "") for r in rows]

    def _mails(self, wanted: str, which: str, limit: int) -> list[Hit]:
        rows = self.connection.execute(
            "SELECT m.id, m.incident, m.received_at, m.author, m.author_name, m.subject,"
            " snippet(said, 1, '', '', ' ... ', 16) AS words"
            " FROM said JOIN mail m ON m.id = said.rowid"
            f" WHERE said MATCH ? AND m.verdict NOT IN ('duplicate', 'command')"
            f" AND m.kind <> 'refused'{which}"
            " ORDER BY said.rank LIMIT ?",
            (wanted, limit),
        )
        return [
            Hit(
                incident=row["incident"],
                mail=row["id"],
                at=moment(row["received_at"]),
                author=row["author_name"] or row["author"],
                subject=row["subject"],
                words=" ".join(row["words"].split()),
            )
            for row in rows
        ]

    def like(self, subject: str) -> tuple[tuple[str, str], ...]:
        """List the open incidents whose opening had a like subject, newest first: (id, summary)."""
        stems = (word[: max(SHORT_WORD, len(word) - 2)] for word in weighty(subject))
        wanted = " OR ".join(f'"{stem}"*' for stem in stems) or match_of(f'"{subject}"')
        if not wanted:
            return ()
        # In the order of the index, and no further than needed: a rank would look at all of them.
        rows = self.connection.execute(
            "SELECT i.id, i.summary, i.subject FROM named CROSS JOIN incident i"
            " ON i.year = named.rowid / 1000000000 AND i.number = named.rowid % 1000000000"
            " WHERE named MATCH ? AND i.open = 1 ORDER BY named.rowid DESC LIMIT ?",
            (f"subject : ({wanted})", MAX_CANDIDATES),
        )
        found = ((row["id"], row["summary"]) for row in rows if alike(subject, row["subject"]))
        return tuple(islice(found, MAX_LIKE))


def match_of(words: str) -> str:
    """Write the search for FTS5: each word as a string of its own, so that no sign means anything."""
    terms = []
    for phrase, word in _TERM.findall(words.replace("\0", " ")):
        text = (phrase or word).replace('"', "")
        if any(c.isalnum() for c in text):
            terms.append(f'"{text}"' + ("*" if word.endswith("*") else ""))
    return " ".join(terms)
