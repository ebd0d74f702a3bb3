"""What is due, and when: updates of an incident, drafts that nobody completes (reading rules, 7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from maild.incident.entry import Draft
from maild.incident.hours import WorkingHours
from maild.incident.model import Incident
from maild.incident.verdict import VITAL
from maild.reading.rules import Cadence, Rules

Step = Literal["ask", "publish", "owner"]


@dataclass(frozen=True, slots=True)
class UpdateDue:
    """When the next update is due; promised: somebody named the time, else the cadence does."""

    at: datetime
    promised: bool


def update_due(incident: Incident, rules: Rules, hours: WorkingHours) -> UpdateDue | None:
    """Say when an update is due; None where none is: it is over, or its severity is not stated."""
    if not incident.is_open(rules.phase.last):
        return None
    if incident.next_update_at is not None:
        return UpdateDue(incident.next_update_at, True)
    if incident.severity is None:
        return None
    since = incident.last_update_at or incident.declared_at
    return UpdateDue(update_length(incident, since, rules, hours), False)


def update_length(
    incident: Incident, since: datetime, rules: Rules, hours: WorkingHours
) -> datetime:
    """Say when the time that an update may take ends, counted from a moment.

    A severity that is not stated is taken as the mildest: nobody is woken for a guess.
    """
    cadence = rules.policy.cadence
    severity = incident.severity
    milder = sum(severity is None or step.number < severity for step in rules.severity.step)
    minutes = cadence.update[min(milder, len(cadence.update) - 1)]
    times = cadence.slower_factor if incident.phase == cadence.slower_phase else 1
    if minutes == 0:
        day = hours.business_day_after(since.astimezone(hours.zone).date(), times)
        return hours.same_time_on(since, day)
    length = timedelta(minutes=minutes * times)
    if severity in cadence.working_hours:
        return hours.after(since, length)
    return since + length


def draft_step(
    draft: Draft, now: datetime, cadence: Cadence, publish_after: timedelta | None
) -> Step | None:
    """Say what is due for a held draft, None for nothing.

    First its author (and of an opening the owner) is asked; then an opening that states anything
    at all goes out as INCOMPLETE; where it states nothing, and for an update, the owner is told.
    publish_after: None is never.
    """
    age = now - draft.created_at
    if draft.state != "held" or draft.reminded >= 2:
        return None
    if draft.reminded == 0 and age >= timedelta(minutes=cadence.draft_reminder):
        return "ask"
    last = publish_after or timedelta(minutes=cadence.draft_publish)
    if draft.reminded == 1 and age >= last:
        states = any(name in draft.stated.values for name in (*VITAL, "channel"))
        goes_out = draft.kind == "opening" and publish_after is not None and states
        return "publish" if goes_out else "owner"
    return None
