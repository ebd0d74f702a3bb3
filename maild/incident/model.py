"""The incident: its state, the events that made it, and `evolve`, which folds one into the other.

Events are past tense and never change; folding all of an incident's events gives its row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, assert_never

from maild.incident.people import merged, same_person
from maild.reading.reading import Person, Value

NOTHING: Final[Mapping[str, datetime]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as it stands.

    id: "INC-2026-0007". severity, phase, commander: None while a published draft lacks them.
    subject: the opening's, as compared (lower case, without reply marks and tokens); subject_says:
    what its tags stated. stated_at: for each field the Date of the newest mail that stated it.
    people: everybody known here, for giving a bare name its address. last_update_at: the last
    update, notes do not count. resolved_at: when the last phase was reached.
    quiet_until: the commander asked not to be reminded before; reminders_stopped: not at all.
    archived: it came from an old archive and is history, until somebody writes to it.
    """

    id: str
    summary: str
    declared_at: datetime
    declared_by: Person
    severity: int | None = None
    phase: int | None = None
    commander: Person | None = None
    channels: tuple[str, ...] = ()
    roles: tuple[tuple[str, tuple[Person, ...]], ...] = ()
    people: tuple[Person, ...] = ()
    subject: str = ""
    subject_says: tuple[tuple[str, Value | None], ...] = ()
    stated_at: Mapping[str, datetime] = field(default_factory=dict)
    started_at: datetime | None = None
    next_update_at: datetime | None = None
    last_update_at: datetime | None = None
    commander_since: datetime | None = None
    resolved_at: datetime | None = None
    quiet_until: datetime | None = None
    reminders_stopped: bool = False
    mails: int = 0
    voided: bool = False
    archived: bool = False
    merged_into: str | None = None

    def role(self, name: str) -> tuple[Person, ...]:
        """Give who holds a role, () where nobody does."""
        return next((people for role, people in self.roles if role == name), ())

    def current(self) -> dict[str, Value]:
        """Give the state as values by field, without what is not stated yet."""
        found: dict[str, Value | None] = {
            "severity": self.severity,
            "phase": self.phase,
            "commander": self.commander,
        }
        values = {name: value for name, value in found.items() if value is not None}
        return {**values, "channel": self.channels} if self.channels else values

    def is_open(self, last_phase: int) -> bool:
        """Whether the response goes on: not in the last phase, voided or merged."""
        ended = self.voided or self.archived or self.merged_into is not None
        return not ended and self.phase != last_phase


@dataclass(frozen=True, slots=True)
class Event:
    """What all events have: when, by which mail (None: a command), and who wrote it."""

    at: datetime
    mail: int | None
    by: Person


