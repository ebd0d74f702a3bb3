"""What a copy says on top: the state after the mail, what changed, who wrote it; and who must hear."""

from collections.abc import Iterable

from maild.incident.decide import Writing
from maild.incident.entry import Change, Copy, Stamp
from maild.incident.model import (
    ChannelsMoved,
    CommandTransferred,
    Happening,
    Incident,
    NotePosted,
    PhaseChanged,
    SeverityChanged,
    evolve,
)
from maild.incident.people import same_person
from maild.reading.reading import Person

LIAISONS = ("customer_liaison", "business_liaison")


def followed(incident: Incident, events: Iterable[Happening]) -> Incident:
    """Give the incident after further events."""
    for event in events:
        incident = evolve(incident, event)
    return incident


def update_stamp(
    incident: Incident, events: Iterable[Happening], writing: Writing, *, late: bool
) -> Stamp:
    """Stamp an update: what changed, or that nothing did, or that it came late."""
    changes = tuple(changes_of(events))
    special = "late" if late else "changed" if changes else "confirmed"
    return Stamp(incident, "update", special, writing.by, writing.at, writing.dated_at, changes)


def opening_stamp(incident: Incident, writing: Writing, words: str, special: str = "new") -> Stamp:
    """Stamp an opening; words are the completion's, "" where it was complete at once."""
    special = "completed" if words else special
    return Stamp(incident, "opening", special, writing.by, writing.at, writing.dated_at, (), words)


def changes_of(events: Iterable[Happening]) -> Iterable[Change]:
    """List the changes of state among events."""
    for event in events:
        if isinstance(event, SeverityChanged):
            yield Change("severity", event.was, event.now)
        elif isinstance(event, PhaseChanged):
            yield Change("phase", event.was, event.now)
        elif isinstance(event, CommandTransferred):
            if event.was is None or not same_person(event.was, event.now):
                yield Change("commander", event.was, event.now)
        elif isinstance(event, ChannelsMoved):
            yield Change("channel", event.was or None, event.now)


def note(mail: int, writing: Writing, incident: Incident) -> tuple[NotePosted, Incident, Copy]:
    """Send a note: the event, the incident after it, and the copy with the current state."""
    event = NotePosted(writing.at, mail, writing.by)
    after = evolve(incident, event)
    stamp = Stamp(after, "note", "note", writing.by, writing.at, writing.dated_at)
    return event, after, Copy(mail, stamp, listeners(after, None))


def listeners(after: Incident, before: Incident | None) -> tuple[str, ...]:
    """List who gets each copy whatever his mode: commanders old and new, and the liaisons."""
    people: list[Person | None] = [after.commander, before.commander if before else None]
    for role in LIAISONS:
        people += after.role(role)
    addresses = [p.address for p in people if p and p.address and not p.address.startswith("@")]
    return tuple(dict.fromkeys(address.lower() for address in addresses))
