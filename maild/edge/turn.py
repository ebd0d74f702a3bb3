"""Who writes next: the door goes before the desk, and neither waits longer than the other writes."""

import fcntl
import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

GIVE_WAY_SECONDS: Final = 0.02
LOOK_SECONDS: Final = 0.0005


class Turn:
    """The turn of two processes, forked from the one that made it.

    SQLite's lock knows no order, and who waits for it sleeps ever longer. The system's lock on a
    file without a name wakes who waits at once, and goes with a process that dies. Others who write
    (`maild void`) know only SQLite's.
    """

    def __init__(self) -> None:
        self._file, name = tempfile.mkstemp()
        os.unlink(name)
        self._wanted = mmap.mmap(-1, 1)

    @property
    def wanted(self) -> bool:
        """Whether the first wants to write, or does."""
        return self._wanted[0] != 0

    @contextmanager
    def first(self) -> Iterator[None]:
        """Write as the one who goes first."""
        self._wanted[0] = 1
        try:
            with self._held():
                yield
        finally:
            self._wanted[0] = 0

    @contextmanager
    def after(self) -> Iterator[None]:
        """Write when the first does not want to; no longer than 20 ms is waited for one that died."""
        until = time.monotonic() + GIVE_WAY_SECONDS
        while self.wanted and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        with self._held():
            yield

    @contextmanager
    def _held(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
