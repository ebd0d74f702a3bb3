"""A database as the desk would have written it, of as many incidents and mails as wanted."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from maild.edge.store.connection import connect, stamp, transaction
from maild.edge.store.ledger import Ledger
from maild.edge.store.schema import migrate
from maild.incident.model import (
    ChannelsMoved,
    CommandTransferred,
    Declared,
    Happening,
    NextUpdatePromised,
    NotePosted,
    PhaseChanged,
    SeverityChanged,
    UpdatePosted,
    fold,
)
from maild.reading.reading import Person

PEOPLE = tuple(Person(f"Ana Nr{n}", f"ana{n}@example.com") for n in range(50))


def events_of(number: int, first: int, mails: int, at: datetime, over: bool) -> list[Happening]:
    """Give an incident's events: an opening, then every third mail an update; over: the last ends it."""
    name = f"INC-{at.year}-{number:04}"
    by = PEOPLE[number % 50]
    found: list[Happening] = [
        Declared(at, first, by, name, f"Number {number} does not work", ""),
        SeverityChanged(at, first, by, None, number % 4 + 1),
        PhaseChanged(at, first, by, None, 1),
        CommandTransferred(at, first, by, None, by),
        ChannelsMoved(at, first, by, (), ("#pay",)),
        NextUpdatePromised(at, first, by, at + timedelta(minutes=30)),
        UpdatePosted(at, first, by, at, ("severity", "phase", "commander", "channel")),
    ]
    for step in range(1, mails):
        at += timedelta(minutes=20)
        mail, by = first + step, PEOPLE[(number + step) % 50]
        if over and step == mails - 1:
            found.append(PhaseChanged(at, mail, by, 1, 3))
            found.append(UpdatePosted(at, mail, by, at, ("severity", "phase", "commander")))
        elif step % 3:
            found.append(NotePosted(at, mail, by))
        else:
            found.append(NextUpdatePromised(at, mail, by, at + timedelta(minutes=60)))
            found.append(UpdatePosted(at, mail, by, at, ("severity", "phase", "commander")))
    return found


def filled(
    path: Path,
    incidents: int,
    mails: int,
    begin: Callable[[int], datetime],
    prose: str,
    still_open: int,
) -> None:
    """Write so many incidents of so many mails each, without thinking; begin: of each, by number."""
    connection = connect(path)
    migrate(connection, str(path))
    ledger = Ledger(connection, 3)
    for start in range(0, incidents, 1_000):
        with transaction(connection):
            for number in range(start + 1, min(start + 1_000, incidents) + 1):
                first, at = (number - 1) * mails + 1, begin(number)
                over = number <= incidents - still_open
                events = events_of(number, first, mails, at, over)
                incident = fold(events)
                assert incident is not None
                _write_mails(connection, incident.id, first, events, f"{prose} Number {number}.")
                ledger.write_incident(connection, incident, 0, events, events[-1].at, None)
    connection.close()


def _write_mails(
    connection: sqlite3.Connection, incident: str, first: int, events: list[Happening], prose: str
) -> None:
    moments = {event.mail: event for event in events if event.mail is not None}
    arrivals, mails, letters = [], [], []
    for mail, event in moments.items():
        kind, made = "opening" if mail == first else "note", f"mail-{mail}@laptop.example.com"
        parent = f"mail-{mail - 1 - mail % 2}@laptop.example.com" if mail > first else None
        at, by = stamp(event.at), event.by
        arrivals.append((mail, at, prose.encode()))
        mails.append(
            (mail, made, by.address, by.name, at, made, parent, kind, incident, prose, prose)
        )
        letters.append((made, kind, incident, mail, prose.encode(), at))
    connection.executemany(
        "INSERT INTO arrival (id, received_at, recipients, via, content) VALUES (?, ?, '[]', 'smtp', ?)",
        arrivals,
    )
    connection.executemany(
        "INSERT INTO mail (id, message_id, author, author_name, subject, received_at, fingerprint,"
        " parent, verdict, kind, reason, incident, text, prose)"
        " VALUES (?, ?, ?, ?, '', ?, ?, ?, 'accepted', ?, '', ?, ?, ?)",
        mails,
    )
    connection.executemany(
        "INSERT INTO letter (message_id, kind, incident, mail, content, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        letters,
    )
