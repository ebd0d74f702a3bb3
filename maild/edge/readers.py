"""The readers: parse and read in worker processes, each mail within a time and a memory limit.

A mail that crashes or stalls a worker costs that worker and nothing else; what comes back then is
`Unreadable`, with the reason. A pool that broke as a whole is replaced.
"""

import asyncio
import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from pebble import CONSTS, ProcessExpired, ProcessPool

from maild.mail.message import Mail, RawMessage
from maild.mail.parse import parse
from maild.reading.body import ListNames
from maild.reading.report import Read, Reader, Report, Unreadable
from maild.reading.rules import Rules
from maild.trouble import Broken

SECONDS: Final = 1.8
MEMORY_OCTETS: Final = 256 << 20
START_SECONDS: Final = 60.0
LOST_SECONDS: Final = 60.0
ATTEMPTS: Final = 2

# A worker that is stopped holds up the others until it is gone: half a breath, then SIGKILL.
CONSTS.term_timeout = 0.2


class _Worker:
    """What a worker process keeps between mails."""

    reader: Reader | None = None


def _begin(load: Callable[[Path | None], Rules], folder: Path | None, names: ListNames) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    # Address space, not resident memory: what is mapped before the first mail is counted on top.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OCTETS + _mapped(), hard))
    _Worker.reader = Reader(load(folder), names)


def _mapped() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):
        return 1 << 30
    return pages * resource.getpagesize()


def _read(raw: RawMessage) -> tuple[Mail, Report]:
    if _Worker.reader is None:
        raise RuntimeError("the worker was not begun")
    mail = parse(raw)
    return mail, _Worker.reader.read(mail)


def _begun() -> None:
    """Answer as soon as a worker is ready."""


class Readers:
    """A pool of reader processes; one that broke is replaced, and its mails are read again."""

    def __init__(
        self,
        load: Callable[[Path | None], Rules],
        folder: Path | None,
        names: ListNames,
        workers: int,
    ) -> None:
        self._what, self._workers = (load, folder, names), workers
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["maild.edge.readers", "maild.edge.files"])
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
        future: Future[tuple[Mail, Report]] | None = None
        try:
            future = pool.schedule(_read, [raw], timeout=SECONDS)
            return await asyncio.wait_for(asyncio.wrap_future(future), LOST_SECONDS)
        except Exception as error:
            if future is not None and future.cancelled():
                # Nobody has it any more: a worker died while it held the pool's lock.
                pool.stop()  # type: ignore[no-untyped-call]
            return Unreadable(_reason(error)) if pool.active else None

    async def _running(self) -> ProcessPool:
        async with self._starting:
            if self._pool is None or not self._pool.active:
                broken, self._pool = self._pool, None
                self._pool = await asyncio.to_thread(self._replaced, broken)
            return self._pool

    def _replaced(self, broken: ProcessPool | None) -> ProcessPool:
        if broken is not None:
            _end(broken)
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

    def stop(self) -> None:
        """End the workers at once."""
        if self._pool is not None:
            _end(self._pool)
            self._pool = None


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()


def _reason(error: Exception) -> str:
    match error:
        case TimeoutError():
            return f"reading it took longer than {SECONDS:g} s"
        case ProcessExpired():
            return f"the reader died of it (exit code {error.exitcode})"
        case MemoryError():
            return f"reading it took more than {MEMORY_OCTETS >> 20} MB"
        case _:
            # A bug of the pure core: the mail is kept and shown to the owner, the next one goes on.
            return f"{type(error).__name__} while reading it"
