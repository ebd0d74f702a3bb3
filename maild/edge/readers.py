"""The readers: parse and read in processes of their own, each mail within limits of time and memory.

A mail that crashes or stalls a reader costs that reader and nothing else; what comes back then is
`Unreadable`, with the reason. There are few, and more as long as mails wait for one that is stuck.

What is limited is the processor's time, not that of the clock: a hostile mail burns it and is over
in time, a sound mail on a machine too busy for it waits its turn. Both limits are timers of the
reader's own, and their signals have no handler: the kernel ends the reader, in the midst of a
regular expression too, and while nobody has time to look after it.
"""

import asyncio
import contextlib
import pickle
import resource
import signal
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from maild.mail.message import RawMessage
from maild.mail.parse import parse
from maild.reading.report import Read, Reader, Unreadable
from maild.trouble import Broken

# Of the processor, for one mail; with what it takes to notice, a hostile mail is over within 2 s.
CPU_SECONDS: Final = 1.5
# Of the clock, for what waits and computes nothing; no mail does, so that there is time to spare.
WALL_SECONDS: Final = 30.0
MEMORY_OCTETS: Final = 256 << 20
START_SECONDS: Final = 60.0
ATTEMPTS: Final = 2
LEAST: Final = 2
# So many mails a reader has ahead, so that it need not wait for the desk.
WINDOW: Final = 16
# A reader that is at one mail for so long is stuck: those behind it go elsewhere.
STUCK_SECONDS: Final = 0.2
TURN_SECONDS: Final = 0.1
# Each message between desk and reader has its length before it.
HEAD_OCTETS: Final = 8


def _framed(content: bytes) -> bytes:
    return len(content).to_bytes(HEAD_OCTETS, "big") + content


