"""What we owe: each mail stored once, and a row for each recipient with its own fate."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from maild.edge.store import bounces
from maild.edge.store.connection import moment, stamp, transaction
from maild.incident.entry import Notice
from maild.incident.undelivered import follows
from maild.mail.build import with_leave
from maild.mail.message import Outgoing, Reply
from maild.mail.tokens import delivery_token, token, token_of, with_token
from maild.roster.bouncing import gravity_of_reply

Verp = Literal["probe", "always", "never"]
News = Callable[[Sequence[Notice], datetime], Sequence[Outgoing]]

# Who of the roster gets a mail, by its audience.
_AUDIENCE = {
    "updates": "mode IN ('immediate', 'updates')",
    "notes": "mode = 'immediate'",
    "daily": "digest = 'daily' AND form = 'summary'",
    "weekly": "digest = 'weekly' AND form = 'summary'",
    "daily-mime": "digest = 'daily' AND form = 'mime'",
    "daily-plain": "digest = 'daily' AND form = 'plain'",
    "weekly-mime": "digest = 'weekly' AND form = 'mime'",
    "weekly-plain": "digest = 'weekly' AND form = 'plain'",
    "monthly": "digest <> 'none'",
    "raised": "at_once LIKE '%raised%'",
    "resolved": "at_once LIKE '%resolved%'",
}


def owe(connection: sqlite3.Connection, letter: Outgoing, now: datetime) -> int:
    """Store a mail and its recipients within the caller's transaction; gives its number."""
    cursor = connection.execute(
        "INSERT INTO letter (message_id, kind, incident, mail, reverse_path, token, content, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            letter.message_id,
            letter.kind,
            letter.incident,
            letter.mail,
            letter.reverse_path,
            token_of(letter.reverse_path),
            letter.content,
            stamp(now),
        ),
    )
    number = int(cursor.lastrowid or 0)
    due = stamp(now)
    if letter.audience:
        connection.execute(
            "INSERT INTO delivery (letter, recipient, due_at, alone) SELECT ?, s.address, ?,"
            " b.address IS NOT NULL FROM subscriber s LEFT JOIN bouncing b ON b.address = s.address"
            f" WHERE {_AUDIENCE[letter.audience]} AND (severity IS NULL OR ? IS NULL OR ? <= severity)"
            " AND paused_at IS NULL",
            (number, due, letter.severity, letter.severity),
        )
    # Who gets it in any case beside the roster is a commander or a liaison: watched, each by itself.
    alone = bool(letter.audience)
    connection.executemany(
        "UPDATE delivery SET alone = 1 WHERE letter = ? AND lower(recipient) = lower(?) AND ?",
        [(number, address, alone) for address in letter.recipients],
    )
    connection.executemany(
        "INSERT INTO delivery (letter, recipient, due_at, alone) SELECT ?, ?, ?, ? WHERE NOT EXISTS"
        " (SELECT 1 FROM delivery WHERE letter = ? AND lower(recipient) = lower(?))",
        [(number, address, due, alone, number, address) for address in letter.recipients],
    )
    connection.execute(
        "INSERT OR REPLACE INTO place (message_id, incident, draft, letter) VALUES (?, ?, ?, ?)",
        (letter.message_id, letter.incident, letter.draft, letter.kind),
    )
    if letter.about:
        connection.executemany(
            "INSERT INTO answer (author, about, at) VALUES (?, ?, ?)",
            [(address.lower(), letter.about, due) for address in letter.recipients],
        )
    return number


def owe_all(connection: sqlite3.Connection, letters: Iterable[Outgoing], now: datetime) -> None:
    """Owe letters within the caller's transaction; of a `once` cause one an hour, or one at all."""
    for letter in letters:
        if not letter.once or _is_news(connection, letter, now):
            owe(connection, letter, now)


def _is_news(connection: sqlite3.Connection, letter: Outgoing, now: datetime) -> bool:
    # What is news once for all counts in its hour too: there is a cap on what people hear in one.
    for hour in (["ever"] if letter.ever else []) + [stamp(now)[:13]]:
        noted = connection.execute(
            "INSERT OR IGNORE INTO told (cause, hour) VALUES (?, ?)", (letter.once, hour)
        )
        if noted.rowcount == 0:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Due:
    """One delivery that is due: its number, the mail's, and how often it was tried.

    alone: travels by itself, with a reverse-path of its own (VERP).
    """

    number: int
    letter: int
    recipient: str
    attempts: int
    kind: str
    created_at: datetime
    alone: bool = False


