"""The readers: parse and read in worker processes, each mail within a time and a memory limit.

A mail that crashes or stalls a worker costs that worker and nothing else; what comes back then is
`Unreadable`, with the reason.
"""

import asyncio
import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from pebble import ProcessExpired, ProcessPool

from maild.mail.message import Mail, RawMessage
from maild.mail.parse import parse
from maild.reading.body import ListNames
from maild.reading.report import Read, Reader, Report, Unreadable
from maild.reading.rules import Rules

SECONDS: Final = 2.0
MEMORY_OCTETS: Final = 512 << 20


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


class Readers:
    """A pool of reader processes."""

    def __init__(
        self,
        load: Callable[[Path | None], Rules],
        folder: Path | None,
        names: ListNames,
        workers: int,
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["maild.edge.readers", "maild.edge.files"])
        self.pool = ProcessPool(
            max_workers=workers, initializer=_begin, initargs=(load, folder, names), context=context
        )

    async def read(self, raw: RawMessage) -> Read:
        """Read one mail; never raises."""
        future: Future[tuple[Mail, Report]] = self.pool.schedule(_read, [raw], timeout=SECONDS)
        try:
            return await asyncio.wrap_future(future)
        except TimeoutError:
            return Unreadable(f"reading it took longer than {SECONDS:.0f} s")
        except ProcessExpired as error:
            return Unreadable(f"the reader died of it (exit code {error.exitcode})")
        except MemoryError:
            return Unreadable(f"reading it took more than {MEMORY_OCTETS >> 20} MB")
        except Exception as error:
            # A bug of the pure core: the mail is kept and shown to the owner, the next one goes on.
            return Unreadable(f"{type(error).__name__} while reading it")

    def stop(self) -> None:
        """End the workers at once."""
        self.pool.stop()  # type: ignore[no-untyped-call]
        self.pool.join(timeout=5)
