"""The course of an incident: how grave it was, and for how long."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from maild.incident.course import Span, course
from maild.incident.model import Declared, Happening, PhaseChanged, SeverityChanged
from maild.reading.reading import Person

NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEVIN = Person("Kevin", "kevin@example.com")


def at(hours: int) -> datetime:
    return NOON + hours * HOUR


def spans(events: Sequence[Happening], since: int, until: int) -> list[tuple[int, int, int | None]]:
    found = course(events, at(since), at(until))
    return [((s.begin - NOON) // HOUR, (s.end - NOON) // HOUR, s.severity) for s in found]


OPENED = (
    Declared(at(0), 1, KEVIN, "INC-2026-0001", "Odd"),
    SeverityChanged(at(0), 1, KEVIN, None, 2),
    PhaseChanged(at(0), 1, KEVIN, None, 1),
)
RAISED = SeverityChanged(at(2), 2, KEVIN, 2, 1)
OVER = PhaseChanged(at(5), 3, KEVIN, 1, 3, last=True)


def test_each_severity_has_its_span() -> None:
    assert spans((*OPENED, RAISED), -1, 4) == [(0, 2, 2), (2, 4, 1)]


def test_a_period_cuts_what_began_before_it() -> None:
    assert spans((*OPENED, RAISED), 1, 3) == [(1, 2, 2), (2, 3, 1)]


def test_what_is_over_has_no_span() -> None:
    assert spans((*OPENED, RAISED, OVER), 3, 9) == [(3, 5, 1)]


def test_what_is_reopened_goes_on() -> None:
    again = PhaseChanged(at(7), 4, KEVIN, 3, 1)
    assert spans((*OPENED, OVER, again), 0, 9) == [(0, 5, 2), (7, 9, 2)]


def test_a_change_of_phase_alone_cuts_nothing() -> None:
    assert spans((*OPENED, PhaseChanged(at(3), 2, KEVIN, 1, 2)), 0, 4) == [(0, 4, 2)]


def test_a_severity_that_nobody_stated_is_none() -> None:
    assert course(OPENED[:1], at(0), at(1)) == (Span(at(0), at(1), None),)
