"""The clocks: deliver what is due; ask again for drafts; send digests."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Protocol

from maild.desk import Desk
from maild.incident.digest import History
from maild.incident.entry import Draft, Entry
from maild.incident.model import Incident
from maild.incident.reminder import Nudge
from maild.incident.schedule import Schedule
from maild.letters.digest import Period
from maild.mail.bundle import Original
from maild.mail.message import Audience, Outgoing, Reply, Unreachable
from maild.roster.subscription import Form
from maild.trouble import Broken

MAX_RECIPIENTS: Final = 50
GROUP_SECONDS: Final = 0.05
TICK_SECONDS: Final = 1.0
TROUBLE_SECONDS: Final = 1.0
FIRST_PROBE: Final = 1.0
LAST_PROBE: Final = 30.0
GIVE_UP_AFTER: Final = timedelta(days=4)
# RFC 5321 §4.5.4.1 asks for 30 minutes; an incident's mail cannot wait so long at first.
WAITS: Final = tuple(timedelta(seconds=s) for s in (10, 30, 60, 120, 300, 600, 900, 1800))


def again_at(attempts: int, created_at: datetime, now: datetime) -> datetime | None:
    """Say when a deferred delivery is tried again; None when it is time to give up.

    attempts: how many were made, at least 1.
    """
    if now - created_at >= GIVE_UP_AFTER:
        return None
    return now + WAITS[min(attempts, len(WAITS)) - 1]


class Due(Protocol):
    """One delivery that is due."""

    @property
    def number(self) -> int: ...
    @property
    def letter(self) -> int: ...
    @property
    def recipient(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def alone(self) -> bool: ...


class Outbox(Protocol):
    """What delivery needs of a store."""

    def due(self, now: datetime, limit: int) -> Sequence[Due]:
        """List what is due, oldest first."""
        ...

    def letter(self, number: int, alone: int | None = None) -> tuple[str | None, bytes]:
        """Give a mail's reverse-path and octets; alone: the delivery that the path is to name."""
        ...

    def next_due(self) -> datetime | None:
        """Say when the next delivery is due."""
        ...

    def settle(self, results: Sequence[tuple[int, Reply, datetime | None]], now: datetime) -> None:
        """Commit the fates of deliveries."""
        ...


