"""The nouns of e-mail that every room shares: envelope, raw message, mail, outgoing mail, reply.

Frozen values only. How a `Mail` is made from octets is `parse`; how an `Outgoing` is made is `build`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Envelope:
    """The SMTP envelope (RFC 5321 §2.3.1).

    reverse_path: None is the null reverse-path `<>` (RFC 5321 §4.5.5).
    recipients: forward-paths as they were given, at least one.
    """

    reverse_path: str | None
    recipients: tuple[str, ...]


Standing = Literal["", "pass", "fail", "trouble", "refused"]
"""Whether From is genuine: proved, not proved, nobody could be asked; "" where nobody asked.

"refused": the mail was not taken, whatever the reason; it is here for the owner's sake alone.
"""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """What authentication found. results: the results in the words of RFC 8601, without our name."""

    standing: Standing
    results: str = ""


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A message as it came in, before anybody has looked into it.

    content: the octets, header section and body, CRLF line ends as received.
    received_at: aware, UTC.
    via: "smtp", "imap" or "file".
    client, helo: the SMTP client's address, and the name that it said; "" where there was none.
    """

    envelope: Envelope
    content: bytes
    received_at: datetime
    via: str = "smtp"
    client: str = ""
    helo: str = ""
    authenticated: Authenticated = Authenticated("")


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox: display name as written ("" where there is none) and addr-spec, never folded."""

    name: str
    address: str

    def __str__(self) -> str:
        return self.name or self.address


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply with its enhanced status code (RFC 5321 §4.2, RFC 3463).

    The class of the enhanced code is that of the code, so the two cannot disagree.
    """

    code: int
    subject: int
    detail: int
    text: str

    @property
    def positive(self) -> bool:
        """Whether the command was done (2yz)."""
        return self.code < 400

    @property
    def deferred(self) -> bool:
        """Whether it may work later (4yz)."""
        return 400 <= self.code < 500

    def __str__(self) -> str:
        return f"{self.code} {self.code // 100}.{self.subject}.{self.detail} {self.text}"


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nobody could be asked to take a mail: no connection, or the relay said 421."""

    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """One inline text part, decoded.

    html: whether the text is HTML.
    flowed, delsp: format=flowed and its DelSp parameter (RFC 3676).
    """

    text: str
    html: bool = False
    flowed: bool = False
    delsp: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient of whom a report says that a mail did not reach him (RFC 3464 §2.3).

    addresses: his address as sent to and as it was in the end, lower case. status: "5.1.1". delayed:
    somebody is still trying. why: the other server's words. complaint: it did reach him, and he calls
    it spam (RFC 5965). path: the reverse-path of the mail that he complains of.
    """

    addresses: tuple[str, ...]
    status: str
    delayed: bool = False
    why: str = ""
    complaint: bool = False
    path: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as far as it could be read; `defects` says what could not.

    message_id: without angle brackets, None where the mail has none.
    written_at: the Date field in its own zone, None where it has none that can be read.
    parts: the inline text parts in their order.
    marks: header fields that tell a machine's mail from a person's, name in lower case to value.
    failures: of a mail to our bounce address, whom it says that we did not reach.
    standing: whether From was found to be genuine when it came in.
    """

    envelope: Envelope
    received_at: datetime
    message_id: str | None
    author: Address
    subject: str
    written_at: datetime | None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    parts: tuple[Part, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    structure: str = ""
    defects: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    standing: Standing = ""

    def mark(self, name: str) -> str:
        """Give the value of a header field kept in `marks`, "" where the mail does not have it."""
        return next((value for key, value in self.marks if key == name), "")


Audience = Literal[
    "",
    "updates",
    "notes",
    "daily",
    "weekly",
    "daily-mime",
    "daily-plain",
    "weekly-mime",
    "weekly-plain",
    "monthly",
    "raised",
    "resolved",
]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that we owe: its octets, and whom it goes to.

    message_id: without angle brackets. reverse_path: None is the null one. recipients: addresses
    that get it in any case. audience: who of the roster gets it besides: "updates" all that take
    openings and updates, "notes" all that take every mail, "daily" and "weekly" all that take that
    digest as a summary, "daily-mime" and the like those who want the mails themselves, "monthly" all that take any digest, "raised" and "resolved" who wants to
    hear of that at once, "" nobody. severity: for subscribers who take only grave incidents; None goes to all. draft: whose
    reply to it completes a draft. about: counts it as a machine's answer to its recipient. once: a
    cause of which people hear once an hour; ever: once for all.
    """

    message_id: str
    content: bytes
    reverse_path: str | None
    kind: str
    recipients: tuple[str, ...] = ()
    audience: Audience = ""
    severity: int | None = None
    incident: str | None = None
    draft: str | None = None
    mail: int | None = None
    about: str = ""
    once: str = ""
    ever: bool = False
