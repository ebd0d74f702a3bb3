"""Months in figures: how many incidents, how grave, how long they took, who was in command."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from maild.incident.digest import History, Promises, promises
from maild.incident.model import (
    CommandTransferred,
    Happening,
    Incident,
    Merged,
    PhaseChanged,
    SeverityChanged,
    Voided,
    fold,
)
from maild.incident.people import merged, same_person
from maild.reading.reading import Person
from maild.reading.rules import Rules


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long something took, of those incidents where it is known."""

    count: int
    mean: timedelta
    median: timedelta


@dataclass(frozen=True, slots=True)
class Case:
    """One incident in figures.

    gravest: the worst severity that it reached, None where none was stated. to_declare: from the start
    that people named to the declaration; to_mitigate, to_resolve: from the declaration. None: unknown,
    or not yet.
    """

    incident: Incident
    gravest: int | None
    to_declare: timedelta | None
    to_mitigate: timedelta | None
    to_resolve: timedelta | None
    promises: Promises


@dataclass(frozen=True, slots=True)
class Month:
    """The incidents declared in a month, and who was in command within it, the longest first.

    severities: how many incidents reached at most each severity of the scale, worst first.
    """

    begin: datetime
    end: datetime
    cases: tuple[Case, ...]
    severities: tuple[tuple[int, int], ...]
    open: int
    to_declare: Lengths | None
    to_mitigate: Lengths | None
    to_resolve: Lengths | None
    promises: Promises
    command: tuple[tuple[Person, timedelta], ...]


def month(
    histories: Iterable[History], begin: datetime, end: datetime, now: datetime, rules: Rules
) -> Month:
    """Count a month, with what is known at `now`; withdrawn and merged incidents are none."""
    until = min(end, now)
    found = list(histories)
    cases = tuple(
        sorted(
            (case for history in found if (case := _case(history, begin, end, now, rules))),
            key=lambda case: (case.incident.declared_at, case.incident.id),
        )
    )
    return Month(
        begin=begin,
        end=end,
        cases=cases,
        severities=tuple(
            (step.number, sum(case.gravest == step.number for case in cases))
            for step in rules.severity.step
        ),
        open=sum(case.incident.is_open(rules.phase.last) for case in cases),
        to_declare=lengths(case.to_declare for case in cases),
        to_mitigate=lengths(case.to_mitigate for case in cases),
        to_resolve=lengths(case.to_resolve for case in cases),
        promises=sum((case.promises for case in cases), Promises()),
        command=_command((history.events for history in found), begin, until),
    )


def lengths(found: Iterable[timedelta | None]) -> Lengths | None:
    """Give mean and median; None where nothing is known."""
    known = sorted(length for length in found if length is not None)
    if not known:
        return None
    middle = len(known) // 2
    median = known[middle] if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
    return Lengths(len(known), sum(known, timedelta()) / len(known), median)


def _case(
    history: History, begin: datetime, end: datetime, now: datetime, rules: Rules
) -> Case | None:
    events = [event for event in history.events if event.at <= now]
    # An incident begins with its declaration; those of other months are not folded.
    if not events or not begin <= events[0].at < end:
        return None
    incident = fold(events)
    if incident is None or incident.voided or incident.merged_into is not None:
        return None
    declared, started = incident.declared_at, incident.started_at
    graded = [event.now for event in events if isinstance(event, SeverityChanged)]
    # The phase before the last is the one in which the harm has stopped.
    sound = [e.at for e in events if isinstance(e, PhaseChanged) and e.now >= rules.phase.last - 1]
    return Case(
        incident=incident,
        gravest=min(graded, default=None),
        to_declare=declared - started if started is not None and started <= declared else None,
        to_mitigate=sound[0] - declared if sound else None,
        to_resolve=incident.resolved_at - declared if incident.resolved_at is not None else None,
        promises=promises(events, now),
    )


def _command(
    incidents: Iterable[Sequence[Happening]], begin: datetime, until: datetime
) -> tuple[tuple[Person, timedelta], ...]:
    """Add up who commanded for how long within a span, over all incidents."""
    total: list[tuple[Person, timedelta]] = []
    for events in incidents:
        for who, since, to in _commands(events, until):
            length = min(to, until) - max(since, begin)
            if length <= timedelta():
                continue
            at = next((i for i, (known, _) in enumerate(total) if same_person(known, who)), None)
            if at is None:
                total.append((who, length))
            else:
                total[at] = (merged(total[at][0], who), total[at][1] + length)
    return tuple(sorted(total, key=lambda pair: (-pair[1], str(pair[0]))))


def _commands(
    events: Sequence[Happening], until: datetime
) -> Iterator[tuple[Person, datetime, datetime]]:
    """Give each command of an incident: who, since when, until when."""
    who: Person | None = None
    since: datetime | None = None
    for event in events:
        ends = isinstance(event, Voided | Merged) or (
            isinstance(event, PhaseChanged) and event.last
        )
        begins = isinstance(event, CommandTransferred | PhaseChanged) and not ends
        if (
            who is not None
            and since is not None
            and (ends or isinstance(event, CommandTransferred))
        ):
            yield who, since, event.at
            since = None
        if isinstance(event, CommandTransferred):
            who = event.now
        if begins and who is not None and since is None:
            since = event.at
    if who is not None and since is not None:
        yield who, since, until
