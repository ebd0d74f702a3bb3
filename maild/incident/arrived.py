"""What a thought is about: a mail that was read, what is on record for it, how the list is run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from maild.incident.decide import Writing
from maild.incident.draft import by_of
from maild.incident.entry import Draft
from maild.incident.model import Incident
from maild.incident.undelivered import Sent
from maild.incident.verdict import Stated, judged_at
from maild.mail.message import Mail
from maild.mail.tokens import BounceName
from maild.reading.reading import Person
from maild.reading.report import Report
from maild.reading.rules import Rules
from maild.roster.commands import Confirm, Line
from maild.roster.posting import Room
from maild.roster.subscription import Confirmation, Subscription

FollowUps = Literal["updates", "strict", "carry"]
Receipts = Literal["openings", "always", "never"]
Reminded = Literal["", "fresh", "stale"]
Paused = Literal["", "paused", "answered"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How this list is run: the parts of the configuration that a thought depends on.

    ours: the list's own addresses, lower case. machines: authors that are programs, lower case.
    history: the mails come from an archive; nothing falls due for what they open.
    """

    rules: Rules
    address: str
    ours: frozenset[str]
    follow_ups: FollowUps = "updates"
    receipts: Receipts = "openings"
    machines: frozenset[str] = frozenset()
    history: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What is on record and matters for this mail.

    incident: of the thread, None for none. draft: the held draft that it answers. unknown: the
    incident or draft that it names and that is not on record. year, next_number: of a new incident.
    likely: open incidents with a like subject, (id, summary). about: how many answers this author
    got in 24 h, by what they were about; answers: machine mails to him in the last hour. told: of
    what the owner has heard this hour. forwards: mails handed to him in the last hour. late: what the
    late mail states that it is about, where it answers our letter on that. reminded: whether it
    answers a reminder, "stale" where somebody has changed the state since. readers: how many on the
    roster get openings. subscription: the author's. confirmation: the change of the roster that the
    mail says yes to. sent: what a bounce address names, None where it bears no token of ours. paused:
    this author is a subscriber who gets no copies for now; "answered" where he answers our letter on
    that. version: of the incident, to see at the end whether somebody else has changed it meanwhile.
    """

    year: int
    next_number: int
    incident: Incident | None = None
    draft: Draft | None = None
    unknown: str | None = None
    duplicate_of: int | None = None
    likely: tuple[tuple[str, str], ...] = ()
    about: Mapping[str, int] = field(default_factory=dict)
    answers: int = 0
    told: frozenset[str] = frozenset()
    forwards: int = 0
    late: Stated | None = None
    reminded: Reminded = ""
    readers: int = 0
    subscription: Subscription | None = None
    confirmation: Confirmation | None = None
    sent: Sent | None = None
    paused: Paused = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail that was read: its record's number, and a token for the draft it may become.

    room: which of our addresses it came to. may_post: whether its author may post. trusted: whether
    his domain is. lines: what it says as a mail of commands. confirm, leave: tokens for a change of
    the roster that it asks for, and for its author to leave the roster. genuine: whether From is
    believed. bounce: what the bounce address that it came to names. canary: the number of a canary of
    ours that it is, None for any other mail.
    """

    number: int
    mail: Mail
    report: Report
    token: str
    room: Room = "posting"
    may_post: bool = True
    trusted: bool = False
    lines: tuple[Line, ...] = ()
    confirm: str = ""
    leave: str = ""
    genuine: bool = True
    bounce: BounceName | None = None
    canary: int | None = None

    @property
    def confirms(self) -> bool:
        """Whether it says yes to what a mail of ours has asked."""
        return any(isinstance(line.command, Confirm) for line in self.lines)

    @property
    def author(self) -> Person:
        """The author as a person."""
        return by_of(self.mail.author)

    def writing(self) -> Writing:
        """Give the moments of this mail as a statement."""
        received_at = self.mail.received_at
        dated_at = judged_at(self.mail.written_at, received_at)
        return Writing(self.number, self.author, received_at, dated_at)
