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


def nudges(incident: Incident, now: datetime, rules: Rules, hours: WorkingHours) -> Iterator[Nudge]:
    """List what is due for an incident at a moment; of two steps that are due, the last."""
    if incident.voided or incident.merged_into is not None:
        return
    if not incident.is_open(rules.phase.last):
        yield from _postmortem(incident, now, rules, hours)
        return
    if incident.reminders_stopped or (incident.quiet_until and now < incident.quiet_until):
        return
    yield from _update(incident, now, rules, hours)
    yield from _handoff(incident, now, rules)


def _update(
    incident: Incident, now: datetime, rules: Rules, hours: WorkingHours
) -> Iterator[Nudge]:
    due = update_due(incident, rules, hours)
    if due is None or now < due.at:
        return
    last_at = update_length(incident, due.at, rules, hours)
    if now < last_at:
        yield Nudge("update", due.at, 1, due, last_at)
    else:
        grave = incident.severity in rules.policy.cadence.escalate_severities
        yield Nudge("update", due.at, 2, due, None, grave)


def _handoff(incident: Incident, now: datetime, rules: Rules) -> Iterator[Nudge]:
    cadence = rules.policy.cadence
    since = incident.commander_since
    if since is None or incident.severity not in cadence.handoff_severities:
        return
    if now >= since + timedelta(hours=cadence.handoff_hours):
        yield Nudge("handoff", since, 1)


def _postmortem(
    incident: Incident, now: datetime, rules: Rules, hours: WorkingHours
) -> Iterator[Nudge]:
    if incident.resolved_at is not None and now >= postmortem_at(
        incident.resolved_at, rules, hours
    ):
        yield Nudge("postmortem", incident.resolved_at, 1)


def postmortem_at(resolved_at: datetime, rules: Rules, hours: WorkingHours) -> datetime:
    """Say when the draft of a postmortem is due: the morning of the business day that rules name."""
    days = rules.policy.cadence.postmortem_business_days
    day = hours.business_day_after(resolved_at.astimezone(hours.zone).date(), days)
    begins = datetime.combine(day, hours.begin or time(9), hours.zone)
    return begins.astimezone(resolved_at.tzinfo)
