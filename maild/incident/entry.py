"""What thinking about one mail results in: verdict, events, drafts, and who hears what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from maild.incident.model import Happening, Incident
from maild.incident.verdict import Finding, Kind, Stated
from maild.mail.message import Address
from maild.reading.reading import Person, Value
from maild.roster.bouncing import Bouncing
from maild.roster.effects import Result
from maild.roster.subscription import Confirmation, RosterChange

Verdict = Literal["accepted", "rejected", "ignored", "duplicate", "command", "shunted"]
MailKind = Literal[
    "opening",
    "update",
    "note",
    "completion",
    "automatic",
    "command",
    "check",
    "owner",
    "refused",
    "canary",
    "",
]
DraftState = Literal["held", "completed", "withdrawn", "published"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A rejected mail, kept until it is completed, withdrawn or published.

    mail: its record; completions: the records of the mails that completed it so far, with
    `prose` those among them that say more than fields; notes: mails that wait with it.
    base: severity, phase and commander on record when its last letter was written.
    reminded: how many times somebody was asked again.
    """

    token: str
    mail: int
    kind: Kind
    incident: str | None
    author: Address
    stated: Stated
    subject: str
    subject_says: tuple[tuple[str, Value | None], ...]
    created_at: datetime
    base: tuple[Value | None, ...] = ()
    completions: tuple[int, ...] = ()
    prose: tuple[int, ...] = ()
    notes: tuple[int, ...] = ()
    state: DraftState = "held"
    reminded: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One line of "was -> now"."""

    field: str
    was: Value | None
    now: Value


@dataclass(frozen=True, slots=True)
class Stamp:
    """What stands on top of a copy: the state after the mail, and what is special about it.

    special: "new", "changed", "confirmed", "note", "late", "completed", "incomplete" or "".
    by: who changed it; at: when. words: what completed a draft, as written.
    """

    incident: Incident
    kind: Literal["opening", "update", "note"]
    special: str
    by: Person
    at: datetime
    dated_at: datetime
    changes: tuple[Change, ...] = ()
    words: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """Send a mail on record to the list. also: addresses that get it whatever their mode is."""

    mail: int
    stamp: Stamp
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A validation reply: ask a draft's author for what is missing or unclear.

    incident: of an update, the incident as it stands. changed: the state is no longer the one that
    the last letter showed, so "same" did not count.
    """

    draft: Draft
    findings: tuple[Finding, ...]
    to: Address
    mail: int
    incident: Incident | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Tell the author of an accepted mail its number, one piece of advice, and what looks like it.

    readers: how many on the roster get it.
    """

    to: Address
    mail: int
    incident: Incident
    advice: str = ""
    likely: tuple[tuple[str, str], ...] = ()
    readers: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """A short letter to one person: "completed_by", "late", "unknown", "withdrawn"."""

    about: str
    to: Address
    mail: int
    incident: Incident | None = None
    name: str = ""
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnerWord:
    """A letter to the owner: "cap" (too many answers to one author), "shunted", ...

    once: the cause of which he hears once an hour, "" where each is news; ever: once for all.
    """

    about: str
    name: str
    mail: int | None = None
    detail: str = ""
    once: str = ""
    ever: bool = False


@dataclass(frozen=True, slots=True)
class DryRun:
    """Tell an author what his mail to the check address would have done."""

    to: Address
    mail: int
    stated: Stated
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Forward:
    """Hand a mail on record to the owner, as it came."""

    mail: int


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """Answer a mail of commands, line by line.

    confirm: the token of what waits for the author's answer, "" for nothing. leave: the token that
    takes him off the roster. lost: he needs to be shown what can be written.
    """

    to: Address
    mail: int
    results: tuple[Result, ...]
    confirm: str = ""
    leave: str = ""
    lost: bool = False
    may_post: bool = True


@dataclass(frozen=True, slots=True)
class Paused:
    """Tell a subscriber, once, that he gets no copies for now. why: the other server's words."""

    address: str
    why: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """Tell the commander that a liaison has not got a copy. to: None is the owner instead."""

    to: Address | None
    whom: Person
    role: str
    incident: Incident
    why: str


@dataclass(frozen=True, slots=True)
class Fallout:
    """What a failed delivery changes.

    bouncing: the recipient's bounces now, None where they do not change. pause: whether he gets no
    copies from now on. reply: what the delivery's record says from now on, "" where it says it already.
    arrived: it did not fail; its recipient complains of it.
    """

    delivery: int
    recipient: str
    bouncing: Bouncing | None = None
    pause: bool = False
    reply: str = ""
    arrived: bool = False


Answer = Question | Receipt | Word | DryRun | CommandAnswer
Notice = Answer | Copy | OwnerWord | Forward | Paused | Unreached


def about(notice: Answer) -> str:
    """Name what an answer is about, for the cap on answers about the same thing."""
    match notice:
        case Question():
            fields = ",".join(f"{f.field}={f.trouble}" for f in notice.findings)
            return f"{notice.draft.incident or notice.draft.token} {fields}"
        case Receipt():
            return f"{notice.incident.id} receipt"
        case Word():
            return f"{notice.about} {notice.name}"
        case DryRun():
            return "check"
        case CommandAnswer():
            # The same help or question again and again is a loop; looking twice at the status is none.
            if notice.lost or notice.confirm:
                return f"command {'; '.join(result.line for result in notice.results)}"
            return f"command {notice.mail}"
        case _:
            assert_never(notice)


@dataclass(frozen=True, slots=True)
class Entry:
    """All that one mail changes; entered in one transaction.

    incident: after the events, None where the mail belongs to none. stated: what the mail states
    (of a completion, what the completed mail states). reason: why it was ignored or rejected.
    roster: what changes on it. asks: a change that waits for an answer; confirmed: the token of one
    that has its answer. fallout: what it tells of deliveries that failed. resumes: a paused subscriber
    who gets copies again. canary: the number of a canary of ours that it is.
    """

    verdict: Verdict
    kind: MailKind
    reason: str = ""
    incident: Incident | None = None
    incident_id: str | None = None
    stated: Stated | None = None
    findings: tuple[Finding, ...] = ()
    events: tuple[Happening, ...] = ()
    draft: Draft | None = None
    notices: tuple[Notice, ...] = ()
    roster: tuple[RosterChange, ...] = ()
    asks: Confirmation | None = None
    confirmed: str = ""
    fallout: tuple[Fallout, ...] = ()
    resumes: str | None = None
    canary: int | None = None
