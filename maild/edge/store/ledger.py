"""The desk's part: what is on record and matters for a mail, and entering what was concluded."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from maild.edge.store import bounces
from maild.edge.store.arrivals import raw_of
from maild.edge.store.canaries import back
from maild.edge.store.codec import from_json, to_json
from maild.edge.store.connection import stamp, together, transaction, wanted
from maild.edge.store.digests import Digests
from maild.edge.store.outbox import owe_all
from maild.edge.store.roster import Confirmations, Roster, write_roster
from maild.edge.store.search import Search
from maild.incident.arrived import Arrived, Past, Reminded
from maild.incident.digest import History
from maild.incident.entry import Draft, Entry
from maild.incident.model import Happening, Incident
from maild.incident.thread import Keys, Place, fingerprint, place_of, unknown
from maild.incident.verdict import Stated
from maild.mail.message import Mail, Outgoing, RawMessage
from maild.reading.report import Report
from maild.roster.subscription import Confirmation

# Verdicts that never make a later mail a duplicate (design, section 4.6); nor does a refused one.
_NO_PRECEDENT = ("shunted", "duplicate")


class Ledger:
    """Reads the past and enters verdicts; the only writer of incidents besides commands.

    probing: whether who bounces gets copies with a token of his own (`[delivery] verp`).
    """

    def __init__(
        self, connection: sqlite3.Connection, last_phase: int, *, probing: bool = True
    ) -> None:
        self.connection, self.last_phase, self.probing = connection, last_phase, probing
        self.search, self.roster = Search(connection), Roster(connection)
        self.confirmations = Confirmations(connection)

    def together(self) -> AbstractContextManager[object]:
        """Commit what is entered within at once, when it ends; an exception undoes all of it.

        The first mail is thought about before anything is locked.
        """
        return together(self.connection)

    def wanted(self) -> bool:
        """Whether somebody waits for a commit of ours to write too."""
        return wanted(self.connection)

    # What has arrived ----------------------------------------------------------------------

    def waiting(self, after: int, limit: int) -> list[tuple[int, RawMessage]]:
        """List what is not concluded yet and numbered above `after`, in order of arrival."""
        rows = self.connection.execute(
            "SELECT a.* FROM waiting w JOIN arrival a ON a.id = w.arrival"
            " WHERE w.arrival > ? ORDER BY w.arrival LIMIT ?",
            (after, limit),
        )
        return [(int(row["id"]), raw_of(row)) for row in rows]

    def raw(self, number: int) -> RawMessage:
        """Give the octets of a record. Raises KeyError where there is no such record."""
        row = self.connection.execute("SELECT * FROM arrival WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise KeyError(number)
        return raw_of(row)

    def begin(self, number: int) -> int:
        """Note that thinking about a mail begins; says how often it began before and never ended."""
        with transaction(self.connection) as connection:
            row = connection.execute(
                "UPDATE waiting SET deaths = deaths + 1 WHERE arrival = ? RETURNING deaths",
                (number,),
            ).fetchone()
        return int(row["deaths"]) - 1 if row else 0

    # The past ------------------------------------------------------------------------------

    def past(self, arrived: Arrived, found: Keys, year: int, now: datetime) -> Past:
        """Collect what is on record and matters for this mail."""
        places = self._places(found)
        place = place_of(found, places)
        draft = self.draft(place.draft) if place is not None and place.draft else None
        incident_id = place.incident if place is not None else None
        if draft is not None:
            incident_id = draft.incident or incident_id
        incident, version = self.incident(incident_id)
        held = draft if draft is not None and draft.state == "held" else None
        about, answers = self._answers(arrived.mail.author.address, now)
        return Past(
            year=year,
            next_number=self.next_number(year),
            incident=incident,
            draft=held,
            unknown=unknown(found, places),
            duplicate_of=self._duplicate_of(arrived),
            likely=self.search.like(arrived.report.subject) if incident is None else (),
            about=about,
            answers=answers,
            told=self._told(now),
            forwards=self._forwards(now) if arrived.room == "owner" else 0,
            late=self._late(found),
            reminded=self._reminded(found, incident),
            readers=self._readers(),
            subscription=self.roster.get(arrived.mail.author.address),
            confirmation=self._confirmation(arrived, found, now),
            sent=bounces.sent(
                self.connection, arrived.bounce, arrived.mail.failures, probing=self.probing
            ),
            paused=bounces.paused(self.connection, arrived.mail),
            version=version,
        )

    def _places(self, found: Keys) -> dict[str, Place]:
        places: dict[str, Place] = {}
        marks = ",".join("?" * len(found.ids))
        rows = self.connection.execute(
            f"SELECT * FROM place WHERE message_id IN ({marks})", found.ids
        )
        for row in rows:
            places[row["message_id"]] = Place(row["incident"], row["draft"], row["letter"])
        for name in (found.incident, found.token):
            row = self.connection.execute("SELECT 1 FROM incident WHERE id = ?", (name,)).fetchone()
            if name is not None and row is not None:
                places[name] = Place(name, None)
        row = self.connection.execute(
            "SELECT 1 FROM draft WHERE token = ?", (found.draft,)
        ).fetchone()
        if found.draft is not None and row is not None:
            places[found.draft] = Place(None, found.draft)
        return places

    def draft(self, token: str) -> Draft | None:
        """Give a draft by its token."""
        row = self.connection.execute("SELECT row FROM draft WHERE token = ?", (token,)).fetchone()
        draft = from_json(row["row"]) if row else None
        return draft if isinstance(draft, Draft) else None

    def incident(self, incident_id: str | None) -> tuple[Incident | None, int]:
        """Give an incident and its version; of a merged one, the one that it goes on as."""
        for _ in range(10):
            row = self.connection.execute(
                "SELECT row, version, merged_into FROM incident WHERE id = ?", (incident_id,)
            ).fetchone()
            if row is None:
                return None, 0
            if row["merged_into"] is None:
                incident = from_json(row["row"])
                return (incident, row["version"]) if isinstance(incident, Incident) else (None, 0)
            incident_id = row["merged_into"]
        return None, 0

    def _duplicate_of(self, arrived: Arrived) -> int | None:
        row = self.connection.execute(
            "SELECT id FROM mail WHERE fingerprint = ? AND id <> ? AND kind <> 'refused'"
            f" AND verdict NOT IN {_NO_PRECEDENT} LIMIT 1",
            (_fingerprint(arrived), arrived.number),
        ).fetchone()
        return int(row["id"]) if row else None

    def next_number(self, year: int) -> int:
        """Give the number of the next incident of a year."""
        (last,) = self.connection.execute(
            "SELECT coalesce(max(number), 0) FROM incident WHERE year = ?", (year,)
        ).fetchone()
        return int(last) + 1

    def _confirmation(self, arrived: Arrived, found: Keys, now: datetime) -> Confirmation | None:
        if not arrived.confirms:
            return None
        return self.confirmations.find(found.confirm, found.ids, now)

    def _answers(self, author: str, now: datetime) -> tuple[Mapping[str, int], int]:
        rows = self.connection.execute(
            "SELECT about, at FROM answer WHERE author = ? AND at > ?",
            (author.lower(), stamp(now - timedelta(hours=24))),
        ).fetchall()
        about: dict[str, int] = {}
        for row in rows:
            about[row["about"]] = about.get(row["about"], 0) + 1
        hour_ago = stamp(now - timedelta(hours=1))
        return about, sum(row["at"] > hour_ago for row in rows)

    def _told(self, now: datetime) -> frozenset[str]:
        rows = self.connection.execute("SELECT cause FROM told WHERE hour = ?", (stamp(now)[:13],))
        return frozenset(row["cause"] for row in rows)

    def _readers(self) -> int:
        (count,) = self.connection.execute(
            "SELECT count(*) FROM subscriber WHERE mode <> 'none' AND paused_at IS NULL"
        ).fetchone()
        return int(count)

    def _reminded(self, found: Keys, incident: Incident | None) -> Reminded:
        marks = ",".join("?" * len(found.ids))
        row = self.connection.execute(
            "SELECT created_at FROM letter WHERE kind IN ('reminder', 'address')"
            f" AND message_id IN ({marks}) ORDER BY id DESC",
            found.ids,
        ).fetchone()
        if row is None or incident is None:
            return ""
        changed = self.connection.execute(
            "SELECT 1 FROM event WHERE incident = ? AND at > ? AND kind IN"
            " ('SeverityChanged', 'PhaseChanged', 'CommandTransferred')",
            (incident.id, row["created_at"]),
        ).fetchone()
        return "stale" if changed else "fresh"

    def _late(self, found: Keys) -> Stated | None:
        marks = ",".join("?" * len(found.ids))
        row = self.connection.execute(
            "SELECT m.stated FROM letter l JOIN mail m ON m.id = l.mail"
            f" WHERE l.kind = 'late' AND l.message_id IN ({marks})",
            found.ids,
        ).fetchone()
        stated = from_json(row["stated"]) if row and row["stated"] else None
        return stated if isinstance(stated, Stated) else None

    def _forwards(self, now: datetime) -> int:
        (count,) = self.connection.execute(
            "SELECT count(*) FROM letter WHERE kind = 'forward' AND created_at > ?",
            (stamp(now - timedelta(hours=1)),),
        ).fetchone()
        return int(count)

    def root(self, incident_id: str) -> str | None:
        """Give the Message-ID of the incident's first copy, the root of its thread."""
        row = self.connection.execute(
            "SELECT root FROM incident WHERE id = ?", (incident_id,)
        ).fetchone()
        return row["root"] if row else None

    def history(self, incident_id: str) -> History:
        """Give all that is on record of an incident."""
        return Digests(self.connection).history(incident_id)

    def awaited(self) -> frozenset[str]:
        """Give the occasions of which somebody wants to hear at once."""
        rows = self.connection.execute("SELECT DISTINCT at_once FROM subscriber")
        return frozenset(name for row in rows for name in row["at_once"].split())

    # Entering ------------------------------------------------------------------------------

    def enter(
        self, arrived: Arrived, entry: Entry, past: Past, letters: Sequence[Outgoing], now: datetime
    ) -> bool:
        """Write all that one mail changes, whole or not at all.

        False where somebody else has changed the incident since `past` was read: think again.
        """
        with transaction(self.connection) as connection:
            if entry.incident is not None and entry.events:
                _, version = self.incident(entry.incident.id)
                if version != past.version:
                    return False
            self._mail(connection, arrived, entry)
            if entry.incident is not None and entry.events:
                copies = (letter.message_id for letter in letters if letter.kind == "opening")
                root = next(copies, arrived.mail.message_id)
                self.write_incident(
                    connection, entry.incident, past.version, entry.events, now, root
                )
            if entry.draft is not None:
                self.write_draft(connection, entry.draft)
            write_roster(connection, entry.roster, now)
            self.confirmations.enter(arrived.number, entry.asks, entry.confirmed, now)
            bounces.enter(connection, entry.fallout, now, entry.resumes)
            back(connection, entry.canary, arrived.number, now)
            owe_all(connection, letters, now)
            connection.execute("DELETE FROM waiting WHERE arrival = ?", (arrived.number,))
        return True

    def shunt(
        self, number: int, mail: Mail, reason: str, letters: Sequence[Outgoing], now: datetime
    ) -> None:
        """Keep a mail aside, with its octets; the owner hears of each cause once an hour."""
        with transaction(self.connection) as connection:
            entry = Entry("shunted", "", reason)
            report = Report((), mail.subject, "", "", mail.author)
            self._mail(connection, Arrived(number, mail, report, ""), entry)
            owe_all(connection, letters, now)
            connection.execute("DELETE FROM waiting WHERE arrival = ?", (number,))

    def _mail(self, connection: sqlite3.Connection, arrived: Arrived, entry: Entry) -> None:
        mail = arrived.mail
        draft = entry.draft.token if entry.draft else None
        connection.execute(
            "INSERT OR REPLACE INTO mail (id, message_id, author, author_name, subject, written_at,"
            " received_at, fingerprint, parent, verdict, kind, reason, incident, draft, stated, text,"
            " prose) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                arrived.number,
                mail.message_id,
                mail.author.address.lower(),
                mail.author.name,
                mail.subject,
                stamp(mail.written_at) if mail.written_at else None,
                stamp(mail.received_at),
                _fingerprint(arrived),
                next(iter((*mail.in_reply_to, *reversed(mail.references))), None),
                entry.verdict,
                entry.kind,
                entry.reason,
                entry.incident_id,
                draft,
                to_json(entry.stated) if entry.stated else None,
                arrived.report.text,
                arrived.report.prose,
            ),
        )
        if mail.message_id is not None and entry.verdict in ("accepted", "rejected", "command"):
            _place(connection, mail.message_id, entry.incident_id, draft)

    def write_incident(
        self,
        connection: sqlite3.Connection,
        incident: Incident,
        version: int,
        events: Iterable[Happening],
        now: datetime,
        root: str | None,
    ) -> None:
        """Write an incident's row and its new events."""
        year, number = incident.id.split("-")[1:]
        connection.execute(
            "INSERT INTO incident (id, year, number, version, open, severity, phase, summary, subject,"
            " declared_at, changed_at, root, merged_into, row) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version, open = excluded.open,"
            " severity = excluded.severity, phase = excluded.phase, summary = excluded.summary,"
            " changed_at = excluded.changed_at, merged_into = excluded.merged_into, row = excluded.row",
            (
                incident.id,
                int(year),
                int(number),
                version + 1,
                incident.is_open(self.last_phase),
                incident.severity,
                incident.phase,
                incident.summary,
                incident.subject,
                stamp(incident.declared_at),
                stamp(now),
                root,
                incident.merged_into,
                to_json(incident),
            ),
        )
        connection.executemany(
            "INSERT INTO event (incident, at, mail, kind, row) VALUES (?, ?, ?, ?, ?)",
            [(incident.id, stamp(e.at), e.mail, type(e).__name__, to_json(e)) for e in events],
        )

    def write_draft(self, connection: sqlite3.Connection, draft: Draft) -> None:
        """Write a draft; once it belongs to an incident, so do the mails that made it."""
        connection.execute(
            "INSERT OR REPLACE INTO draft (token, mail, kind, incident, state, reminded, created_at, row)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                draft.token,
                draft.mail,
                draft.kind,
                draft.incident,
                draft.state,
                draft.reminded,
                stamp(draft.created_at),
                to_json(draft),
            ),
        )
        if draft.state in ("completed", "published"):
            mails = (draft.mail, *draft.completions, *draft.notes)
            connection.executemany(
                "UPDATE mail SET incident = ? WHERE id = ?", [(draft.incident, m) for m in mails]
            )
            connection.execute(
                "UPDATE place SET incident = ? WHERE draft = ?", (draft.incident, draft.token)
            )


def _fingerprint(arrived: Arrived) -> str:
    rooms = ("owner", "request", "confirm", "check", "bounces")
    aside: str = arrived.room if arrived.room in rooms else ""
    if arrived.bounce is not None:
        # Reports on two deliveries may be alike in every word but the address that they come to.
        aside = f"{aside} {arrived.bounce.token}"
    return fingerprint(arrived.mail, aside)


def _place(
    connection: sqlite3.Connection, message_id: str, incident: str | None, draft: str | None
) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO place (message_id, incident, draft) VALUES (?, ?, ?)",
        (message_id, incident, draft),
    )
