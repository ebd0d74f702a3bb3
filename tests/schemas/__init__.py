"""A database of each schema that was ever used, with data in it, as SQL text: `1.sql` and so on.

`python -m tests.schemas` writes the one of this program's schema. An older one is never written
again: what it holds is what a program of that time has left behind.
"""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from maild.edge.store.arrivals import Arrivals
from maild.edge.store.connection import SCHEMA_VERSION, connect
from maild.edge.store.digests import Digests
from maild.edge.store.roster import Roster
from maild.mail.message import Envelope, RawMessage, Reply
from maild.mail.watermark import Watermark
from maild.roster.subscription import Subscription
from tests.office import NOON, Office

FOLDER = Path(__file__).parent
KEY = b"k" * 32
COMPLETE = "Half of the payments fail. Severity 2, phase 1. I am incident commander. Channel: #pay"


def versions() -> list[int]:
    """List the schemas of which a database is kept."""
    return sorted(int(path.stem) for path in FOLDER.glob("*.sql"))


def load(version: int, path: Path) -> None:
    """Make a database as a program of that schema left it."""
    connect(path).close()
    plain = sqlite3.connect(path)
    plain.executescript((FOLDER / f"{version}.sql").read_text("utf-8"))
    plain.close()


def schema(connection: sqlite3.Connection) -> list[str]:
    """List the statements that make a database's tables, indices and triggers."""
    rows = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        # What a full text index makes for itself.
        " AND NOT (type = 'table' AND (name LIKE 'said\\_%' ESCAPE '\\'"
        " OR name LIKE 'named\\_%' ESCAPE '\\')) ORDER BY rowid"
    )
    return [row[0] for row in rows]


def dump(connection: sqlite3.Connection) -> Iterator[str]:
    """Write a database as SQL, statement by statement; full text indices fill themselves."""
    yield from (f"{statement};" for statement in schema(connection))
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND name NOT LIKE 'said%' AND name NOT LIKE 'named%' ORDER BY rowid"
    )
    for (name,) in names.fetchall():
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
        quoted = " || ', ' || ".join(f"quote({column})" for column in columns)
        for (row,) in connection.execute(f"SELECT {quoted} FROM {name}"):
            yield f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({row});"
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    yield f"PRAGMA user_version = {version};"


def filled(office: Office) -> Office:
    """Let some of everything happen that a database keeps."""
    people = [Subscription("ana@example.com"), Subscription("bob@example.com", digest="weekly")]
    Roster(office.connection).put(people, NOON)
    _, (copy, *_) = office.take(COMPLETE)
    office.take(
        "Seeing it too.", author="Ana Silva <ana@example.com>", In_Reply_To=str(copy["Message-ID"])
    )
    office.take("Severity 1, phase 1, I am IC.", In_Reply_To=str(copy["Message-ID"]))
    office.take("Severity 3. The invoices are late.", "Invoices")
    office.take("I am away.", "Away", Auto_Submitted="auto-replied")
    office.take(
        "subscribe", "subscribe", "Cleo <cleo@example.com>", "incidents-request@example.com"
    )
    later = office.now + timedelta(days=1)
    Digests(office.connection).enter("daily", NOON, later, (), later)
    box = Watermark("imap:incidents", 7, 12, (3,), ((5, 2),))
    raw = RawMessage(
        Envelope("ana@example.com", ("incidents@example.com",)), b"Subject: x\r\n\r\nx", NOON
    )
    shunted, _ = Arrivals(office.connection).keep([raw, raw], [box])
    office.desk.shunt(shunted, raw, "RuntimeError while reading it", NOON)
    office.desk.ledger.begin(shunted + 1)
    _settle(office, Reply(250, 0, 0, "sent"))
    return office


def _settle(office: Office, reply: Reply) -> None:
    """Send some of what is owed; some stays owed, some has failed."""
    office.connection.execute(
        "UPDATE delivery SET state = 'sent', attempts = 1, reply = ?, done_at = due_at"
        " WHERE id % 3 = 0",
        (str(reply),),
    )
    office.connection.execute(
        "UPDATE delivery SET state = 'failed', attempts = 1, reply = '550 5.1.1 No such user',"
        " done_at = due_at WHERE id % 3 = 1"
    )


def write() -> Path:
    """Keep a database of this program's schema."""
    office = filled(Office())
    path = FOLDER / f"{SCHEMA_VERSION}.sql"
    path.write_text("\n".join(dump(office.connection)) + "\n", "utf-8")
    office.close()
    return path
