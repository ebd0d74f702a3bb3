"""The figures that the database knows: counted when somebody asks, on a connection of their own."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from maild.edge.store.connection import connect, moment

PATIENCE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What is on record at a moment.

    verdicts: mails by verdict. waiting: not concluded yet. open: incidents. pending: deliveries that
    are owed; oldest: the oldest of their letters, None where nothing is owed. digests: when the last
    of each kind was made. canary: when the last canary was back, None where none ever was.
    """

    verdicts: dict[str, int]
    waiting: int
    open: int
    pending: int
    oldest: datetime | None
    digests: dict[str, datetime]
    canary: datetime | None


def figures(path: Path) -> Figures:
    """Count what is on record. Raises StoreError, Broken."""
    with closing(connect(path, readonly=True)) as connection:
        pending, oldest = connection.execute(
            "SELECT count(*), min(l.created_at) FROM delivery d JOIN letter l ON l.id = d.letter"
            " WHERE d.state = 'pending'"
        ).fetchone()
        verdicts = connection.execute("SELECT verdict, count(*) AS n FROM mail GROUP BY verdict")
        digests = connection.execute("SELECT kind, max(made_at) FROM digest GROUP BY kind")
        (canary,) = connection.execute("SELECT max(back_at) FROM canary").fetchone()
        return Figures(
            verdicts={row["verdict"]: row["n"] for row in verdicts},
            waiting=_count(connection, "waiting"),
            open=_count(connection, "incident WHERE open = 1"),
            pending=pending,
            oldest=moment(oldest) if oldest else None,
            digests={kind: moment(at) for kind, at in digests},
            canary=moment(canary) if canary else None,
        )


def _count(connection: sqlite3.Connection, what: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def try_to_write(path: Path) -> None:
    """Take the lock that a writer needs, and change nothing. Raises StoreError, Broken."""
    with closing(connect(path, patience=PATIENCE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
