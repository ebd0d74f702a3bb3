"""Stated values to events: what changes, and what a late mail may still change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from maild.incident.model import (
    ChannelsMoved,
    CommandTransferred,
    Declared,
    Happening,
    Incident,
    NextUpdatePromised,
    PhaseChanged,
    RoleAssigned,
    SeverityChanged,
    StartSet,
    UpdatePosted,
)
from maild.incident.people import merged, same_person
from maild.incident.verdict import PERSONAL, Stated
from maild.reading.reading import Person, Value

Says = tuple[tuple[str, Value | None], ...]
LATE_AFTER: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Writing:
    """The mail that states: its record, its author, and the moments that matter.

    at: when it counts (receipt). dated_at: its Date (of a completed draft, the completion's).
    """

    mail: int | None
    by: Person
    at: datetime
    dated_at: datetime


def declare(
    incident_id: str,
    stated: Stated,
    subject: str,
    subject_says: Says,
    writing: Writing,
    last_phase: int,
    missing: tuple[str, ...] = (),
) -> tuple[Happening, ...]:
    """Give the events of a new incident."""
    declared = Declared(
        writing.at,
        writing.mail,
        writing.by,
        incident_id,
        stated.summary,
        subject,
        subject_says,
        missing,
    )
    blank = Incident(incident_id, stated.summary, writing.at, writing.by)
    changed = tuple(changes(blank, stated, writing, frozenset(), last_phase))
    names = tuple(stated.values)
    posted = UpdatePosted(writing.at, writing.mail, writing.by, writing.dated_at, names)
    return (declared, *changed, posted)


def late_fields(incident: Incident, stated: Stated, writing: Writing) -> frozenset[str]:
    """Say in which fields a mail is late: newer mails have stated them since (section 8.14)."""
    if writing.dated_at > writing.at - LATE_AFTER:
        return frozenset()
    return frozenset(
        name
        for name in stated.values
        if name in incident.stated_at and writing.dated_at < incident.stated_at[name]
    )


def update(
    incident: Incident, stated: Stated, writing: Writing, last_phase: int, says: Says = ()
) -> tuple[Happening, ...]:
    """Give the events of an accepted update. says: what its subject states, once and for all."""
    late = late_fields(incident, stated, writing)
    changed = tuple(changes(incident, stated, writing, late, last_phase))
    if not late and "next_update" not in stated.values and incident.next_update_at is not None:
        changed += (NextUpdatePromised(writing.at, writing.mail, writing.by, None),)
    names = tuple(name for name in stated.values if name not in late)
    confirmed = not any(
        isinstance(e, SeverityChanged | PhaseChanged | CommandTransferred | ChannelsMoved)
        for e in changed
    )
    posted = UpdatePosted(
        writing.at, writing.mail, writing.by, writing.dated_at, names, confirmed and not late, says
    )
    return (*changed, posted)


def changes(
    incident: Incident, stated: Stated, writing: Writing, late: frozenset[str], last_phase: int
) -> Iterator[Happening]:
    """Give one event for each value that differs from the record and is not late."""
    head = (writing.at, writing.mail, writing.by)
    values = {name: value for name, value in stated.values.items() if name not in late}
    severity, phase, commander = (values.get(n) for n in ("severity", "phase", "commander"))
    if isinstance(severity, int) and severity != incident.severity:
        yield SeverityChanged(*head, incident.severity, severity)
    if isinstance(phase, int) and phase != incident.phase:
        yield PhaseChanged(*head, incident.phase, phase, phase == last_phase)
    if isinstance(commander, Person):
        person = _known(incident.commander, commander)
        if person != incident.commander:
            yield CommandTransferred(*head, incident.commander, person)
    places = values.get("channel")
    if isinstance(places, tuple) and places and places != incident.channels:
        yield ChannelsMoved(*head, incident.channels, tuple(str(p) for p in places))
    yield from _roles(incident, values, head)
    promised, started = values.get("next_update"), values.get("started_at")
    if isinstance(promised, datetime) and promised != incident.next_update_at:
        yield NextUpdatePromised(*head, promised)
    if isinstance(started, datetime) and started != incident.started_at:
        yield StartSet(*head, started)


def _known(old: Person | None, new: Person) -> Person:
    """Keep the fuller form where the commander is still the same person."""
    return merged(new, old) if old is not None and same_person(old, new) else new


def _roles(
    incident: Incident, values: dict[str, Value], head: tuple[datetime, int | None, Person]
) -> Iterator[Happening]:
    for role in (*PERSONAL, "experts"):
        value = values.get(role)
        people = (value,) if isinstance(value, Person) else value
        if isinstance(people, tuple) and people:
            named = tuple(p for p in people if isinstance(p, Person))
            was = incident.role(role)
            now = (*was, *(p for p in named if p not in was)) if role == "experts" else named
            if now != was:
                yield RoleAssigned(*head, role, was, now)
