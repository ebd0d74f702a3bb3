"""The secret key beside the database, and the lock that keeps a second daemon away from both."""

import contextlib
import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import Final

KEY_OCTETS: Final = 32
LOCK_SECONDS: Final = 10.0


class Locked(Exception):
    """Another daemon works on this database."""


def key_path(database: Path) -> Path:
    """Say where the key of a database lies: beside it, "maild.key" for "maild.db"."""
    return database.with_suffix(".key")


def secret(database: Path) -> bytes:
    """Give the key; made at the first start, mode 600, and part of a backup.

    Raises OSError, or ValueError where the file holds no key.
    """
    path = key_path(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(file, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(KEY_OCTETS) + "\n")
            out.flush()
            os.fsync(out.fileno())
    key = bytes.fromhex(path.read_text("ascii").strip())
    if len(key) != KEY_OCTETS:
        raise ValueError(f"{path}: holds no key of {KEY_OCTETS} octets")
    return key


def lock(database: Path) -> int:
    """Hold the database for one daemon; gives the descriptor, and the lock lasts as long as it.

    Waits a moment for the processes of a daemon that has just ended. Raises Locked.
    """
    held = os.open(key_path(database), os.O_RDONLY)
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(held)
                raise Locked(f"{database}: another maild serves this database") from None
            time.sleep(0.1)
