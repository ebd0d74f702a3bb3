"""The readers: parse and read in worker processes, each mail within limits of time and memory.

A mail that crashes or stalls a worker costs that worker and nothing else; what comes back then is
`Unreadable`, with the reason. A pool that broke as a whole is replaced.

What is limited is the processor's time, not that of the clock: a hostile mail burns it and is over
in time, a sound mail on a machine too busy for it waits its turn. Both limits are timers of the
worker's own, and their signals have no handler: the kernel ends the worker, in the midst of a
regular expression too, and while nobody has time to look after it.
"""

import asyncio
import gc
import multiprocessing
import os
import pickle
import resource
import signal
import time
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, Final

from pebble import CONSTS, ProcessExpired, ProcessFuture, ProcessPool

from maild.mail.message import Mail, RawMessage
from maild.mail.parse import parse
from maild.reading.body import ListNames
from maild.reading.report import Read, Reader, Report, Unreadable
from maild.reading.rules import Rules
from maild.trouble import Broken

# Of the processor, for one mail; with what it takes to notice, a hostile mail is over within 2 s.
CPU_SECONDS: Final = 1.5
# Of the clock, for what waits and computes nothing; no mail does, so that there is time to spare.
WALL_SECONDS: Final = 30.0
MEMORY_OCTETS: Final = 256 << 20
START_SECONDS: Final = 60.0
ATTEMPTS: Final = 2

# Workers that are to end have half a breath, then SIGKILL.
CONSTS.term_timeout = 0.2


What = tuple[Callable[[Path | None], Rules], Path | None, ListNames]
"""What a reader is made of: what loads the rules, from where, and what it must know of the list."""

PRELOAD: Final = "MAILD_READER"
"""The environment variable by which the fork server learns what its workers will read with."""


class _Worker:
    """What a worker process keeps between mails; `made_of` may come from the fork server already."""

    reader: Reader | None = None
    made_of: What | None = None


def make_reader(what: What) -> None:
    """Make the reader of this process. Raises what the rules' loader raises."""
    load, folder, names = what
    _Worker.reader, _Worker.made_of = Reader(load(folder), names), what


def _begin(*what: Any) -> None:
    # Neither the rules nor what the workers share is ever garbage; to look at it is to copy it.
    gc.freeze()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    # Address space, not resident memory: what is mapped before the first mail is counted on top.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OCTETS + _mapped(), hard))
    # Whatever we were started with: these two end the worker, and nothing catches them.
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGPROF, signal.SIGALRM))
    if _Worker.made_of != what:
        make_reader(what)
    gc.freeze()


def _mapped() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):
        return 1 << 30
    return pages * resource.getpagesize()


def _read(raw: RawMessage, cpu: float, wall: float) -> tuple[Mail, Report]:
    if _Worker.reader is None:
        raise RuntimeError("the worker was not begun")
    _limit(cpu, wall)
    try:
        mail = parse(raw)
        return mail, _Worker.reader.read(mail)
    finally:
        # Never armed while a worker has the lock of the pool's pipes, and would take it along.
        _limit(0, 0)


def _limit(cpu: float, wall: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, cpu)
    signal.setitimer(signal.ITIMER_REAL, wall)


def _begun() -> None:
    """Answer as soon as a worker is ready."""


class Readers:
    """A pool of reader processes; one that broke is replaced, and its mails are read again.

    cpu, wall: seconds of the processor and of the clock that one mail may take. A pool that has
    answered nothing for twice the latter is dead.
    """

    def __init__(
        self,
        load: Callable[[Path | None], Rules],
        folder: Path | None,
        names: ListNames,
        workers: int,
        cpu: float = CPU_SECONDS,
        wall: float = WALL_SECONDS,
    ) -> None:
        self._what, self._workers = (load, folder, names), workers
        self._cpu, self._wall = cpu, wall
        self._answered = 0.0
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["maild.edge.preloaded"])
        self._pool: ProcessPool | None = None
        self._starting = asyncio.Lock()

    async def begin(self) -> None:
        """Start the workers, so that the first mail need not wait. Raises Broken."""
        await self._running()

    async def read(self, raw: RawMessage) -> Read:
        """Read one mail. Raises Broken where no reader can be started, and nothing else."""
        for _ in range(ATTEMPTS):
            answer = await self._answer(await self._running(), raw)
            if answer is not None:
                return answer
        return Unreadable("the readers died of it")

    async def _answer(self, pool: ProcessPool, raw: RawMessage) -> Read | None:
        """Have a worker read a mail; None where the whole pool broke."""
        answer: asyncio.Future[tuple[Mail, Report]] | None = None
        try:
            task = pool.schedule(_read, [raw, self._cpu, self._wall])
            answer = asyncio.wrap_future(task)
            await self._waited(pool, task, answer)
            return answer.result() if answer.done() else None
        except Exception as error:
            return Unreadable(self._reason(error)) if pool.active else None
        finally:
            if answer is not None:
                answer.cancel()

    async def _waited(
        self,
        pool: ProcessPool,
        task: ProcessFuture[tuple[Mail, Report]],
        answer: "asyncio.Future[tuple[Mail, Report]]",
    ) -> None:
        """Wait for an answer, however long the queue; stops a pool that will never give one."""
        while not answer.done():
            begun, running = time.monotonic(), task.running()
            await asyncio.wait((answer,), timeout=2 * self._wall)
            if answer.done():
                self._answered = time.monotonic()
            elif running or self._answered < begun or not pool.active:
                # A worker died as it took the mail, or while it held the pool's lock.
                pool.stop()  # type: ignore[no-untyped-call]
                return

    async def _running(self) -> ProcessPool:
        async with self._starting:
            if self._pool is None or not self._pool.active:
                broken, self._pool = self._pool, None
                self._pool = await asyncio.to_thread(self._replaced, broken)
            return self._pool

    def _replaced(self, broken: ProcessPool | None) -> ProcessPool:
        if broken is not None:
            _end(broken)
        self._fork_server()
        pool = ProcessPool(
            max_workers=self._workers,
            initializer=_begin,
            initargs=self._what,
            context=self._context,
        )
        try:
            pool.schedule(_begun).result(START_SECONDS)
        except Exception as error:
            _end(pool)
            raise Broken(f"no reader can be started ({type(error).__name__})") from error
        return pool

    def _fork_server(self) -> None:
        """Start what the workers are forked of, with their reader made: they share it."""
        os.environ[PRELOAD] = pickle.dumps(self._what).hex()
        try:
            forkserver.ensure_running()
        finally:
            del os.environ[PRELOAD]

    def stop(self) -> None:
        """End the workers at once."""
        if self._pool is not None:
            _end(self._pool)
            self._pool = None

    def _reason(self, error: Exception) -> str:
        match error:
            case ProcessExpired(exitcode=code) if code == -signal.SIGPROF:
                return f"reading it took more than {self._cpu:g} s of the processor's time"
            case ProcessExpired(exitcode=code) if code == -signal.SIGALRM:
                return f"reading it took longer than {self._wall:g} s"
            case ProcessExpired():
                return f"the reader died of it (exit code {error.exitcode})"
            case MemoryError():
                return f"reading it took more than {MEMORY_OCTETS >> 20} MB"
            case _:
                # A bug of the pure core: the mail is kept and shown to the owner, the next goes on.
                return f"{type(error).__name__} while reading it"


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()
