"""The schema, as migrations: what is due is made and recorded in one transaction.

A migration that databases have gone through is never changed; tests/schemas keeps one of each.
"""

import sqlite3
import sys
from typing import Final

from maild.edge.store.connection import SCHEMA_VERSION, transaction, version_of

# Where these are installed, for plots, sqlite-utils loads them to name types that we never store:
# 13 MB in every process. What is None here cannot be imported.
_unused = {"numpy", "pandas"}.difference(sys.modules)
sys.modules.update(dict.fromkeys(_unused))  # type: ignore[arg-type]

from sqlite_utils import Database, Migrations  # noqa: E402

for _name in _unused:
    del sys.modules[_name]

_MIGRATIONS: Final = Migrations("maild")

_FIRST: Final = """
CREATE TABLE arrival (            -- what was answered with 250; never changed
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at TEXT NOT NULL,
  reverse_path TEXT,              -- NULL is the null reverse-path
  recipients TEXT NOT NULL,       -- JSON list
  via TEXT NOT NULL,
  standing TEXT NOT NULL DEFAULT '', -- what authentication found: '' (not asked), pass, fail
  results TEXT NOT NULL DEFAULT '',  -- in the words of RFC 8601
  content BLOB NOT NULL
);
CREATE TABLE waiting (            -- R1: arrived, not concluded
  arrival INTEGER PRIMARY KEY REFERENCES arrival(id),
  deaths INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE mailbox (            -- how far an IMAP folder has been taken: Watermark
  name TEXT PRIMARY KEY,
  validity INTEGER NOT NULL,      -- UIDVALIDITY
  uid INTEGER NOT NULL,
  refused TEXT NOT NULL,          -- JSON list of UIDs
  failed TEXT NOT NULL            -- JSON list of [UID, tries]
) WITHOUT ROWID;
CREATE TABLE mail (               -- the verdict on an arrival
  id INTEGER PRIMARY KEY REFERENCES arrival(id),
  message_id TEXT,
  author TEXT NOT NULL,
  author_name TEXT NOT NULL,
  subject TEXT NOT NULL,
  written_at TEXT,
  received_at TEXT NOT NULL,
  fingerprint TEXT NOT NULL,      -- what makes a later mail a duplicate of this one
  parent TEXT,                    -- the Message-ID that it answers
  verdict TEXT NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  incident TEXT,
  draft TEXT,
  stated TEXT,                    -- JSON of the fields, for people and programs
  text TEXT NOT NULL,             -- the author's own words
  prose TEXT NOT NULL             -- those among them that are more than fields
);
CREATE INDEX mail_fingerprint ON mail(fingerprint);
CREATE INDEX mail_incident ON mail(incident, id);
CREATE INDEX mail_author ON mail(author);
CREATE INDEX mail_message_id ON mail(message_id);
CREATE INDEX mail_verdict ON mail(verdict);
CREATE TABLE place (              -- where a Message-ID belongs
  message_id TEXT PRIMARY KEY,
  incident TEXT,
  draft TEXT,
  letter TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX place_draft ON place(draft) WHERE draft IS NOT NULL;
CREATE TABLE incident (
  id TEXT PRIMARY KEY,
  year INTEGER NOT NULL,
  number INTEGER NOT NULL,
  version INTEGER NOT NULL,
  open INTEGER NOT NULL,
  severity INTEGER,
  phase INTEGER,
  summary TEXT NOT NULL,
  subject TEXT NOT NULL,
  declared_at TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  root TEXT,                      -- Message-ID of the first copy, the thread's root
  merged_into TEXT,
  row TEXT NOT NULL,              -- the Incident
  UNIQUE (year, number)
);
CREATE INDEX incident_open ON incident(open, severity);
CREATE INDEX incident_changed ON incident(changed_at);
CREATE TABLE event (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  incident TEXT NOT NULL REFERENCES incident(id),
  at TEXT NOT NULL,
  mail INTEGER,
  kind TEXT NOT NULL,
  row TEXT NOT NULL
);
CREATE INDEX event_incident ON event(incident, id);
CREATE INDEX event_at ON event(at);
CREATE TABLE draft (
  token TEXT PRIMARY KEY,
  mail INTEGER NOT NULL REFERENCES arrival(id),
  kind TEXT NOT NULL,
  incident TEXT,
  state TEXT NOT NULL,
  reminded INTEGER NOT NULL,      -- how many times the clock has acted on it
  created_at TEXT NOT NULL,
  row TEXT NOT NULL               -- the Draft
);
CREATE INDEX draft_state ON draft(state, reminded, created_at);
CREATE TABLE letter (             -- a mail that we owe, stored once
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  incident TEXT,
  mail INTEGER,
  reverse_path TEXT,
  token TEXT,                     -- the one in the reverse-path, by which a bounce finds it
  content BLOB NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX letter_token ON letter(token) WHERE token IS NOT NULL;
CREATE INDEX letter_mail ON letter(mail);
CREATE INDEX letter_message_id ON letter(message_id);
CREATE INDEX letter_incident ON letter(incident, kind);
CREATE INDEX letter_kind ON letter(kind, created_at);
CREATE TABLE delivery (           -- and whom we owe it to
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  letter INTEGER NOT NULL REFERENCES letter(id),
  recipient TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending',
  attempts INTEGER NOT NULL DEFAULT 0,
  alone INTEGER NOT NULL DEFAULT 0,  -- 1: to somebody who is watched; travels alone (VERP)
  bounced INTEGER NOT NULL DEFAULT 0, -- 1: its failure was counted
  due_at TEXT NOT NULL,
  reply TEXT NOT NULL DEFAULT '',
  done_at TEXT
);
CREATE INDEX delivery_due ON delivery(due_at) WHERE state = 'pending';
CREATE INDEX delivery_letter ON delivery(letter);
CREATE TABLE subscriber (
  address TEXT PRIMARY KEY,
  name TEXT NOT NULL DEFAULT '',
  mode TEXT NOT NULL DEFAULT 'immediate',
  digest TEXT NOT NULL DEFAULT 'daily',
  form TEXT NOT NULL DEFAULT 'summary', -- of the digest: also 'mime' or 'plain', the mails themselves
  at_once TEXT NOT NULL DEFAULT '', -- also what he hears of at once: 'raised', 'resolved', or both
  severity INTEGER,               -- mails of this severity and worse; NULL is all
  paused_at TEXT,                 -- gets no copies since then: too many came back
  added_at TEXT NOT NULL
);
CREATE TABLE bouncing (           -- what a subscriber's bounces amount to
  address TEXT PRIMARY KEY REFERENCES subscriber(address) ON DELETE CASCADE,
  score REAL NOT NULL,            -- points at that moment; they are forgotten with time
  counted REAL NOT NULL,          -- points of that day
  at TEXT NOT NULL
);
CREATE TABLE answer (             -- machine mails to one author, for the caps
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  author TEXT NOT NULL,
  about TEXT NOT NULL,
  at TEXT NOT NULL
);
CREATE INDEX answer_author ON answer(author, at);
CREATE TABLE told (               -- what the owner has been told, once per cause and hour ("ever": once for all)
  cause TEXT NOT NULL,
  hour TEXT NOT NULL,
  PRIMARY KEY (hour, cause)
) WITHOUT ROWID;
CREATE TABLE reminder (           -- what was sent; each kind, cause and step once
  incident TEXT NOT NULL REFERENCES incident(id),
  kind TEXT NOT NULL,
  cause TEXT NOT NULL,
  step INTEGER NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (incident, kind, cause, step)
) WITHOUT ROWID;
CREATE TABLE digest (             -- periods that have their digest
  kind TEXT NOT NULL,             -- "daily" (the list's schedule), "weekly"; "monthly" is the report
  until TEXT NOT NULL,
  since TEXT NOT NULL,
  made_at TEXT NOT NULL,
  sent INTEGER NOT NULL,          -- whether there was anything to tell
  PRIMARY KEY (kind, until)
) WITHOUT ROWID;
CREATE TABLE confirmation (       -- a change of the roster that waits for its subscriber's answer
  token TEXT PRIMARY KEY,
  mail INTEGER NOT NULL REFERENCES arrival(id),
  address TEXT NOT NULL,
  wanted TEXT,                    -- the Subscription; NULL is none any more
  asked_at TEXT NOT NULL,
  done_at TEXT
) WITHOUT ROWID;
CREATE INDEX confirmation_mail ON confirmation(mail);
CREATE VIRTUAL TABLE said USING fts5( -- full text of all mails
  subject, text, author_name, content='mail', content_rowid='id',
  tokenize="unicode61 remove_diacritics 2"
);
CREATE TRIGGER said_new AFTER INSERT ON mail BEGIN INSERT INTO said (rowid, subject, text, author_name) VALUES (new.id, new.subject, new.text, new.author_name); END;
CREATE TRIGGER said_gone AFTER DELETE ON mail BEGIN INSERT INTO said (said, rowid, subject, text, author_name) VALUES ('delete', old.id, old.subject, old.text, old.author_name); END;
CREATE TRIGGER said_other AFTER UPDATE OF subject, text, author_name ON mail BEGIN INSERT INTO said (said, rowid, subject, text, author_name) VALUES ('delete', old.id, old.subject, old.text, old.author_name); INSERT INTO said (rowid, subject, text, author_name) VALUES (new.id, new.subject, new.text, new.author_name); END;
CREATE VIRTUAL TABLE named USING fts5( -- full text of the incidents' names
  id, summary, subject, tokenize="unicode61 remove_diacritics 2"
);
CREATE TRIGGER named_new AFTER INSERT ON incident BEGIN INSERT INTO named (rowid, id, summary, subject) VALUES (new.year * 1000000000 + new.number, new.id, new.summary, new.subject); END;
CREATE TRIGGER named_gone AFTER DELETE ON incident BEGIN DELETE FROM named WHERE rowid = old.year * 1000000000 + old.number; END;
CREATE TRIGGER named_other AFTER UPDATE OF summary ON incident WHEN old.summary <> new.summary BEGIN UPDATE named SET summary = new.summary WHERE rowid = new.year * 1000000000 + new.number; END;
"""


