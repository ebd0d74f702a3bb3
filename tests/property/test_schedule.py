"""Schedules and working hours in every zone: exactly one moment a period, whatever clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from maild.incident.hours import WorkingHours
from maild.incident.schedule import Schedule, schedule_of

ZONES = [
    ZoneInfo(name)
    for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
]
moments = st.integers(1_704_067_200, 1_861_920_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
schedules = st.builds(
    Schedule,
    st.sampled_from(ZONES),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.none() | st.integers(0, 6),
    st.sampled_from([0, 0, 1, 4, 6]),
)


@given(schedules, moments)
def test_the_last_moment_is_not_ahead_and_nothing_lies_between(
    schedule: Schedule, now: datetime
) -> None:
    last = schedule.last(now)
    assert last <= now
    assert schedule.last(last) == last
    middle = last + (now - last) / 2
    assert schedule.last(middle) == last


@given(schedules, moments)
def test_moments_go_up_and_are_a_period_apart_but_for_a_change_of_the_clock(
    schedule: Schedule, now: datetime
) -> None:
    last = schedule.last(now)
    before = schedule.before(last)
    period = timedelta(hours=schedule.hours or 24)
    if schedule.weekday is not None and not schedule.hours:
        period = timedelta(days=7)
    if schedule.weekday is None:
        assert abs((last - before) - period) <= timedelta(hours=max(1, schedule.hours))
    assert before < last


@given(schedules, st.lists(moments, min_size=2, max_size=20))
def test_a_clock_that_jumps_gives_each_period_once(
    schedule: Schedule, jumps: list[datetime]
) -> None:
    done: list[datetime] = []
    for now in jumps:
        until = schedule.last(now)
        if not done or until > max(done):
            done.append(until)
    assert done == sorted(set(done))


def test_a_digest_at_half_past_two_comes_on_the_days_on_which_clocks_change() -> None:
    schedule = schedule_of("daily 02:30", ZoneInfo("Europe/Berlin"))
    spring = [schedule.last(datetime(2026, 3, day, 12, tzinfo=UTC)) for day in (28, 29, 30)]
    autumn = [schedule.last(datetime(2026, 10, day, 12, tzinfo=UTC)) for day in (24, 25, 26)]
    assert [moment.strftime("%d %H:%M") for moment in spring] == [
        "28 01:30",
        "29 01:30",
        "30 00:30",
    ]
    assert [moment.strftime("%d %H:%M") for moment in autumn] == [
        "24 00:30",
        "25 00:30",
        "26 01:30",
    ]


@given(moments, st.integers(1, 3000), st.sampled_from(ZONES))
def test_working_time_ends_in_working_hours_and_never_early(
    moment: datetime, minutes: int, zone: ZoneInfo
) -> None:
    hours = WorkingHours(zone)
    ends = hours.after(moment, timedelta(minutes=minutes))
    local = ends.astimezone(zone)
    assert ends >= moment + timedelta(minutes=minutes) - timedelta(hours=1)
    assert hours.works_on(local.date())
    assert hours.begin <= local.time() <= hours.end


def test_a_holiday_and_a_weekend_are_no_business_days() -> None:
    hours = WorkingHours(ZoneInfo("UTC"), holidays=frozenset({date(2026, 12, 25)}))
    thursday = datetime(2026, 12, 24, 15, tzinfo=UTC)
    assert hours.business_day_after(thursday.date()).isoformat() == "2026-12-28"
    assert hours.after(thursday, timedelta(hours=4)) == datetime(2026, 12, 28, 11, tzinfo=UTC)
    assert hours.same_time_on(thursday, thursday.date()).time() == time(15)