@dataclass(frozen=True, slots=True)
class Declared(Event):
    """An opening was accepted, or published as incomplete; values follow as changes of their own."""

    id: str
    summary: str
    subject: str = ""
    subject_says: tuple[tuple[str, Value | None], ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeverityChanged(Event):
    """was: None where it was not stated before."""

    was: int | None
    now: int


@dataclass(frozen=True, slots=True)
class PhaseChanged(Event):
    """was: None where it was not stated before. last: whether `now` is the last phase."""

    was: int | None
    now: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class CommandTransferred(Event):
    """was: None where nobody was commander before."""

    was: Person | None
    now: Person


@dataclass(frozen=True, slots=True)
class ChannelsMoved(Event):
    """A new list of places replaces the old one."""

    was: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleAssigned(Event):
    """Somebody was named for a role; experts come as many."""

    role: str
    was: tuple[Person, ...]
    now: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class NextUpdatePromised(Event):
    """due_at: None takes an old promise back: the update came and promised nothing new."""

    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class StartSet(Event):
    """When the trouble began, in the author's words."""

    started_at: datetime


@dataclass(frozen=True, slots=True)
class UpdatePosted(Event):
    """An update counted.

    dated_at: its Date, or of a completed draft that of its completion. stated: its fields.
    confirmed: it changed nothing. says: what its subject's tags state; a reply that keeps that
    subject does not state it again.
    """

    dated_at: datetime
    stated: tuple[str, ...]
    confirmed: bool = False
    says: tuple[tuple[str, Value | None], ...] = ()


@dataclass(frozen=True, slots=True)
class NotePosted(Event):
    """A follow-up that states no state went to the list."""


@dataclass(frozen=True, slots=True)
class RemindersSnoozed(Event):
    """until: None stops them until somebody else takes command."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Voided(Event):
    """It was no incident; ended without a postmortem."""


@dataclass(frozen=True, slots=True)
class Archived(Event):
    """It was imported: nothing falls due for it. over: False ends that, somebody has updated it."""

    over: bool = True


@dataclass(frozen=True, slots=True)
class Merged(Event):
    """It goes on as another incident."""

    into: str


Happening = (
    Declared
    | SeverityChanged
    | PhaseChanged
    | CommandTransferred
    | ChannelsMoved
    | RoleAssigned
    | NextUpdatePromised
    | StartSet
    | UpdatePosted
    | NotePosted
    | RemindersSnoozed
    | Voided
    | Archived
    | Merged
)


def fold(events: Iterable[Happening]) -> Incident | None:
    """Give the incident that a list of events makes, None for an empty list."""
    incident = None
    for event in events:
        incident = evolve(incident, event)
    return incident


def evolve(incident: Incident | None, event: Happening) -> Incident:
    """Give the incident after an event. Raises ValueError where the first is no declaration."""
    if isinstance(event, Declared):
        return _declared(event)
    if incident is None:
        raise ValueError(f"{type(event).__name__} before any declaration")
    match event:
        case SeverityChanged():
            return replace(incident, severity=event.now)
        case PhaseChanged():
            return replace(incident, phase=event.now, resolved_at=event.at if event.last else None)
        case CommandTransferred():
            return _commanded(incident, event)
        case ChannelsMoved():
            return replace(incident, channels=event.now)
        case RoleAssigned():
            return _assigned(incident, event)
        case NextUpdatePromised():
            return replace(incident, next_update_at=event.due_at)
        case StartSet():
            return replace(incident, started_at=event.started_at)
        case UpdatePosted():
            return _updated(incident, event)
        case NotePosted():
            people = acquainted(incident.people, event.by)
            return replace(incident, mails=incident.mails + 1, people=people)
        case RemindersSnoozed():
            stopped = event.until is None
            return replace(incident, quiet_until=event.until, reminders_stopped=stopped)
        case Voided():
            return replace(incident, voided=True)
        case Archived():
            return replace(incident, archived=event.over)
        case Merged():
            return replace(incident, merged_into=event.into)
        case _:
            assert_never(event)


def _declared(event: Declared) -> Incident:
    return Incident(
        id=event.id,
        summary=event.summary,
        declared_at=event.at,
        declared_by=event.by,
        people=acquainted((), event.by),
        subject=event.subject,
        subject_says=event.subject_says,
    )


def _commanded(incident: Incident, event: CommandTransferred) -> Incident:
    people = acquainted(incident.people, event.now)
    same = incident.commander is not None and same_person(incident.commander, event.now)
    since = incident.commander_since if same else event.at
    return replace(
        incident,
        commander=event.now,
        commander_since=since,
        people=people,
        reminders_stopped=incident.reminders_stopped and same,
    )


def _assigned(incident: Incident, event: RoleAssigned) -> Incident:
    others = tuple(pair for pair in incident.roles if pair[0] != event.role)
    people = incident.people
    for person in event.now:
        people = acquainted(people, person)
    return replace(incident, roles=(*others, (event.role, event.now)), people=people)


def _updated(incident: Incident, event: UpdatePosted) -> Incident:
    stated_at = dict(incident.stated_at)
    for name in event.stated:
        stated_at[name] = max(event.dated_at, stated_at.get(name, event.dated_at))
    return replace(
        incident,
        stated_at=stated_at,
        last_update_at=event.at,
        quiet_until=None,
        mails=incident.mails + 1,
        people=acquainted(incident.people, event.by),
        subject_says=tuple(dict.fromkeys((*incident.subject_says, *event.says))),
    )


def acquainted(people: tuple[Person, ...], person: Person) -> tuple[Person, ...]:
    """Remember a person; one known by address is kept once, in the fullest form."""
    for i, known in enumerate(people):
        both = known.address and person.address
        if (both and known.address == person.address) or (not both and same_person(known, person)):
            return (*people[:i], merged(known, person), *people[i + 1 :])
    return (*people, person)
