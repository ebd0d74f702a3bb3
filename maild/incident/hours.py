"""Working hours: when the lesser incidents are minded, and what a business day is."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

# More than a year without a working day is a mistake in the configuration, not a plan.
_LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When people work, in the organisation's zone.

    days: 0 is Monday. holidays: no working days, whatever day of the week they are.
    """

    zone: tzinfo
    begin: time = time(9)
    end: time = time(17)
    days: frozenset[int] = frozenset(range(5))
    holidays: frozenset[date] = frozenset()

    def works_on(self, day: date) -> bool:
        """Whether a day is a business day."""
        return day.weekday() in self.days and day not in self.holidays

    def business_day_after(self, day: date, count: int = 1) -> date:
        """Give the `count`-th business day after a day."""
        for _ in range(_LONGEST):
            day += timedelta(days=1)
            count -= self.works_on(day)
            if count == 0:
                return day
        return day

    def after(self, moment: datetime, length: timedelta) -> datetime:
        """Give the moment when so much working time has gone by; aware, in UTC as it came."""
        local = moment.astimezone(self.zone)
        day, left = local.date(), length
        begin = local
        for _ in range(_LONGEST):
            opens = datetime.combine(day, self.begin, self.zone)
            closes = datetime.combine(day, self.end, self.zone)
            begin = max(begin, opens)
            if self.works_on(day) and begin < closes:
                if begin + left <= closes:
                    return (begin + left).astimezone(moment.tzinfo)
                left -= closes - begin
            day += timedelta(days=1)
            begin = datetime.combine(day, time(0), self.zone)
        return moment + length

    def same_time_on(self, moment: datetime, day: date) -> datetime:
        """Give the same time of day on another day, moved into the working hours."""
        at = moment.astimezone(self.zone).time().replace(second=0, microsecond=0)
        at = min(max(at, self.begin), self.end)
        return datetime.combine(day, at, self.zone).astimezone(moment.tzinfo)
