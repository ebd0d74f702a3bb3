"""The clocks: ask again for drafts, remind commanders, send digests."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from maild.desk import Desk
from maild.incident.digest import History
from maild.incident.entry import Draft, Entry
from maild.incident.model import Incident
from maild.incident.reminder import Nudge
from maild.incident.schedule import Schedule
from maild.letters.digest import Period
from maild.mail.bundle import Original
from maild.mail.message import Audience, Outgoing
from maild.roster.subscription import Form
from maild.trouble import Broken

TICK_SECONDS: Final = 1.0


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

    def look_again(self, incident: Incident, at: datetime | None) -> None:
        """Leave an incident that does not change alone until then; None for ever."""
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
            self.reminders.look_again(incident, self.desk.next_nudge_at(incident, now))
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