def read_all(reader: Reader, channel: socket.socket) -> None:
    """Be a reader: read each mail that comes by a socket, until its end."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    # Address space, not resident memory: what is mapped before the first mail is counted on top.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OCTETS + _mapped(), hard))
    # Whatever we were started with: these two end the reader, and nothing catches them.
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGPROF, signal.SIGALRM))
    asked = channel.makefile("rb")
    channel.sendall(_framed(b""))
    while head := asked.read(HEAD_OCTETS):
        raw, cpu, wall = pickle.loads(asked.read(int.from_bytes(head, "big")))
        channel.sendall(_framed(_read(reader, raw, cpu, wall)))


def _mapped() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):
        return 1 << 30
    return pages * resource.getpagesize()


def _read(reader: Reader, raw: RawMessage, cpu: float, wall: float) -> bytes:
    _limit(cpu, wall)
    try:
        mail = parse(raw)
        return pickle.dumps((mail, reader.read(mail)))
    except MemoryError:
        reason = f"reading it took more than {MEMORY_OCTETS >> 20} MB"
    except Exception as error:
        # A bug of the pure core: the mail is kept and shown to the owner, the next goes on.
        reason = f"{type(error).__name__} while reading it"
    finally:
        _limit(0, 0)
    return pickle.dumps(Unreadable(reason))


def _limit(cpu: float, wall: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, cpu)
    signal.setitimer(signal.ITIMER_REAL, wall)


@dataclass(slots=True)
class _Job:
    raw: RawMessage
    answer: "asyncio.Future[Read]"
    tries: int = 0


class _Channel(asyncio.Protocol):
    """The desk's end of a reader's socket: mails go in, answers come in the same order.

    heard, lost: called with each answer, and with what came last and was none. given: what the reader
    has to read, the first since `since`. there: whether the reader began; it may be gone before it
    did. leaving: it is given no more, and ends with what it is at.
    """

    def __init__(
        self, heard: "Callable[[_Channel, bytes], None]", lost: "Callable[[_Channel, bytes], None]"
    ) -> None:
        self.heard, self.lost = heard, lost
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.given: deque[_Job] = deque()
        self.since = 0.0
        self.leaving = False
        self.there: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def is_at_it(self, seconds: float) -> bool:
        """Say whether one mail has been read for longer than that."""
        return bool(self.given) and time.monotonic() - self.since > seconds

    def has_room(self) -> bool:
        """Say whether it can be given one more, which would not wait behind what is large or stuck."""
        assert self.transport is not None
        full = len(self.given) >= WINDOW or self.transport.get_write_buffer_size()
        return not (full or self.leaving or self.is_at_it(STUCK_SECONDS))

    def give(self, job: _Job, content: bytes) -> None:
        """Have one more read."""
        assert self.transport is not None
        if not self.given:
            self.since = time.monotonic()
        self.given.append(job)
        self.transport.write(_framed(content))

    def take_back(self) -> list[_Job]:
        """Give what waits behind the first, if anything does."""
        first, *others = self.given
        if others:
            self.given, self.leaving = deque([first]), True
        return others

    def close(self) -> None:
        """Let the reader go; it is killed."""
        self.leaving = True
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= HEAD_OCTETS and not (self.leaving and not self.given):
            end = HEAD_OCTETS + int.from_bytes(self.buffer[:HEAD_OCTETS], "big")
            if len(self.buffer) < end:
                return
            content = bytes(self.buffer[HEAD_OCTETS:end])
            del self.buffer[:end]
            if self.there.done():
                self.heard(self, content)
            else:
                self.there.set_result(True)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.there.done():
            self.there.set_result(False)
        self.lost(self, bytes(self.buffer))


class Readers:
    """A pool of reader processes; one that is gone is replaced.

    Each has a few mails ahead, so that it need not wait for the desk; what waits behind a mail that
    takes long is taken back, and read by another that is begun for it.

    fork: gives our end of the socket of a new reader; raises OSError where none can be asked for.
    exit_code: finds in what a reader's socket gave last how it ended; None where it does not say.
    most: so many readers at once; LEAST where all goes well. cpu, wall: seconds of the processor and
    of the clock that one mail may take. A reader that is silent for twice the latter is given up.
    """

    def __init__(
        self,
        fork: Callable[[], socket.socket],
        exit_code: Callable[[bytes], int | None],
        most: int,
        cpu: float = CPU_SECONDS,
        wall: float = WALL_SECONDS,
    ) -> None:
        self._fork, self._exit_code = fork, exit_code
        self._least, self._most = min(LEAST, most), most
        self._cpu, self._wall = cpu, wall
        self._queue: deque[_Job] = deque()
        self._channels: list[_Channel] = []
        self._woken = asyncio.Event()

    async def begin(self) -> None:
        """Start readers, so that the first mail need not wait. Raises Broken."""
        for _ in range(self._least):
            await self._start()

    async def mind(self) -> None:
        """Mind for ever that no mail waits for a reader that is stuck or gone."""
        while True:
            self._woken.clear()
            stuck = [channel for channel in self._channels if channel.is_at_it(STUCK_SECONDS)]
            for channel in stuck:
                self._queue.extendleft(reversed(channel.take_back()))
                if channel.is_at_it(2 * self._wall):
                    channel.close()
            wanted = self._least + len(stuck) if self._queue else self._least
            if len(self._channels) < min(wanted, self._most):
                await self._replace()
            self._feed()
            if self._idle():
                for spare in self._channels[self._least :]:
                    spare.close()
            at_rest = self._idle() and len(self._channels) >= self._least
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if at_rest else TURN_SECONDS):
                    await self._woken.wait()

    def stop(self) -> None:
        """End the readers at once."""
        for channel in self._channels:
            channel.close()

    async def read(self, raw: RawMessage) -> Read:
        """Read one mail. Raises Broken where no reader can be started, and nothing else."""
        job = _Job(raw, asyncio.get_running_loop().create_future())
        if self._idle():
            self._woken.set()
        self._queue.append(job)
        self._feed()
        return await job.answer

    def _idle(self) -> bool:
        return not self._queue and not any(channel.given for channel in self._channels)

    def _feed(self) -> None:
        """Give to the readers what waits, as far as they have room."""
        while self._queue:
            free = [channel for channel in self._channels if channel.has_room()]
            if not free:
                return
            job = self._queue.popleft()
            if not job.answer.done():
                asked = pickle.dumps((job.raw, self._cpu, self._wall))
                min(free, key=lambda channel: len(channel.given)).give(job, asked)

    def _heard(self, channel: _Channel, content: bytes) -> None:
        job, channel.since = channel.given.popleft(), time.monotonic()
        if not job.answer.done():
            job.answer.set_result(_unpickled(content))
        if channel.leaving:
            channel.close()
        self._feed()

    def _lost(self, channel: _Channel, rest: bytes) -> None:
        """Judge what a reader was at when it died; the others read what it had not begun with."""
        if channel in self._channels:
            self._channels.remove(channel)
        code, jobs = self._exit_code(rest), channel.given
        if jobs:
            jobs[0].tries += 1
            # Who does not say how it ended may be somebody else's victim.
            if (code is not None or jobs[0].tries == ATTEMPTS) and not jobs[0].answer.done():
                jobs[0].answer.set_result(Unreadable(self._cause(code)))
        self._queue.extendleft(reversed(jobs))
        self._woken.set()

    async def _replace(self) -> None:
        try:
            await self._start()
        except Broken as error:
            while self._queue and not self._channels:
                job = self._queue.popleft()
                if not job.answer.done():
                    job.answer.set_exception(error)

    async def _start(self) -> None:
        """Start one more reader. Raises Broken."""
        try:
            ours = self._fork()
            ours.setblocking(False)
            _, channel = await asyncio.get_running_loop().create_unix_connection(
                lambda: _Channel(self._heard, self._lost), sock=ours
            )
        except OSError as error:
            raise Broken(f"no reader can be started ({type(error).__name__})") from error
        there = False
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START_SECONDS):
                    there = await channel.there
        finally:
            if not there:
                channel.close()
        if not there:
            raise Broken("no reader can be started")
        self._channels.append(channel)

    def _cause(self, code: int | None) -> str:
        match code:
            case None:
                return "the readers died of it"
            case _ if code == -signal.SIGPROF:
                return f"reading it took more than {self._cpu:g} s of the processor's time"
            case _ if code == -signal.SIGALRM:
                return f"reading it took longer than {self._wall:g} s"
            case _:
                return f"the reader died of it (exit code {code})"


def _unpickled(content: bytes) -> Read:
    try:
        answer: Read = pickle.loads(content)
    except Exception as error:
        return Unreadable(f"{type(error).__name__} while reading it")
    return answer
