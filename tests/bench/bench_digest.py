"""How long a digest of a thousand incidents takes, and how much memory.

The promises are those below; an assertion fails at five times as much only. CPU time, not the
clock's; memory is what the process holds at its highest, without what it held before.
"""

import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from maild.config import config_of
from maild.edge.files import default_folder, load_rules
from maild.edge.store.connection import connect, stamp, transaction
from maild.edge.store.digests import Digests
from maild.edge.store.ledger import Ledger
from maild.edge.store.schema import migrate
from maild.edge.templates import renderer
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
from maild.site import Site

SECONDS = 2.0
MEGABYTES = 200
SLACK = 5
INCIDENTS = 1_000
MAILS = 20
BEGIN = datetime(2026, 3, 15, 0, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
PEOPLE = tuple(Person(f"Ana Nr{n}", f"ana{n}@example.com") for n in range(50))
PROSE = (
    "The secondary has started to drop connections: about one checkout in five fails, in us-east"
    " more. Alícia S. and Dave D. rebuild the primary from the 23:45 snapshot. Is it known why? "
) * 5


def events_of(number: int, first_mail: int) -> list[Happening]:
    """Give an incident's events: an opening, then every third mail an update."""
    name = f"INC-2026-{number:04}"
    by = PEOPLE[number % 50]
    at = BEGIN + timedelta(minutes=number % 600)
    found: list[Happening] = [
        Declared(at, first_mail, by, name, f"Number {number} does not work", ""),
        SeverityChanged(at, first_mail, by, None, number % 4 + 1),
        PhaseChanged(at, first_mail, by, None, 1),
        CommandTransferred(at, first_mail, by, None, by),
        ChannelsMoved(at, first_mail, by, (), ("#pay",)),
        NextUpdatePromised(at, first_mail, by, at + timedelta(minutes=30)),
        UpdatePosted(at, first_mail, by, at, ("severity", "phase", "commander", "channel")),
    ]
    for step in range(1, MAILS):
        at += timedelta(minutes=20)
        mail, by = first_mail + step, PEOPLE[(number + step) % 50]
        if step % 3:
            found.append(NotePosted(at, mail, by))
        else:
            found.append(NextUpdatePromised(at, mail, by, at + timedelta(minutes=60)))
            found.append(UpdatePosted(at, mail, by, at, ("severity", "phase", "commander")))
    return found


def filled(path: Path) -> None:
    """Write a database as the desk would have, without thinking."""
    connection = connect(path)
    migrate(connection, str(path))
    ledger = Ledger(connection, 3)
    with transaction(connection):
        for number in range(1, INCIDENTS + 1):
            first = (number - 1) * MAILS + 1
            events = events_of(number, first)
            incident = fold(events)
            assert incident is not None
            mails = sorted({event.mail for event in events if event.mail is not None})
            moments = {event.mail: event for event in events}
            for mail in mails:
                event = moments[mail]
                kind = "opening" if mail == first else "note"
                made = f"mail-{mail}@laptop.example.com"
                connection.execute(
                    "INSERT INTO arrival (id, received_at, recipients, via, content)"
                    " VALUES (?, ?, '[]', 'smtp', ?)",
                    (mail, stamp(event.at), PROSE.encode()),
                )
                connection.execute(
                    "INSERT INTO mail (id, message_id, author, author_name, subject, received_at,"
                    " fingerprint, parent, verdict, kind, reason, incident, text, prose)"
                    " VALUES (?, ?, ?, ?, '', ?, '', ?, 'accepted', ?, '', ?, ?, ?)",
                    (
                        mail,
                        made,
                        event.by.address,
                        event.by.name,
                        stamp(event.at),
                        f"mail-{mail - 1 - mail % 2}@laptop.example.com" if mail > first else None,
                        kind,
                        incident.id,
                        PROSE,
                        PROSE,
                    ),
                )
                connection.execute(
                    "INSERT INTO letter (message_id, kind, incident, mail, content, created_at)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (made, kind, incident.id, mail, PROSE.encode(), stamp(event.at)),
                )
            ledger.write_incident(connection, incident, 0, events, END, None)
    connection.close()


def digested(path: Path) -> tuple[float, float, int]:
    """Make the digest; gives the seconds of CPU, the megabytes, and the letter's octets."""
    site = Site(config_of({}), path.parent, load_rules(), renderer(default_folder("templates")))
    connection = connect(path, readonly=True)
    desk, store = site.desk(connection, b"k" * 32), Digests(connection)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    histories = store.histories(BEGIN, END)
    month = store.declared(desk.month(END), END, histories)
    told = desk.digest(histories, month, BEGIN, END)
    letter = desk.digest_letter(told, "daily", END)
    took = time.process_time() - begun
    held = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert letter is not None
    assert len(told.stories) == INCIDENTS
    return took, held, len(letter.content)


def test_a_digest_of_a_thousand_incidents(tmp_path: Path) -> None:
    path = tmp_path / "maild.db"
    filled(path)
    # In a process of its own: what other tests held is not counted.
    command = [sys.executable, __file__, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    took, held, octets = (float(part) for part in done.stdout.split())
    print(
        f"\na digest of {INCIDENTS} incidents with {INCIDENTS * MAILS} mails: {took:.2f} s CPU,"
        f" {held:.0f} MB, {octets / 1024:.0f} KiB (promised: {SECONDS} s, {MEGABYTES} MB)"
    )
    assert took < SECONDS * SLACK
    assert held < MEGABYTES * SLACK


if __name__ == "__main__":
    print(*digested(Path(sys.argv[1])))
