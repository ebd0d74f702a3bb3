"""Who may log in: a file of users and hashed passwords, one a line, mode 600.

    kevin:scrypt:16384:8:1:SALT:HASH

Salt and hash are base64. The file is read again when it changes.
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# 16 MB and some 50 ms for each guess (RFC 7914 §2; OWASP's least for an interactive login).
COST: Final = (16384, 8, 1)
SALT_OCTETS: Final = 16
MEMORY: Final = 64 << 20
USER: Final = re.compile(r"[^\s:\x00-\x1f\x7f]{1,255}")


@dataclass(frozen=True, slots=True)
class Hashed:
    """A password's hash, and how it was made."""

    cost: tuple[int, int, int]
    salt: bytes
    digest: bytes

    def fits(self, password: str) -> bool:
        """Whether this is the password."""
        return hmac.compare_digest(_scrypt(password, self.salt, self.cost), self.digest)

    def __str__(self) -> str:
        parts = (*map(str, self.cost), *(base64.b64encode(p).decode() for p in self._octets))
        return ":".join(("scrypt", *parts))

    @property
    def _octets(self) -> tuple[bytes, bytes]:
        return self.salt, self.digest


class Passwords:
    """A password file. Raises OSError or ValueError, with the line, where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen, self._users = path.stat().st_mtime_ns, read(path)
        # A name that nobody has takes as long as one that somebody has.
        self._nobody = hashed(secrets.token_hex())

    def check(self, user: str, password: str) -> bool:
        """Whether the password is the user's. It takes a while: call it in a thread."""
        with contextlib.suppress(OSError, ValueError):  # Being written just now: as it was.
            seen = self.path.stat().st_mtime_ns
            if seen != self._seen:
                self._users, self._seen = read(self.path), seen
        known = self._users.get(user.lower())
        return (known or self._nobody).fits(password) and known is not None


def hashed(password: str) -> Hashed:
    """Hash a password with a new salt."""
    salt = secrets.token_bytes(SALT_OCTETS)
    return Hashed(COST, salt, _scrypt(password, salt, COST))


def read(path: Path) -> dict[str, Hashed]:
    """Read a password file. Raises OSError, or ValueError with the line that is none."""
    users = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            user, kind, n, r, p, salt, digest = line.strip().split(":")
            octets = base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)
            if kind != "scrypt" or not USER.fullmatch(user):
                raise ValueError
            users[user.lower()] = Hashed((int(n), int(r), int(p)), *octets)
        except (ValueError, binascii.Error):
            raise ValueError(f"{path}:{number}: no user; `maild passwd` writes them") from None
    return users


def write(path: Path, user: str, password: str) -> bool:
    """Set a user's password; says whether the user is new. Raises what `read` raises.

    The file is replaced as a whole, so that nobody ever reads half of it.
    """
    if not USER.fullmatch(user):
        raise ValueError(f"{user!r} is no user name: no spaces, no colon")
    users = read(path) if path.exists() else {}
    new = user.lower() not in users
    users[user.lower()] = hashed(password)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.writelines(f"{name}:{each}\n" for name, each in users.items())
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)
    return new


def _scrypt(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=MEMORY, dklen=32)
