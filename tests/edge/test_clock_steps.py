"""Clocks that step, change to summer and back, and leap: no digest twice or missed, no reminder twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from maild.edge.store.connection import moment
from tests.office import Office

from .test_clocks import COMPLETE, Clock

HOUR = timedelta(hours=1)
TICK = timedelta(minutes=10)
DAYS = 4
# Where, the digest's time of day, the first day: summer begins, summer ends, it leaps, a year ends.
NIGHTS = [
    ("Europe/Berlin", "02:30", (2026, 3, 27)),
    ("Europe/Berlin", "02:30", (2026, 10, 23)),
    ("Europe/Berlin", "03:00", (2026, 3, 27)),
    ("America/New_York", "01:30", (2026, 10, 30)),
    ("Australia/Lord_Howe", "02:15", (2026, 4, 3)),
    ("UTC", "00:00", (2028, 2, 27)),
    ("Asia/Kolkata", "23:59", (2026, 12, 30)),
]


def moments(begin: datetime, steps: Callable[[datetime], timedelta]) -> Iterator[datetime]:
    """Give what the clock shows, every ten minutes for four days of real time."""
    real = begin
    while real < begin + DAYS * timedelta(days=1):
        yield real + steps(real)
        real += TICK


def steady(real: datetime) -> timedelta:
    return timedelta(0)


def back(real: datetime) -> timedelta:
    """An hour ahead until 02:40 of each other night, then set right; and ahead again by noon."""
    return HOUR if real.day % 2 and (real.hour, real.minute) < (2, 40) else timedelta(0)


def ahead(real: datetime) -> timedelta:
    """An hour late until the second day's evening, then set right."""
    return -HOUR if real.day % 3 else timedelta(0)


def to_and_fro(real: datetime) -> timedelta:
    """An hour ahead at every other look."""
    return HOUR if real.minute // 10 % 2 else timedelta(0)


@pytest.mark.parametrize("steps", [steady, back, ahead, to_and_fro], ids=lambda s: s.__name__)
@pytest.mark.parametrize(("zone", "at", "day"), NIGHTS)
def test_each_day_has_one_digest_and_each_reminder_goes_out_once(
    office: Callable[..., Office],
    zone: str,
    at: str,
    day: tuple[int, int, int],
    steps: Callable[[datetime], timedelta],
) -> None:
    desk = office(list={"timezone": zone}, digest={"schedule": f"daily {at}"})
    begin = datetime(*day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    desk.now = begin
    clock = Clock(desk)
    clock.clocks.tick(begin)
    desk.take(COMPLETE)
    for now in moments(begin, steps):
        clock.clocks.tick(now)
    rows = desk.connection.execute("SELECT * FROM digest WHERE since < until ORDER BY until")
    periods = rows.fetchall()
    daily = [row for row in periods if row["kind"] == "daily"]
    assert all(one["until"] == two["since"] for one, two in pairwise(daily))
    days = [moment(row["until"]).astimezone(ZoneInfo(zone)).date() for row in daily]
    assert all(two - one == timedelta(days=1) for one, two in pairwise(days))
    assert len(days) == DAYS
    letters = desk.letters()
    assert len({str(letter["Message-ID"]) for letter in letters}) == len(letters)
    kinds = Counter(str(letter["X-Incident-Kind"]) for letter in letters)
    assert kinds["digest"] == len(periods)
    # The update twice, the last time to the thread too; the handoff. A jump may leave out the first.
    assert 3 <= kinds["reminder"] <= 4