class Outbox:
    """The desk's view of what we owe.

    key: signs the tokens of deliveries that travel alone; verp: which do. news: writes the letters
    on deliveries that failed.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        key: bytes = b"",
        verp: Verp = "probe",
        news: News | None = None,
    ) -> None:
        self.connection, self.key, self.verp, self.news = connection, key, verp, news

    def due(self, now: datetime, limit: int) -> list[Due]:
        """List what is due, oldest first."""
        rows = self.connection.execute(
            "SELECT d.id, d.letter, d.recipient, d.attempts, l.kind, l.created_at, l.token IS NOT NULL"
            " AND (? = 'always' OR ? = 'probe' AND d.alone) AS alone FROM delivery d"
            " JOIN letter l ON l.id = d.letter WHERE d.state = 'pending' AND d.due_at <= ?"
            " ORDER BY d.due_at, d.id LIMIT ?",
            (self.verp, self.verp, stamp(now), limit),
        )
        return [
            Due(
                row["id"],
                row["letter"],
                row["recipient"],
                row["attempts"],
                row["kind"],
                moment(row["created_at"]),
                bool(row["alone"]),
            )
            for row in rows
        ]

    def letter(self, number: int, alone: int | None = None) -> tuple[str | None, bytes]:
        """Give a mail's reverse-path (None is the null one) and its octets.

        alone: the one delivery that the reverse-path is to name, and whose recipient can leave the
        roster by the mail's List-Unsubscribe; None names the batch.
        """
        row = self.connection.execute(
            "SELECT reverse_path, content FROM letter WHERE id = ?", (number,)
        ).fetchone()
        path, content = row["reverse_path"], row["content"]
        if path is not None and alone is not None:
            path = with_token(path, delivery_token(self.key, alone))
            (recipient,) = self.connection.execute(
                "SELECT lower(recipient) FROM delivery WHERE id = ?", (alone,)
            ).fetchone()
            content = with_leave(content, token(self.key, "leave", recipient))
        return path, content

    def still_owed(self, numbers: Sequence[int]) -> set[int]:
        """Say which of some deliveries nobody has given up since they were listed."""
        marks = ",".join("?" * len(numbers))
        rows = self.connection.execute(
            f"SELECT id FROM delivery WHERE id IN ({marks}) AND state = 'pending'", tuple(numbers)
        )
        return {row["id"] for row in rows}

    def next_due(self) -> datetime | None:
        """Say when the next delivery is due, None where nothing is owed."""
        (due,) = self.connection.execute(
            "SELECT min(due_at) FROM delivery WHERE state = 'pending'"
        ).fetchone()
        return moment(due) if due else None

    def settle(self, results: Sequence[tuple[int, Reply, datetime | None]], now: datetime) -> None:
        """Commit the fates of deliveries: sent (2yz), failed (5yz), or due again at the moment given."""
        rows = []
        for number, reply, again_at in results:
            state = "sent" if reply.positive else "pending" if again_at else "failed"
            done = stamp(now) if state != "pending" else None
            rows.append(
                (state, str(reply), stamp(again_at) if again_at else stamp(now), done, number)
            )
        with transaction(self.connection) as connection:
            connection.executemany(
                "UPDATE delivery SET state = ?, attempts = attempts + 1, reply = ?, due_at = ?,"
                " done_at = ? WHERE id = ?",
                rows,
            )
            replies = {number: reply for number, reply, again_at in results if again_at is None}
            failed = {n: reply for n, reply in replies.items() if not reply.positive}
            self._followed(connection, failed, now)

    def _followed(
        self, connection: sqlite3.Connection, failed: Mapping[int, Reply], now: datetime
    ) -> None:
        """Count what failed for the roster, and owe the letters on it."""
        for owed in bounces.owed(connection, failed):
            reply = failed[owed.number]
            gravity = gravity_of_reply(reply)
            fallout, notices = follows(owed, gravity, str(reply), now, certain=True)
            bounces.enter(connection, [fallout], now)
            if self.news is not None:
                owe_all(connection, self.news(notices, now), now)
