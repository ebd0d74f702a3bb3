"""When digests are due: "daily 09:00", "weekly monday 09:00", "every 4 h", in a zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = re.compile(r"(\d\d):(\d\d)$")


@dataclass(frozen=True, slots=True)
class Schedule:
    """at: the time of day. weekday: 0 is Monday, None every day. hours: every so many, from midnight."""

    zone: tzinfo
    at: time = time(9)
    weekday: int | None = None
    hours: int = 0

    def last(self, now: datetime) -> datetime:
        """Give the latest moment of the schedule that is not after `now`; aware, UTC.

        A time of day that a change of the clock leaves out comes an hour later; one that comes
        twice counts the first time.
        """
        day = now.astimezone(self.zone).date()
        for back in range(15):
            moments = [self._utc(day - timedelta(days=back), at) for at in self._times()]
            ours = [m for m in moments if m <= now and self._on(m)]
            if ours:
                return max(ours)
        raise ValueError("a schedule has a moment in every fortnight")

    def before(self, moment: datetime) -> datetime:
        """Give the moment of the schedule before one of its moments."""
        return self.last(moment - timedelta(microseconds=1))

    def _on(self, moment: datetime) -> bool:
        return self.weekday is None or moment.astimezone(self.zone).weekday() == self.weekday

    def _times(self) -> list[time]:
        return [time(hour) for hour in range(0, 24, self.hours)] if self.hours else [self.at]

    def _utc(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def schedule_of(text: str, zone: tzinfo) -> Schedule:
    """Read a schedule as the configuration has it; its form was checked there."""
    kind, *rest = text.split()
    if kind == "every":
        return Schedule(zone, hours=int(rest[0]))
    match = _CLOCK.search(text)
    at = time(int(match[1]), int(match[2])) if match else time(9)
    return Schedule(zone, at, DAYS.index(rest[0]) if kind == "weekly" else None)


def weekly(schedule: Schedule) -> Schedule:
    """Give the weekly schedule beside a list's own: on Mondays, at the same time of day."""
    return schedule if schedule.weekday is not None else Schedule(schedule.zone, schedule.at, 0)