class Transport(Protocol):
    """The way out."""

    async def send(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes
    ) -> Mapping[str, Reply] | Unreachable:
        """Send one mail in one transaction; a reply for each recipient."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def batches(due: Sequence[Due]) -> list[Sequence[Due]]:
    """Say who travels together: the recipients of one letter, but each that travels alone."""
    found: list[Sequence[Due]] = []
    for _, group in groupby(due, key=lambda d: d.letter):
        letter = list(group)
        found += [[one] for one in letter if one.alone]
        rest = [one for one in letter if not one.alone]
        found += [rest[at : at + MAX_RECIPIENTS] for at in range(0, len(rest), MAX_RECIPIENTS)]
    return found


class Deliverer:
    """Delivers what is due, several transactions at once; a relay that is down costs nobody an attempt."""

    def __init__(
        self,
        outbox: Outbox,
        transport: Transport,
        clock: Callable[[], datetime],
        log: Callable[..., None],
        parallel: int,
    ) -> None:
        self.outbox, self.transport, self.clock, self.log = outbox, transport, clock, log
        self.parallel = parallel
        self.woken = asyncio.Event()
        self.results: list[tuple[int, Reply, datetime | None]] = []
        # Deliveries under way, or whose result is not committed yet.
        self.taken: set[int] = set()
        self.running: set[asyncio.Task[None]] = set()
        self.probe = 0.0
        # Why the relay cannot be reached; "" while it can.
        self.down = ""

    def wake(self) -> None:
        """Look now: something new is owed."""
        self.woken.set()

    async def run(self) -> None:
        """Deliver for ever; ends when cancelled, with the results so far committed."""
        try:
            while True:
                self.woken.clear()
                try:
                    self._begin()
                    await self._rest()
                    self._settle()
                except Broken as error:
                    self.log("trouble", reason=str(error))
                    await asyncio.sleep(TROUBLE_SECONDS)
        finally:
            for task in self.running:
                task.cancel()
            await asyncio.gather(*self.running, return_exceptions=True)
            self._settle()
            await self.transport.close()

    def _begin(self) -> None:
        """Start as many transactions as there is room for; while the relay is down, one probe."""
        room = (1 if self.probe else self.parallel) - len(self.running)
        if room <= 0:
            return
        limit = len(self.taken) + room * MAX_RECIPIENTS
        due = [d for d in self.outbox.due(self.clock(), limit) if d.number not in self.taken]
        for batch in batches(due)[:room]:
            self._start(batch[0].letter, batch)

    def _start(self, letter: int, batch: Sequence[Due]) -> None:
        self.taken.update(due.number for due in batch)
        task = asyncio.create_task(self._deliver(letter, batch))
        self.running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.running.discard(task)
        self.woken.set()

    async def _rest(self) -> None:
        """Wait for something to do: a wake-up, a result to commit, the next due time, a probe."""
        timeout = GROUP_SECONDS if self.results else self._until_due()
        if self.probe and not self.running:
            await asyncio.sleep(self.probe)
            return
        try:
            await asyncio.wait_for(self.woken.wait(), timeout)
        except TimeoutError:
            return
        if self.running:
            # Results come in bunches; one commit for all of a bunch.
            await asyncio.wait(self.running, timeout=GROUP_SECONDS)

    def _until_due(self) -> float:
        due = self.outbox.next_due() if not self.running else None
        if due is None:
            return 30.0
        return min(30.0, max(0.01, (due - self.clock()).total_seconds()))

    async def _deliver(self, letter: int, batch: Sequence[Due]) -> None:
        recipients = [due.recipient for due in batch]
        try:
            alone = batch[0].number if batch[0].alone else None
            reverse_path, content = self.outbox.letter(letter, alone)
            if not content:
                # Given up since it was listed: its words were taken away.
                self.taken.difference_update(due.number for due in batch)
                return
            replies = await self.transport.send(reverse_path, recipients, content)
        except Broken as error:
            self.log("trouble", reason=str(error))
            self.taken.difference_update(due.number for due in batch)
            return
        except Exception as error:
            # A bug must not hold up the next mail; this one is deferred like any other.
            self.log("bug", error=error, letter=letter)
            replies = dict.fromkeys(recipients, Reply(451, 3, 0, "a bug of ours; see the log"))
        if isinstance(replies, Unreachable):
            self._down(replies)
            self.taken.difference_update(due.number for due in batch)
            return
        if self.probe:
            self.log("relay_up")
        self.probe, self.down = 0.0, ""
        for due in batch:
            self._note(due, replies.get(due.recipient, Reply(451, 0, 0, "no reply")))

    def _note(self, due: Due, reply: Reply) -> None:
        now = self.clock()
        retry = again_at(due.attempts + 1, due.created_at, now) if reply.deferred else None
        self.results.append((due.number, reply, retry))
        event = "sent" if reply.positive else "deferred" if retry else "failed"
        self.log(event, letter=due.letter, recipient=due.recipient, kind=due.kind, reply=str(reply))

    def _down(self, why: Unreachable) -> None:
        if not self.probe:
            self.log("relay_down", reason=why.reason)
        self.down = why.reason
        self.probe = min(LAST_PROBE, self.probe * 2 or FIRST_PROBE)

    def _settle(self) -> None:
        results = list(self.results)
        if results:
            self.outbox.settle(results, self.clock())
            del self.results[: len(results)]
            # Only now may a deferred one be taken again.
            self.taken.difference_update(number for number, _, _ in results)


class Drafts(Protocol):
    """What the clock needs of held drafts."""

    def due(self, before: datetime) -> Sequence[Draft]:
        """List the held drafts of before that moment on which the clock may still act."""
        ...

    def enter(
        self, before: Draft, entry: Entry, letters: Sequence[Outgoing], now: datetime
    ) -> bool:
        """Write what the clock did; False where somebody answered the draft meanwhile."""
        ...


class Digests(Protocol):
    """What the clock needs of the digests."""

    def last(self, kind: str) -> datetime | None:
        """Say until when the last digest of a kind went; None where there was none yet."""
        ...

    def first(self, kind: str, after: datetime) -> Period | None:
        """Give the period of the first digest of a kind that ended after a moment and was sent."""
        ...

    def histories(self, since: datetime, until: datetime) -> Sequence[History]:
        """Give what a digest tells of."""
        ...

    def declared(
        self, since: datetime, until: datetime, known: Sequence[History] = ()
    ) -> Sequence[History]:
        """Give the incidents that were declared in a span; known: what was read already."""
        ...

    def forms(self, kind: str) -> Sequence[Form]:
        """List in which forms a kind is wanted besides the summary."""
        ...

    def originals(self, since: datetime, until: datetime) -> Sequence[Original]:
        """Give the mails that went to the list in a period."""
        ...

    def history(self, incident_id: str) -> History:
        """Give all that is on record of an incident."""
        ...

    def enter(
        self,
        kind: str,
        since: datetime,
        until: datetime,
        letters: Sequence[Outgoing],
        now: datetime,
    ) -> bool:
        """Note the period as done, and owe its letters, in one transaction; False where it was."""
        ...


class Reminders(Protocol):
    """What the clock needs of reminders."""

    def watched(self, now: datetime) -> Sequence[Incident]:
        """List the incidents that may need one."""
        ...

    def was_sent(self, incident: Incident, nudge: Nudge) -> bool:
        """Whether it went out before."""
        ...

    def enter(
        self, incident: Incident, nudge: Nudge, letters: Sequence[Outgoing], now: datetime
    ) -> bool:
        """Note it as sent and owe its letters, in one transaction; False where it was."""
        ...


class Clocks:
    """Minds the time: asks again for drafts, publishes what nobody completes, sends the digests."""

    def __init__(
        self,
        desk: Desk,
        drafts: Drafts,
        digests: Digests,
        reminders: Reminders,
        schedules: Mapping[Audience, Schedule],
        clock: Callable[[], datetime],
        log: Callable[..., None],
        owed: Callable[[], None],
        also: Sequence[Callable[[datetime], None]] = (),
    ) -> None:
        self.also = also
        self.desk, self.drafts, self.digests, self.schedules = desk, drafts, digests, schedules
        self.clock, self.log, self.owed = clock, log, owed
        self.reminders = reminders

    async def run(self) -> None:
        """Mind the time for ever."""
        while True:
            try:
                self.tick(self.clock())
            except Broken as error:
                self.log("trouble", reason=str(error))
            await asyncio.sleep(TICK_SECONDS)

    def tick(self, now: datetime) -> None:
        """Do what is due at this moment."""
        for draft in self.drafts.due(now - self.desk.first_step):
            entry, letters = self.desk.step_of(draft, now)
            if entry is not None and self.drafts.enter(draft, entry, letters, now):
                self.log(
                    "draft", mail=draft.mail, verdict=entry.verdict, incident=entry.incident_id
                )
                self.owed()
        for incident in self.reminders.watched(now):
            self._remind(incident, now)
        for kind, schedule in self.schedules.items():
            self._digest(kind, schedule, now)
        for tick in self.also:
            tick(now)

    def _remind(self, incident: Incident, now: datetime) -> None:
        for nudge in self.desk.nudges(incident, now):
            if self.reminders.was_sent(incident, nudge):
                continue
            posts = self.digests.history(incident.id).posts
            letters = self.desk.reminders(incident, nudge, posts, now)
            if self.reminders.enter(incident, nudge, letters, now):
                self.log("reminder", incident=incident.id, kind=nudge.kind, step=nudge.step)
                self.owed()

    def _digest(self, kind: Audience, schedule: Schedule, now: datetime) -> None:
        until, last = schedule.last(now), self.digests.last(kind)
        if last is None:
            # The first start: what was before is nobody's news.
            self.digests.enter(kind, until, until, (), now)
        elif last < until:
            histories = self.digests.histories(last, until)
            month = self.digests.declared(self.desk.month(until), until, histories)
            told = self.desk.digest(histories, month, last, until)
            forms = self.digests.forms(kind)
            originals = self.digests.originals(last, until) if forms else ()
            first = self.digests.first(kind, self.desk.week(until))
            letters = self.desk.digest_letters(told, kind, now, forms, originals, first)
            if self.digests.enter(kind, last, until, letters, now):
                self.log("digest", kind=kind, since=str(last), until=str(until), sent=bool(letters))
                self.owed()
