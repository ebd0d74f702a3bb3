"""Deliveries that failed: whom they were to, what is known of him, and what follows."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from maild.edge.store.codec import from_json
from maild.edge.store.connection import moment, stamp
from maild.incident.arrived import Paused
from maild.incident.entry import Fallout
from maild.incident.undelivered import Owed, Sent
from maild.mail.message import Failure, Mail
from maild.mail.tokens import BounceName
from maild.roster.bouncing import Bouncing

MAX_IDS: Final = 200
_OWED = (
    "SELECT d.id, d.recipient, d.bounced, l.kind, i.row AS incident, s.address, s.paused_at,"
    " b.score, b.at, b.counted FROM delivery d JOIN letter l ON l.id = d.letter"
    " LEFT JOIN incident i ON i.id = l.incident"
    " LEFT JOIN subscriber s ON s.address = lower(d.recipient)"
    " LEFT JOIN bouncing b ON b.address = s.address"
)


def sent(
    connection: sqlite3.Connection,
    name: BounceName | None,
    failures: Sequence[Failure],
    *,
    probing: bool,
) -> Sent | None:
    """Give what a bounce address names; of a batch, the recipients whom the report names.

    probing: subscribers get copies with a token of their own after a bounce, so a batch's token is
    no proof. None where it names nothing on record.
    """
    if name is None:
        return None
    if name.delivery is not None:
        rows = connection.execute(f"{_OWED} WHERE d.id = ?", (name.delivery,)).fetchall()
        return Sent(True, [_owed(row) for row in rows]) if rows else None
    letter = connection.execute("SELECT id FROM letter WHERE token = ?", (name.token,)).fetchone()
    if letter is None:
        return None
    addresses = [address for failure in failures for address in failure.addresses][:500]
    marks = ",".join("?" * len(addresses))
    rows = connection.execute(
        f"{_OWED} WHERE d.letter = ? AND lower(d.recipient) IN ({marks})",
        (letter["id"], *addresses),
    ).fetchall()
    return Sent(not probing, [_owed(row) for row in rows], batch=True)


def owed(connection: sqlite3.Connection, numbers: Iterable[int]) -> list[Owed]:
    """Give deliveries by their numbers."""
    return [
        _owed(row)
        for number in numbers
        for row in connection.execute(f"{_OWED} WHERE d.id = ?", (number,))
    ]


def _owed(row: sqlite3.Row) -> Owed:
    bouncing = None
    if row["at"] is not None:
        bouncing = Bouncing(row["score"], moment(row["at"]), row["counted"])
    return Owed(
        number=row["id"],
        recipient=row["recipient"],
        kind=row["kind"],
        incident=from_json(row["incident"]) if row["incident"] else None,
        known=bool(row["bounced"]),
        subscribed=row["address"] is not None,
        bouncing=bouncing,
        paused=row["paused_at"] is not None,
    )


def enter(
    connection: sqlite3.Connection,
    fallout: Iterable[Fallout],
    now: datetime,
    resumes: str | None = None,
) -> None:
    """Write what failed deliveries change, and who gets copies again, in the caller's transaction."""
    for one in fallout:
        address = one.recipient.lower()
        connection.execute(
            "UPDATE delivery SET bounced = 1, state = CASE WHEN ? THEN 'sent' ELSE 'failed' END,"
            " reply = CASE WHEN ? = '' THEN reply ELSE ? END, done_at = coalesce(done_at, ?)"
            " WHERE id = ?",
            (one.arrived, one.reply, one.reply, stamp(now), one.delivery),
        )
        if one.bouncing is not None:
            connection.execute(
                "INSERT OR REPLACE INTO bouncing (address, score, counted, at) VALUES (?, ?, ?, ?)",
                (address, one.bouncing.score, one.bouncing.counted, stamp(one.bouncing.at)),
            )
        if one.pause:
            connection.execute(
                "UPDATE subscriber SET paused_at = ? WHERE address = ?", (stamp(now), address)
            )
    if resumes is not None:
        _resume(connection, resumes)


def _resume(connection: sqlite3.Connection, address: str) -> None:
    """Send a paused subscriber copies again; his bounces are forgotten."""
    connection.execute("UPDATE subscriber SET paused_at = NULL WHERE address = ?", (address,))
    connection.execute("DELETE FROM bouncing WHERE address = ?", (address,))


def paused(connection: sqlite3.Connection, mail: Mail) -> Paused:
    """Whether a mail's author is a subscriber who gets no copies, and answers our letter on that."""
    row = connection.execute(
        "SELECT 1 FROM subscriber WHERE address = ? AND paused_at IS NOT NULL",
        (mail.author.address.lower(),),
    ).fetchone()
    if row is None:
        return ""
    ids = (*mail.in_reply_to, *mail.references)[-MAX_IDS:]
    marks = ",".join("?" * len(ids))
    answered = connection.execute(
        f"SELECT 1 FROM place WHERE message_id IN ({marks}) AND letter = 'paused'", ids
    ).fetchone()
    return "answered" if answered else "paused"
