"""Who is to be nudged, and why: an update, a handoff, a postmortem is due (reading rules, 7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from maild.incident.cadence import UpdateDue, update_due, update_length
from maild.incident.hours import WorkingHours
from maild.incident.model import Incident
from maild.reading.rules import Rules

Kind = Literal["update", "handoff", "postmortem"]


@dataclass(frozen=True, slots=True)
class Nudge:
    """One reminder that is due.

    cause: what it is about; the same kind, cause and step is sent once. step: 1, or 2 for the last
    one. due: the update that is due; next_at: when we ask again, None for never. to_list: whether
    the thread and the liaisons hear too.
    """

    kind: Kind
    cause: datetime
    step: int
    due: UpdateDue | None = None
    next_at: datetime | None = None
    to_list: bool = False


def nudges(
    incident: Incident, now: datetime, rules: Rules, hours: WorkingHours
) -> tuple[Nudge, ...]:
    """List what is due for an incident at a moment; of two steps that are due, the last."""
    due = {nudge.kind: nudge for at, nudge in _timetable(incident, rules, hours) if at <= now}
    return tuple(due.values())


def next_nudge_at(
    incident: Incident, now: datetime, rules: Rules, hours: WorkingHours
) -> datetime | None:
    """Say when something more falls due, as long as nothing changes; None for never."""
    return min((at for at, _ in _timetable(incident, rules, hours) if at > now), default=None)


def _timetable(
    incident: Incident, rules: Rules, hours: WorkingHours
) -> Iterator[tuple[datetime, Nudge]]:
    """List which nudge is due from when on; those of one kind in order."""
    if incident.voided or incident.merged_into is not None:
        return
    if not incident.is_open(rules.phase.last):
        yield from _postmortem(incident, rules, hours)
    elif not incident.reminders_stopped:
        quiet = incident.quiet_until
        for at, nudge in (*_update(incident, rules, hours), *_handoff(incident, rules)):
            yield (max(at, quiet) if quiet else at), nudge


def _update(
    incident: Incident, rules: Rules, hours: WorkingHours
) -> Iterator[tuple[datetime, Nudge]]:
    due = update_due(incident, rules, hours)
    if due is None:
        return
    last_at = update_length(incident, due.at, rules, hours)
    yield due.at, Nudge("update", due.at, 1, due, last_at)
    grave = incident.severity in rules.policy.cadence.escalate_severities
    yield last_at, Nudge("update", due.at, 2, due, None, grave)


def _handoff(incident: Incident, rules: Rules) -> Iterator[tuple[datetime, Nudge]]:
    cadence = rules.policy.cadence
    since = incident.commander_since
    if since is not None and incident.severity in cadence.handoff_severities:
        yield since + timedelta(hours=cadence.handoff_hours), Nudge("handoff", since, 1)


def _postmortem(
    incident: Incident, rules: Rules, hours: WorkingHours
) -> Iterator[tuple[datetime, Nudge]]:
    over = incident.resolved_at
    if over is not None:
        yield postmortem_at(over, rules, hours), Nudge("postmortem", over, 1)


def postmortem_at(resolved_at: datetime, rules: Rules, hours: WorkingHours) -> datetime:
    """Say when the draft of a postmortem is due: the morning of the business day that rules name."""
    days = rules.policy.cadence.postmortem_business_days
    day = hours.business_day_after(resolved_at.astimezone(hours.zone).date(), days)
    begins = datetime.combine(day, hours.begin or time(9), hours.zone)
    return begins.astimezone(resolved_at.tzinfo)
