"""What a client says to log in: AUTH PLAIN (RFC 4616) and LOGIN, as RFC 4954 has them."""

import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Final

from maild.mail.message import Reply

MECHANISMS: Final = ("PLAIN", "LOGIN")
MAX_FAILURES: Final = 3
WRONG: Final = Reply(535, 7, 8, "Wrong user or password")
CANCELLED: Final = Reply(501, 7, 0, "Cancelled")
GARBLED: Final = Reply(501, 5, 2, "That cannot be read")
NO_SUCH: Final = Reply(504, 5, 4, f"There are {' and '.join(MECHANISMS)}")

Ask = Callable[[bytes], Awaitable[bytes]]


async def credentials(argument: str, ask: Ask) -> tuple[str, str] | Reply:
    """Read user and password; what the command does not bring along is asked for."""
    mechanism, _, initial = argument.partition(" ")
    first = initial.strip().encode()
    if mechanism.upper() == "PLAIN":
        said = _decoded(first or await ask(b""))
        if isinstance(said, Reply):
            return said
        # The identity to act for comes first; there is none but the user's own.
        parts = said.split("\0")
        return (parts[1], parts[2]) if len(parts) == 3 else GARBLED
    if mechanism.upper() == "LOGIN":
        user = _decoded(first or await ask(b"Username:"))
        if isinstance(user, Reply):
            return user
        password = _decoded(await ask(b"Password:"))
        return password if isinstance(password, Reply) else (user, password)
    return NO_SUCH


def _decoded(line: bytes) -> str | Reply:
    blob = line.strip()
    if blob == b"*":
        return CANCELLED
    try:
        return "" if blob == b"=" else b64decode(blob, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return GARBLED
