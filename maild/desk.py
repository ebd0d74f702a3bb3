"""The desk: concludes what has arrived, whole or not at all.

It reads the past, thinks (`incident.conclude`), has the letters written, and enters all of it in
one transaction. It knows no database and no socket: the `Ledger` is whatever fits below.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Final, Protocol

from maild.incident.arrived import Arrived, Past, Policy
from maild.incident.cadence import draft_step
from maild.incident.conclude import conclude
from maild.incident.digest import Digest, History, Post, month_of, period
from maild.incident.draft import stepped
from maild.incident.entry import Draft, Entry, Notice, OwnerWord, Paused, Unreached, Word
from maild.incident.hours import WorkingHours
from maild.incident.model import Incident
from maild.incident.reminder import Nudge, next_nudge_at, nudges
from maild.incident.thread import Keys, incident_id, keys
from maild.letters.at_once import at_once, ids_of, occasions, with_entry
from maild.letters.bundle import bundle
from maild.letters.canary import canary_of
from maild.letters.compose import compose
from maild.letters.digest import Period, digest_letter
from maild.letters.letterhead import Letterhead
from maild.letters.owner import owner_word
from maild.letters.receipt import word
from maild.letters.record import Archive
from maild.letters.reminder import reminders
from maild.letters.undelivered import undelivered_word
from maild.mail.automatic import automatic
from maild.mail.bundle import Original
from maild.mail.message import Audience, Mail, Outgoing, RawMessage
from maild.mail.parse import parse_header
from maild.mail.tokens import BounceName
from maild.reading.report import Report
from maild.roster.commands import parse
from maild.roster.posting import COMMAND_ROOMS, Posting, Room
from maild.roster.subscription import Form
from maild.trouble import Broken

# A mail to several of our addresses is what the first of these says: an incident before all.
ROOMS: Final[tuple[Room, ...]] = (
    "draft",
    "incident",
    "posting",
    "check",
    "confirm",
    "request",
    "owner",
    "bounces",
    "canary",
)
MAX_THOUGHTS: Final = 5
OFFICE_HOURS: Final = WorkingHours(UTC)


class Ledger(Protocol):
    """What the desk needs of a store."""

    def together(self) -> AbstractContextManager[object]:
        """Commit what is entered within at once, when it ends; an exception undoes all of it."""
        ...

    def wanted(self) -> bool:
        """Whether somebody waits for a commit of ours to write too."""
        ...

    def past(self, arrived: Arrived, found: Keys, year: int, now: datetime) -> Past:
        """Collect what is on record and matters for this mail."""
        ...

    def raw(self, number: int) -> RawMessage:
        """Give the octets of a record."""
        ...

    def root(self, incident_id: str) -> str | None:
        """Give the Message-ID of the incident's first copy."""
        ...

    def history(self, incident_id: str) -> History:
        """Give all that is on record of an incident."""
        ...

    def awaited(self) -> frozenset[str]:
        """Give the occasions of which somebody wants to hear at once."""
        ...

    def waiting(self, after: int, limit: int) -> Sequence[tuple[int, RawMessage]]:
        """List what is not concluded yet and numbered above `after`, in order of arrival."""
        ...

    def begin(self, number: int) -> int:
        """Note that thinking about a mail begins; says how often it began before and never ended."""
        ...

    def incident(self, incident_id: str | None) -> tuple[Incident | None, int]:
        """Give an incident and its version; of a merged one, the one that it goes on as."""
        ...

    def next_number(self, year: int) -> int:
        """Give the number of the next incident of a year."""
        ...

    def shunt(
        self, number: int, mail: Mail, reason: str, letters: Sequence[Outgoing], now: datetime
    ) -> None:
        """Keep a mail aside, with its octets; letters are sent once per cause and hour."""
        ...

    def enter(
        self, arrived: Arrived, entry: Entry, past: Past, letters: Sequence[Outgoing], now: datetime
    ) -> bool:
        """Write all or nothing; False where the thread has moved on since `past`."""
        ...


def nothing_named(address: str) -> BounceName | None:
    """Know no bounce address; a replay sends nothing that could come back."""
    return None


def everybody_is(mail: Mail) -> bool:
    """Believe every From: a trusted relay or network stands before us."""
    return True


