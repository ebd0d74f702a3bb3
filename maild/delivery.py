"""Delivery: what is due goes to the relay, several transactions at once, each recipient with his own fate."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Protocol

from maild.mail.message import Reply, Unreachable
from maild.trouble import Broken

MAX_RECIPIENTS: Final = 50
# Results come in bunches; there is one commit for all of a bunch.
GROUP_SECONDS: Final = 0.05
MAX_BUNCH: Final = 500
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

    def still_owed(self, numbers: Sequence[int]) -> set[int]:
        """Say which of some deliveries nobody has given up since they were listed."""
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
        # Deliveries that wait here, are under way, or whose result is not committed yet.
        self.taken: set[int] = set()
        self.ready: deque[Sequence[Due]] = deque()
        self.first_result = 0.0
        self.running: set[asyncio.Task[None]] = set()
        self.probe = 0.0
        # Why the relay cannot be reached; "" while it can, None where nobody has tried yet.
        self.down: str | None = None

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
                    if self._bunched():
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
        parallel = 1 if self.probe else self.parallel
        if len(self.running) < parallel and not self.ready:
            limit = len(self.taken) + 2 * parallel * MAX_RECIPIENTS
            due = [d for d in self.outbox.due(self.clock(), limit) if d.number not in self.taken]
            self.taken.update(d.number for d in due)
            self.ready.extend(batches(due))
        while self.ready and len(self.running) < parallel:
            batch = self.ready.popleft()
            task = asyncio.create_task(self._deliver(batch[0].letter, batch))
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
        # Not wait_for: before Python 3.12 it may swallow that we are to end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self.woken.wait()

    def _bunched(self) -> bool:
        """Whether to commit results now: many, or none to come, or the first has waited enough."""
        if not self.results or not self.running or len(self.results) >= MAX_BUNCH:
            return True
        return asyncio.get_running_loop().time() - self.first_result >= GROUP_SECONDS

    def _until_due(self) -> float:
        due = self.outbox.next_due() if not self.running else None
        if due is None:
            return 30.0
        return min(30.0, max(0.01, (due - self.clock()).total_seconds()))

    async def _deliver(self, letter: int, batch: Sequence[Due]) -> None:
        try:
            batch = self._still_owed(batch)
            if not batch:
                return
            recipients = [due.recipient for due in batch]
            alone = batch[0].number if batch[0].alone else None
            reverse_path, content = self.outbox.letter(letter, alone)
            replies = await self.transport.send(reverse_path, recipients, content)
        except Broken as error:
            self.log("trouble", reason=str(error))
            self.taken.difference_update(due.number for due in batch)
            return
        except Exception as error:
            # A bug must not hold up the next mail; this one is deferred like any other.
            self.log("bug", error=error, letter=letter)
            failed = Reply(451, 3, 0, "a bug of ours; see the log")
            replies = {due.recipient: failed for due in batch}
        if isinstance(replies, Unreachable):
            self._down(replies)
            self.taken.difference_update(due.number for due in batch)
            return
        if self.probe:
            self.log("relay_up")
        self.probe, self.down = 0.0, ""
        if not self.results:
            self.first_result = asyncio.get_running_loop().time()
        self._note(batch, replies)

    def _still_owed(self, batch: Sequence[Due]) -> Sequence[Due]:
        """Leave out what somebody has given up since it was listed."""
        owed = self.outbox.still_owed([due.number for due in batch])
        self.taken.difference_update(due.number for due in batch if due.number not in owed)
        return [due for due in batch if due.number in owed]

    def _note(self, batch: Sequence[Due], replies: Mapping[str, Reply]) -> None:
        """Note each one's fate; the log has one line for all who got it."""
        now = self.clock()
        sent: list[str] = []
        for due in batch:
            reply = replies.get(due.recipient, Reply(451, 0, 0, "no reply"))
            retry = again_at(due.attempts + 1, due.created_at, now) if reply.deferred else None
            self.results.append((due.number, reply, retry))
            if reply.positive:
                sent.append(due.recipient)
                continue
            self.log(
                "deferred" if retry else "failed",
                letter=due.letter,
                recipient=due.recipient,
                kind=due.kind,
                reply=str(reply),
            )
        if sent:
            words = str(replies[sent[0]])
            self.log(
                "sent", letter=batch[0].letter, recipients=sent, kind=batch[0].kind, reply=words
            )

    def _down(self, why: Unreachable) -> None:
        if not self.probe:
            self.log("relay_down", reason=why.reason)
        for batch in self.ready:
            self.taken.difference_update(due.number for due in batch)
        self.ready.clear()
        self.down = why.reason
        self.probe = min(LAST_PROBE, self.probe * 2 or FIRST_PROBE)

    def _settle(self) -> None:
        results = list(self.results)
        if results:
            self.outbox.settle(results, self.clock())
            del self.results[: len(results)]
            # Only now may a deferred one be taken again.
            self.taken.difference_update(number for number, _, _ in results)
