"""The pump: what has arrived goes to the readers and on to the desk, in order of arrival."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from maild.desk import Desk
from maild.mail.headers import author, fields, split_content
from maild.mail.message import RawMessage
from maild.reading.report import Read, Unreadable
from maild.trouble import Broken

MAX_DEATHS: Final = 2
AHEAD: Final = 64
PATIENCE: Final = timedelta(milliseconds=250)
TROUBLE_SECONDS: Final = 1.0
# So many mails, or so long, in one transaction: it spares commits, and the door waits for its end.
MAX_BATCH: Final = 32
BATCH_TIME: Final = timedelta(milliseconds=40)


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
        # What lay here when we started, and was not begun since: it may have killed us before.
        self.suspects: set[int] = set()
        self.started = False
        self.batch = MAX_BATCH

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
                if busy:
                    self.batch = MAX_BATCH
                    # More may be read already, but what is owed now goes first.
                    await asyncio.sleep(0)
            except Exception as error:
                # The store failed: nothing was changed, all of it is tried again.
                self.trouble(error)
                self._forget()
                # One mail may fit on a disk that is almost full where many do not.
                self.batch = 1
                await asyncio.sleep(TROUBLE_SECONDS)
                continue
            if not busy:
                # Not wait_for: before Python 3.12 it may swallow that we are to end.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05 if self.jobs else 1.0):
                        await self.woken.wait()

    def _forget(self) -> None:
        for job in self.jobs:
            if job.task is not None:
                job.task.cancel()
        self.jobs.clear()
        self.last = 0

    def _fetch(self) -> None:
        room = AHEAD - len(self.jobs)
        if not self.jobs:
            # A shunted mail that is to run again has a number from long ago.
            self.last = 0
        if room > 0:
            for number, raw in self.desk.ledger.waiting(self.last, room):
                found = fields(split_content(raw.content)[0])
                name = author(found).address.lower() or str(raw.envelope.reverse_path)
                self.jobs.append(_Job(number, raw, name, self.clock()))
                self.last = number
            if not self.started:
                self.started, self.suspects = True, {job.number for job in self.jobs}
        running = {job.author for job in self.jobs if job.task is not None and not job.task.done()}
        for job in self.jobs:
            if job.task is None and job.author not in running:
                running.add(job.author)
                job.since = self.clock()
                job.task = asyncio.create_task(self.readers.read(job.raw))
                job.task.add_done_callback(lambda _: self.woken.set())

    def _conclude(self) -> bool:
        """Conclude what is read, in order, in one commit; True where more can be done at once."""
        ready = self._ready()
        if not ready:
            return False
        # Counted in a commit of its own, for that is all that is left of a death.
        first = ready[0].number
        deaths = self.desk.ledger.begin(first) if first in self.suspects else 0
        self.suspects.discard(first)
        done: dict[int, Callable[[], None]] = {}
        with self.desk.ledger.together():
            begun = self.clock()
            for job in ready:
                done[job.number] = self._one(job, died=deaths >= MAX_DEATHS)
                if self.clock() - begun > BATCH_TIME or self.desk.ledger.wanted():
                    break
        self.jobs = [job for job in self.jobs if job.number not in done]
        for tell in done.values():
            tell()
        self.entered()
        return True

    def _ready(self) -> list[_Job]:
        """List what can be concluded now, in order; what may have killed us before, by itself."""
        now = self.clock()
        waiting: set[str] = set()
        ready: list[_Job] = []
        for job in self.jobs:
            done = job.task is not None and job.task.done()
            if not done and now - job.since < PATIENCE:
                break
            if not done or job.author in waiting:
                waiting.add(job.author)
                continue
            suspect = job.number in self.suspects
            if suspect and ready:
                break
            ready.append(job)
            if suspect or len(ready) >= self.batch:
                break
        return ready

    def _one(self, job: _Job, *, died: bool) -> Callable[[], None]:
        """Conclude one mail; gives what tells the log of it, once it is committed."""
        now = self.clock()
        read = job.task.result() if job.task is not None else Unreadable("never read")
        if died:
            read = Unreadable("the desk died of it twice")
        if isinstance(read, Unreadable):
            return self._aside(job, read.reason, now)
        mail, report = read
        try:
            entry = self.desk.conclude(job.number, job.raw, mail, report, now)
        except Broken:
            raise
        except Exception as error:
            self.log("bug", mail=job.number, error=error)
            return self._aside(job, f"{type(error).__name__} while thinking about it", now)
        return partial(
            self.log,
            entry.verdict,
            mail=job.number,
            message_id=mail.message_id,
            author=mail.author.address,
            kind=entry.kind,
            incident=entry.incident_id,
            reason=entry.reason,
        )

    def _aside(self, job: _Job, reason: str, now: datetime) -> Callable[[], None]:
        """Set a mail aside, without its header where that alone breaks us; its octets are on record."""
        try:
            self.desk.shunt(job.number, job.raw, reason, now)
        except Broken:
            raise
        except Exception as error:
            self.log("bug", mail=job.number, error=error)
            self.desk.shunt(job.number, replace(job.raw, content=b""), reason, now)
        return partial(self.log, "shunted", mail=job.number, author=job.author, reason=reason)