class Contended(Broken):
    """Somebody else changed the incident again and again while we thought; try later."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Thinks about mails, one at a time.

    token: gives a draft's reply token for a record's number; it can't be guessed. posting: who may
    post where; None lets everybody. head: what letters are written on; None sends nothing (a replay).
    hours: when people work; only the clock asks. secret: gives a token for a purpose and its cause.
    archive: what commands look up; both are wanted where commands can come. bounce: says what a
    bounce address names. genuine: whether a mail's From is believed.
    """

    ledger: Ledger
    policy: Policy
    zone: tzinfo
    token: Callable[[int], str]
    posting: Posting | None = None
    head: Letterhead | None = None
    hours: WorkingHours = OFFICE_HOURS
    secret: Callable[..., str] | None = None
    archive: Archive | None = None
    bounce: Callable[[str], BounceName | None] = nothing_named
    genuine: Callable[[Mail], bool] = everybody_is

    def conclude(
        self, number: int, raw: RawMessage, mail: Mail, report: Report, now: datetime
    ) -> Entry:
        """Conclude one mail. Raises Contended; other exceptions are bugs or a broken world."""

        def original(of: int) -> RawMessage:
            return raw if of == number else self.ledger.raw(of)

        arrived = self.arrived(number, mail, report)
        found = keys(mail, report, self.policy.address)
        year = mail.received_at.astimezone(self.zone).year
        for _ in range(MAX_THOUGHTS):
            past = self.ledger.past(arrived, found, year, now)
            entry = conclude(arrived, past, self.policy)
            letters = self.letters(entry, mail, now, arrived, original)
            if self.ledger.enter(arrived, entry, past, letters, now):
                return entry
        raise Contended(f"mail {number}")

    def arrived(self, number: int, mail: Mail, report: Report) -> Arrived:
        """Say at which of our addresses a mail arrived, and whether its author may post."""
        room: Room = "posting"
        may_post = True
        if self.posting is not None:
            rooms = {self.posting.room(address) for address in mail.envelope.recipients}
            room = next((found for found in ROOMS if found in rooms), "posting")
            may_post = self.posting.may_post(mail.author.address)
        paths = (failure.path for failure in mail.failures)
        named = (self.bounce(address) for address in (*mail.envelope.recipients, *paths))
        bounce = next((name for name in named if name is not None), None)
        genuine = self.genuine(mail)
        found = Arrived(
            number,
            mail,
            report,
            self.token(number),
            room,
            may_post and genuine,
            genuine=genuine,
            bounce=bounce,
            canary=canary_of(mail, partial(self.secret, "canary")) if self.secret else None,
        )
        return self._commanding(found) if self.secret is not None else found

    def _commanding(self, arrived: Arrived) -> Arrived:
        """Read a mail as commands too; who forwards a mail does not write it."""
        mail, report = arrived.mail, arrived.report
        own = report.author.address.lower() == mail.author.address.lower()
        command = arrived.room in COMMAND_ROOMS
        if self.secret is None or self.posting is None or not (command or own):
            return arrived
        author = mail.author.address.lower()
        at = mail.received_at.astimezone(self.zone)
        lines = parse(mail.subject if command else "", report.text if own else "", at)
        if not command and all(line.command is None for line in lines):
            return replace(arrived, lines=lines)
        return replace(
            arrived,
            trusted=self.posting.is_trusted(author),
            lines=lines,
            confirm=self.secret("confirm", arrived.number),
            leave=self.secret("leave", author),
        )

    def letters(
        self,
        entry: Entry,
        parent: Mail,
        now: datetime,
        arrived: Arrived | None = None,
        original: Callable[[int], RawMessage] | None = None,
    ) -> Sequence[Outgoing]:
        """Write the letters of an entry; none in a replay.

        arrived: the mail, None at the clock's. original: gives the octets of a record, where some
        are at hand.
        """
        if self.head is None:
            return ()
        root = self.ledger.root(entry.incident_id) if entry.incident_id else None
        letters = tuple(
            compose(self.head, entry, parent, original or self.ledger.raw, self.archive, root, now)
        )
        awaited = self.ledger.awaited() if occasions(entry.events) else frozenset()
        if entry.incident is None or not awaited:
            return letters
        past = self.ledger.history(entry.incident.id)
        told = with_entry(past, entry, arrived)
        thread = tuple(dict.fromkeys(([root] if root else []) + ids_of(letters)))
        soon = (o for o in occasions(entry.events) if o in awaited)
        return (*letters, *(at_once(self.head, told, o, thread, self.hours, now) for o in soon))

    def news(self, notices: Sequence[Notice], now: datetime) -> Sequence[Outgoing]:
        """Write the letters on deliveries that failed."""
        if self.head is None:
            return ()
        told = [n for n in notices if isinstance(n, OwnerWord | Paused | Unreached)]
        return tuple(undelivered_word(self.head, notice, now) for notice in told)

    @property
    def first_step(self) -> timedelta:
        """How old a held draft is when the clock first acts on it."""
        return timedelta(minutes=self.policy.rules.policy.cadence.draft_reminder)

    def step_of(self, draft: Draft, now: datetime) -> tuple[Entry | None, Sequence[Outgoing]]:
        """Do what is due for a held draft; None where nothing is."""
        rules = self.policy.rules
        publish_after = self.head.publish_after if self.head else None
        step = draft_step(draft, now, rules.policy.cadence, publish_after)
        if step is None:
            return None, ()
        incident, _ = self.ledger.incident(draft.incident)
        year = now.astimezone(self.zone).year
        new_id = incident_id(year, self.ledger.next_number(year))
        entry = stepped(draft, step, incident, new_id, now, rules)
        parent = parse_header(self.ledger.raw(draft.mail))
        return entry, self.letters(entry, parent, now)

    def nudges(self, incident: Incident, now: datetime) -> Sequence[Nudge]:
        """List the reminders that are due for an incident."""
        return nudges(incident, now, self.policy.rules, self.hours)

    def next_nudge_at(self, incident: Incident, now: datetime) -> datetime | None:
        """Say when more reminders fall due for an incident that does not change; None for never."""
        return next_nudge_at(incident, now, self.policy.rules, self.hours)

    def reminders(
        self, incident: Incident, nudge: Nudge, posts: Sequence[Post], now: datetime
    ) -> Sequence[Outgoing]:
        """Write the letters of a reminder."""
        if self.head is None:
            return ()
        root = self.ledger.root(incident.id)
        return tuple(reminders(self.head, incident, nudge, posts, self.hours, root, now))

    def digest(
        self,
        histories: Sequence[History],
        month: Sequence[History],
        since: datetime,
        until: datetime,
    ) -> Digest:
        """Tell of a period. month: what was declared since the month began, for its figures."""
        return period(histories, month, since, until, self.policy.rules, self.hours)

    def month(self, until: datetime) -> datetime:
        """Give the beginning of the month in which a period ends."""
        return month_of(until, self.zone)

    def week(self, until: datetime) -> datetime:
        """Give the beginning of the week in which a period ends, a Monday."""
        local = until.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return local - timedelta(days=local.weekday())

    def digest_letter(
        self, told: Digest, kind: Audience, now: datetime, first: Period | None = None
    ) -> Outgoing | None:
        """Write a digest to all who take this kind; None where nothing is open and nothing moved."""
        if self.head is None or not told.stories:
            return None
        return digest_letter(self.head, told, kind, now, first)

    def digest_letters(
        self,
        told: Digest,
        kind: Audience,
        now: datetime,
        forms: Sequence[Form],
        originals: Sequence[Original],
        first: Period | None = None,
    ) -> Sequence[Outgoing]:
        """Write a digest in every form that somebody takes; each is for other people."""
        summary = self.digest_letter(told, kind, now, first)
        if self.head is None or summary is None:
            return ()
        return (summary, *(bundle(self.head, told, kind, f, originals, now, first) for f in forms))

    def shunt(self, number: int, raw: RawMessage, reason: str, now: datetime) -> None:
        """Keep a mail aside that could not be processed; tell its author and the owner.

        The author is told only where a person wrote it, as far as its header section says.
        """
        mail = parse_header(raw)
        letters: list[Outgoing] = []
        if self.head is not None:
            name = mail.author.address or "an unknown author"
            owner = OwnerWord("shunted", name, number, reason, reason)
            letters.append(owner_word(self.head, owner, now))
            words = self.policy.rules.mail.automatic
            person = automatic(mail, words, self.policy.ours) is None and self.genuine(mail)
            if person and mail.author.address:
                told = Word("shunted", mail.author, number, name=self.head.owner[0])
                letters.append(word(self.head, told, mail, now))
        self.ledger.shunt(number, mail, reason, letters, now)
