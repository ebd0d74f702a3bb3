"""What the tests of maild/mail share: a mail of octets or text, and the words of the default rules."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from maild.edge.files import load_rules
from maild.mail.message import Envelope, Mail, RawMessage
from maild.mail.parse import parse
from maild.mail.text import Written, written
from maild.mail.words import MailWords

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HEADER = (
    "From: Kim Larsen <kim@example.net>\nTo: incidents@example.com\nSubject: Checkout is down\n"
    "Date: Sun, 1 Mar 2026 11:58:00 +0000\nMessage-ID: <1@example.net>\nMIME-Version: 1.0\n"
)

Read = Callable[..., Mail]
Own = Callable[..., str]


@pytest.fixture(scope="session")
def words() -> MailWords:
    """The default words."""
    return load_rules().mail


@pytest.fixture(scope="session")
def read() -> Read:
    """`read(content, reverse_path)` parses a whole mail, given as octets or as text."""

    def read(content: bytes | str, reverse_path: str | None = "kim@example.net") -> Mail:
        octets = content.encode() if isinstance(content, str) else content
        envelope = Envelope(reverse_path, ("incidents@example.com",))
        return parse(RawMessage(envelope, octets, NOON))

    return read


@pytest.fixture(scope="session")
def take(read: Read, words: MailWords) -> Callable[..., Written]:
    """`take(body, kind, subject)` gives what the author wrote in a mail of that body."""

    def take(body: str, kind: str = "text/plain", subject: str = "Checkout is down") -> Written:
        field = f"Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        header = HEADER.replace("Checkout is down", subject)
        return written(read(header + field + body), words)

    return take


@pytest.fixture(scope="session")
def own(take: Callable[..., Written]) -> Own:
    """`own(body)` is the text of `take(body)`, its blank lines left out."""

    def own(body: str, kind: str = "text/plain", subject: str = "Checkout is down") -> str:
        lines = take(body, kind, subject).lines
        return "\n".join(line for line in lines if line.strip())

    return own
