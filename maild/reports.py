"""The clock of the monthly report: once a month, on its first day, noted like a digest."""

from collections.abc import Callable, Sequence
from datetime import datetime, time
from typing import Final, Protocol

from maild.desk import Desk
from maild.incident.digest import History
from maild.incident.statistics import Month, month
from maild.letters.report import Draw, report_letter
from maild.mail.message import Outgoing

# The month itself, and those that it is compared with.
MONTHS: Final = 4


class Months(Protocol):
    """What the clock needs of the store."""

    def last(self, kind: str) -> datetime | None:
        """Say until when the last report went; None where there was none yet."""
        ...

    def active(self, since: datetime, until: datetime) -> Sequence[History]:
        """Give the incidents that were declared or went on in a span."""
        ...

    def enter(
        self,
        kind: str,
        since: datetime,
        until: datetime,
        letters: Sequence[Outgoing],
        now: datetime,
    ) -> bool:
        """Note the month as done, and owe its letter, in one transaction; False where it was."""
        ...


def months(desk: Desk, store: Months, end: datetime, now: datetime) -> list[Month]:
    """Give the month that ends at a moment and those before it, the last first."""
    ends = [end]
    for _ in range(MONTHS):
        ends.append(before(desk, ends[-1]))
    histories = store.active(ends[-1], end)
    rules = desk.policy.rules
    return [month(histories, ends[i + 1], ends[i], now, rules) for i in range(MONTHS)]


def before(desk: Desk, begin: datetime) -> datetime:
    """Give the beginning of the month before one that begins at a moment."""
    return desk.month(begin.replace(day=1) - _MOMENT)


_MOMENT: Final = datetime.resolution


class Reports:
    """Sends the report of the month that is over, exactly once."""

    def __init__(
        self,
        desk: Desk,
        store: Months,
        at: time,
        draw: Draw,
        log: Callable[..., None],
        owed: Callable[[], None],
    ) -> None:
        self.desk, self.store, self.at, self.draw = desk, store, at, draw
        self.log, self.owed = log, owed

    def tick(self, now: datetime) -> None:
        """Send what is due at this moment."""
        end = self.desk.month(now)
        if self.desk.head is None or now < end.replace(hour=self.at.hour, minute=self.at.minute):
            return
        last = self.store.last("monthly")
        if last is None:
            # The first start: what was before is nobody's news.
            self.store.enter("monthly", end, end, (), now)
        elif last < end:
            found = months(self.desk, self.store, end, now)
            letter = report_letter(self.desk.head, found, self.draw, now)
            if self.store.enter("monthly", found[0].begin, end, (letter,), now):
                self.log("report", since=str(found[0].begin), until=str(end))
                self.owed()
