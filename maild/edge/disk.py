"""How much room there is: looked at once a second at most, so that anybody may ask for each mail."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

SECONDS: Final = 1.0


def free_share(folder: Path) -> float:
    """Say which part of a file system is free for us, 0 to 1; 1 where nobody can say."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return 1.0
    return found.f_bavail / found.f_blocks if found.f_blocks else 1.0


class Disk:
    """The file system that a folder is on."""

    def __init__(
        self,
        folder: Path,
        share: Callable[[Path], float] = free_share,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self._share, self._clock = folder, share, clock
        self._free, self._until = 1.0, float("-inf")

    @property
    def free(self) -> float:
        """Which part is free, 0 to 1, as of the last second."""
        if self._clock() >= self._until:
            self._free, self._until = self._share(self.folder), self._clock() + SECONDS
        return self._free
