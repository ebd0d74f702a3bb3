"""An incident's course: how grave it was, and for how long, over a period."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from maild.incident.model import (
    Declared,
    Happening,
    Merged,
    PhaseChanged,
    SeverityChanged,
    Voided,
)


@dataclass(frozen=True, slots=True)
class Span:
    """How grave an incident was for a while. severity: None is not stated."""

    begin: datetime
    end: datetime
    severity: int | None


def course(events: Iterable[Happening], since: datetime, until: datetime) -> tuple[Span, ...]:
    """Give the spans of a period, in their order; where it was not open there is none."""
    found: list[Span] = []
    for span in _spans(events, until):
        begin, end = max(span.begin, since), min(span.end, until)
        if begin >= end:
            continue
        if found and found[-1].severity == span.severity and found[-1].end == begin:
            begin = found.pop().begin
        found.append(Span(begin, end, span.severity))
    return tuple(found)


def _spans(events: Iterable[Happening], until: datetime) -> Iterator[Span]:
    """Cut the whole life at every event that changes the severity, begins it or ends it."""
    severity: int | None = None
    begin: datetime | None = None
    for event in events:
        if begin is not None and isinstance(
            event, SeverityChanged | PhaseChanged | Voided | Merged
        ):
            yield Span(begin, event.at, severity)
            begin = event.at
        match event:
            case Declared():
                begin = event.at
            case SeverityChanged():
                severity = event.now
            case PhaseChanged():
                begin = None if event.last else event.at
            case Voided() | Merged():
                begin = None
    if begin is not None:
        yield Span(begin, until, severity)
