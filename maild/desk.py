"""The desk: concludes what has arrived, whole or not at all.

It reads the past, thinks (`incident.conclude`), has the letters written, and enters all of it in
one transaction. It knows no database and no socket: the `Ledger` is whatever fits below.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Final, Protocol

from maild.incident.cadence import draft_step
from maild.incident.conclude import Arrived, Past, Policy, conclude
from maild.incident.digest import Digest, History, digest, figures
from maild.incident.draft import stepped
from maild.incident.entry import Draft, Entry, Notice, OwnerWord, Paused, Unreached, Word
from maild.incident.hours import WorkingHours
from maild.incident.model import Incident
from maild.incident.thread import Keys, incident_id, keys
from maild.letters.compose import compose
from maild.letters.digest import digest_letter
from maild.letters.letterhead import Letterhead
from maild.letters.owner import owner_word
from maild.letters.receipt import word
from maild.letters.undelivered import undelivered_word
from maild.mail.automatic import automatic
from maild.mail.headers import author, fields, split_content
from maild.mail.message import Audience, Mail, Outgoing, RawMessage
from maild.mail.parse import parse_header
from maild.mail.tokens import BounceName
from maild.reading.report import Read, Report, Unreadable
from maild.roster.posting import Posting, Room
from maild.trouble import Broken

# A mail to several of our addresses is what the first of these says: an incident before all.
ROOMS: Final[tuple[Room, ...]] = (
    "draft",
    "incident",
    "posting",
    "check",
    "request",
    "owner",
    "bounces",
)
MAX_THOUGHTS: Final = 5
MAX_DEATHS: Final = 2
AHEAD: Final = 64
PATIENCE: Final = timedelta(milliseconds=250)
TROUBLE_SECONDS: Final = 1.0


class Ledger(Protocol):
    """What the desk needs of a store."""

    def past(self, arrived: Arrived, found: Keys, year: int, now: datetime) -> Past:
        """Collect what is on record and matters for this mail."""
        ...

    def raw(self, number: int) -> RawMessage:
        """Give the octets of a record."""
        ...

    def root(self, incident_id: str) -> str | None:
        """Give the Message-ID of the incident's first copy."""
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
    hours: when people work; only the clock asks. bounce: says what a bounce address names. genuine:
    whether a mail's From is believed.
    """

    ledger: Ledger
    policy: Policy
    zone: tzinfo
    token: Callable[[int], str]
    posting: Posting | None = None
    head: Letterhead | None = None
    hours: WorkingHours | None = None
    bounce: Callable[[str], BounceName | None] = nothing_named
    genuine: Callable[[Mail], bool] = everybody_is

    def conclude(self, number: int, mail: Mail, report: Report, now: datetime) -> Entry:
        """Conclude one mail. Raises Contended; other exceptions are bugs or a broken world."""
        arrived = self.arrived(number, mail, report)
        found = keys(mail, report, self.policy.address)
        year = mail.received_at.astimezone(self.zone).year
        for _ in range(MAX_THOUGHTS):
            past = self.ledger.past(arrived, found, year, now)
            entry = conclude(arrived, past, self.policy)
            letters = self.letters(entry, mail, now)
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
        named = (self.bounce(address) for address in mail.envelope.recipients)
        bounce = next((name for name in named if name is not None), None)
        genuine = self.genuine(mail)
        may_post = may_post and genuine
        token = self.token(number)
        return Arrived(number, mail, report, token, room, may_post, genuine, bounce)

    def letters(self, entry: Entry, parent: Mail, now: datetime) -> Sequence[Outgoing]:
        """Write the letters of an entry; none in a replay."""
        if self.head is None:
            return ()
        root = self.ledger.root(entry.incident_id) if entry.incident_id else None
        return tuple(compose(self.head, entry, parent, self.ledger.raw, root, now))

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

    def digest(
        self,
        histories: Sequence[History],
        month: Sequence[History],
        since: datetime,
        until: datetime,
    ) -> Digest:
        """Tell of a period. month: what was declared since the month began, for its figures."""
        rules = self.policy.rules
        hours = self.hours or WorkingHours(self.zone)
        told = digest(histories, since, until, rules, hours)
        return replace(told, figures=figures(month, self.month(until), until, rules))

    def month(self, until: datetime) -> datetime:
        """Give the beginning of the month in which a period ends."""
        local = until.astimezone(self.zone)
        return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    def digest_letter(self, told: Digest, kind: Audience, now: datetime) -> Outgoing | None:
        """Write a digest to all who take this kind; None where nothing is open and nothing moved."""
        if self.head is None or not told.stories:
            return None
        return digest_letter(self.head, told, kind, now)

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


class Readers(Protocol):
    """What the pump needs of the reader processes."""

    async def read(self, raw: RawMessage) -> Read:
        """Read one mail. Raises Broken where no reader can be started."""
        ...


@dataclass(slots=True)
class _Job:
    number: int
    raw: RawMessage
    author: str
    since: datetime
    task: "asyncio.Task[Read] | None" = None
    old: bool = False


class Pump:
    """Takes what has arrived to the readers and to the desk, in order of arrival.

    One running mail for each author; a mail that is not read within 250 ms is passed by. trouble:
    called with an exception when the store fails, and with None when it works again.
    """

    def __init__(
        self,
        desk: Desk,
        readers: Readers,
        clock: Callable[[], datetime],
        log: Callable[..., None],
        entered: Callable[[], None],
        trouble: Callable[[BaseException | None], None],
    ) -> None:
        self.desk, self.readers, self.clock, self.log = desk, readers, clock, log
        self.entered, self.trouble = entered, trouble
        self.woken = asyncio.Event()
        self.jobs: list[_Job] = []
        self.last = 0
        self.first_sight = True

    def wake(self) -> None:
        """Look now: something has arrived, or was read."""
        self.woken.set()

    async def run(self) -> None:
        """Pump for ever."""
        while True:
            self.woken.clear()
            try:
                self._fetch()
                busy = self._conclude()
                self.trouble(None)
            except Exception as error:
                # The store failed: nothing was changed, all of it is tried again.
                self.trouble(error)
                self._forget()
                await asyncio.sleep(TROUBLE_SECONDS)
                continue
            if not busy:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.woken.wait(), 0.05 if self.jobs else 1.0)

    def _forget(self) -> None:
        for job in self.jobs:
            if job.task is not None:
                job.task.cancel()
        self.jobs.clear()
        self.last, self.first_sight = 0, True

    def _fetch(self) -> None:
        room = AHEAD - len(self.jobs)
        if room > 0:
            for number, raw in self.desk.ledger.waiting(self.last, room):
                found = fields(split_content(raw.content)[0])
                name = author(found).address.lower() or str(raw.envelope.reverse_path)
                self.jobs.append(_Job(number, raw, name, self.clock(), old=self.first_sight))
                self.last = number
            self.first_sight = False
        running = {job.author for job in self.jobs if job.task is not None and not job.task.done()}
        for job in self.jobs:
            if job.task is None and job.author not in running:
                running.add(job.author)
                job.since = self.clock()
                job.task = asyncio.create_task(self.readers.read(job.raw))
                job.task.add_done_callback(lambda _: self.woken.set())

    def _conclude(self) -> bool:
        """Conclude what is read, in order; True where more can be done at once."""
        now = self.clock()
        waiting: set[str] = set()
        for job in list(self.jobs):
            done = job.task is not None and job.task.done()
            if not done and now - job.since < PATIENCE:
                return False
            if not done or job.author in waiting:
                waiting.add(job.author)
                continue
            self.jobs.remove(job)
            self._one(job)
            return True
        return False

    def _one(self, job: _Job) -> None:
        now = self.clock()
        read = job.task.result() if job.task is not None else Unreadable("never read")
        # Only what lay here when we started may have killed us before.
        deaths = self.desk.ledger.begin(job.number) if job.old else 0
        if deaths >= MAX_DEATHS:
            read = Unreadable("the desk died of it twice")
        if isinstance(read, Unreadable):
            self.desk.shunt(job.number, job.raw, read.reason, now)
            self.log("shunted", mail=job.number, author=job.author, reason=read.reason)
        else:
            self._enter(job, read, now)
        self.entered()

    def _enter(self, job: _Job, read: tuple[Mail, Report], now: datetime) -> None:
        mail, report = read
        try:
            entry = self.desk.conclude(job.number, mail, report, now)
        except Broken:
            raise
        except Exception as error:
            self.log("bug", mail=job.number, error=error)
            reason = f"{type(error).__name__} while thinking about it"
            self.desk.shunt(job.number, job.raw, reason, now)
            return
        self.log(
            entry.verdict,
            mail=job.number,
            message_id=mail.message_id,
            author=mail.author.address,
            kind=entry.kind,
            incident=entry.incident_id,
            reason=entry.reason,
        )
