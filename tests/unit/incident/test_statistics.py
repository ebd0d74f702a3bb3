"""Months in figures: what counts, how long it took, who was in command."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from maild.edge.files import load_rules
from maild.incident.digest import History
from maild.incident.model import (
    CommandTransferred,
    Declared,
    Happening,
    PhaseChanged,
    SeverityChanged,
    StartSet,
    Voided,
)
from maild.incident.statistics import Month, lengths, month
from maild.reading.reading import Person

RULES = load_rules()
OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEVIN = Person("Kevin Riggle", "kevin@example.com")
ANA = Person("Ana Silva", "ana@example.com")


def opened(at: datetime, number: int = 1) -> tuple[Happening, ...]:
    return (
        Declared(at, number, KEVIN, f"INC-2026-{number:04}", "Odd"),
        SeverityChanged(at, number, KEVIN, None, 2),
        PhaseChanged(at, number, KEVIN, None, 1),
        CommandTransferred(at, number, KEVIN, None, KEVIN),
    )


def resolved(at: datetime, after: timedelta, number: int = 1) -> tuple[Happening, ...]:
    return (*opened(at, number), PhaseChanged(at + after, 9, KEVIN, 1, 3, last=True))


def october(*incidents: Sequence[Happening]) -> Month:
    histories = [History(tuple(events)) for events in incidents]
    return month(histories, OCTOBER, NOVEMBER, NOVEMBER, RULES)


def test_an_incident_counts_in_the_month_of_its_declaration() -> None:
    before = opened(OCTOBER - HOUR)
    assert len(october(before, opened(NOON, 2), opened(NOVEMBER, 3)).cases) == 1


def test_a_withdrawn_incident_is_none() -> None:
    assert october((*opened(NOON), Voided(NOON + HOUR, None, KEVIN))).cases == ()


def test_the_gravest_severity_counts() -> None:
    found = october(
        (
            *opened(NOON),
            SeverityChanged(NOON + HOUR, 2, KEVIN, 2, 1),
            SeverityChanged(NOON + 2 * HOUR, 3, KEVIN, 1, 3),
        )
    )
    assert dict(found.severities) == {1: 1, 2: 0, 3: 0, 4: 0}


def test_lengths_count_from_the_declaration_and_to_declare_from_the_start() -> None:
    (case,) = october(
        (
            *opened(NOON),
            StartSet(NOON, 1, KEVIN, NOON - HOUR),
            PhaseChanged(NOON + 2 * HOUR, 2, KEVIN, 1, 2),
            PhaseChanged(NOON + 3 * HOUR, 3, KEVIN, 2, 3, last=True),
        )
    ).cases
    assert (case.to_declare, case.to_mitigate, case.to_resolve) == (HOUR, 2 * HOUR, 3 * HOUR)


def test_what_is_resolved_at_once_was_mitigated_then_too() -> None:
    (case,) = october(resolved(NOON, HOUR)).cases
    assert case.to_mitigate == case.to_resolve == HOUR


def test_mean_and_median_are_of_what_is_known() -> None:
    found = lengths([HOUR, None, 2 * HOUR, 6 * HOUR])
    assert found is not None
    assert (found.count, found.mean, found.median) == (3, 3 * HOUR, 2 * HOUR)
    assert lengths([None]) is None


def test_hours_in_command_end_with_a_handoff_and_with_the_incident() -> None:
    found = october(
        (
            *opened(NOON),
            CommandTransferred(NOON + HOUR, 2, ANA, KEVIN, ANA),
            PhaseChanged(NOON + 4 * HOUR, 3, ANA, 1, 3, last=True),
        ),
        resolved(NOON, HOUR, 2),
    )
    assert found.command == ((ANA, 3 * HOUR), (KEVIN, 2 * HOUR))


def test_hours_in_command_of_an_older_incident_are_those_within_the_month() -> None:
    found = october(resolved(OCTOBER - 5 * HOUR, 7 * HOUR))
    assert found.cases == ()
    assert found.command == ((KEVIN, 2 * HOUR),)
