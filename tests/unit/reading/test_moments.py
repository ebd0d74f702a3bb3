"""Next update and start (reading rules, sections 1 "Times" and 8.6)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from .conftest import WRITTEN_AT, Reads


def at(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# The mail was written on Wednesday, 11 March 2026, 09:00 UTC.
STATES = [
    ("Next update: 14:30 UTC", "next_update", at(11, 14, 30)),
    ("Next update in 30 minutes.", "next_update", at(11, 9, 30)),
    ("Next update in about an hour and 30 minutes", "next_update", at(11, 10, 30)),
    ("Next update in 30 min or sooner.", "next_update", at(11, 9, 30)),
    ("Next update by 5pm PT", "next_update", at(12, 0)),
    ("Next update: 15:00 CET", "next_update", at(11, 14)),
    ("Next update: noon", "next_update", at(11, 12)),
    ("Next update: 08:00", "next_update", at(12, 8)),
    ("Next update: tomorrow 10:00", "next_update", at(12, 10)),
    ("Next update: Friday 10:00", "next_update", at(13, 10)),
    ("Next update: 2026-03-15 10:00 UTC", "next_update", at(15, 10)),
    ("Next update: 3 o'clock", "next_update", at(12, 3)),
    ("I'll send another update at 10:15.", "next_update", at(11, 10, 15)),
    ("Next update in half an hour", "next_update", at(11, 9, 30)),
    ("Next update at 16:00+02:00", "next_update", at(11, 14)),
    ("Started: 14:05 UTC", "started_at", at(10, 14, 5)),
    ("Start time: 8:40", "started_at", at(11, 8, 40)),
    ("since 0:02 UTC", "started_at", at(11, 0, 2)),
    ("Nothing works since 22:14 UTC.", "started_at", at(10, 22, 14)),
    ("Started: yesterday 22:14", "started_at", at(10, 22, 14)),
    ("Started: March 9th, 22:14", "started_at", at(9, 22, 14)),
    ("Started: 2 hours ago", "started_at", at(11, 7)),
    ("since 8:05 UTC satellite links are down", "started_at", at(11, 8, 5)),
    ("since 8:05 monitoring shows errors", "started_at", at(11, 8, 5)),
]


@pytest.mark.parametrize(("text", "field", "moment"), STATES, ids=[row[0] for row in STATES])
def test_it_is_stated(read: Reads, text: str, field: str, moment: datetime) -> None:
    assert read(text).get(field) == moment


SAYS_NOTHING = [
    ("ETA of the fix: 14:30 UTC", "next_update"),
    ("The alert came at 14:30 UTC.", "next_update"),
    ("Next update: when we know more", "next_update"),
    ("The next update was due at 10:00.", "next_update"),
    ("We update the software at 10:00.", "next_update"),
    ("The job began at 8:00, as it does every day.", "started_at"),
    ("It has not been this slow since March.", "started_at"),
    ("Started: some time ago", "started_at"),
    ("Next update: 25:70", "next_update"),
    ("Started: 14:05 IST", "started_at"),
]


@pytest.mark.parametrize(("text", "field"), SAYS_NOTHING, ids=[row[0] for row in SAYS_NOTHING])
def test_it_is_not_stated(read: Reads, text: str, field: str) -> None:
    assert read(text).get(field) is None


def test_an_abbreviation_of_several_zones_is_the_one_of_the_date(read: Reads) -> None:
    india = WRITTEN_AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert read("Started: 14:05 IST", written_at=india).get("started_at") == at(11, 8, 35)


def test_without_a_date_a_relative_time_counts_from_the_receipt(read: Reads) -> None:
    found = read("Next update in 20 minutes", written_at=None, received_at=at(11, 12))
    assert found.get("next_update") == at(11, 12, 20)


def test_a_date_in_the_future_counts_as_the_receipt(read: Reads) -> None:
    found = read("Next update in 20 minutes", written_at=at(12, 9), received_at=at(11, 12))
    assert found.get("next_update") == at(11, 12, 20)