@_MIGRATIONS()
def first(database: Database) -> None:
    """Make all tables."""
    _run(database, _FIRST)


_SECOND: Final = """
ALTER TABLE mail ADD COLUMN redacted_at TEXT;
CREATE INDEX mail_words ON mail(received_at) WHERE redacted_at IS NULL;
CREATE INDEX letter_body ON letter(created_at) WHERE length(content) > 0;
CREATE TABLE trouble (            -- what the owner has been told of, until it is over
  name TEXT PRIMARY KEY,
  since TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE canary (             -- mails to ourselves through the outside
  number INTEGER PRIMARY KEY,     -- stands in the mail's token
  letter INTEGER NOT NULL,
  sent_at TEXT NOT NULL,
  back_at TEXT,
  mail INTEGER                    -- as which it came back
);
"""


@_MIGRATIONS()
def second(database: Database) -> None:
    """Make what operating needs: redaction, bodies that are dropped, troubles, the canary."""
    _run(database, _SECOND)


def _run(database: Database, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            database.execute(statement)


def migrate(connection: sqlite3.Connection, name: str) -> None:
    """Bring the schema up to date in one transaction; a failed migration leaves what was before.

    Raises StoreError where a newer maild has written the database.
    """
    version = version_of(connection, name)
    if version < SCHEMA_VERSION:
        with transaction(connection):
            _MIGRATIONS.apply(Database(connection))
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
