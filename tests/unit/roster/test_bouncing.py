"""How many bounces are too many."""

from datetime import UTC, datetime, timedelta

import pytest

from maild.mail.message import Reply
from maild.roster.bouncing import Bouncing, Gravity, counted, gravity_of, gravity_of_reply

NOON = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def days(gravity: Gravity, count: int, *, certain: bool = True, apart: timedelta = DAY) -> Bouncing:
    found: Bouncing | None = None
    for number in range(count):
        found = counted(found, gravity, NOON + number * apart, certain=certain)
    assert found is not None
    return found


def test_a_hard_bounce_on_three_days_in_a_row_is_too_many() -> None:
    assert not days("hard", 2).too_many
    assert days("hard", 3).too_many


def test_a_full_mailbox_is_borne_for_most_of_a_week() -> None:
    assert not days("soft", 5).too_many
    assert days("soft", 6).too_many


def test_a_day_counts_once_by_its_gravest_bounce() -> None:
    assert days("hard", 40, apart=timedelta(minutes=5)).score == pytest.approx(2, abs=0.05)
    first = counted(None, "soft", NOON, certain=True)
    assert counted(first, "hard", NOON, certain=True).score == 2


def test_a_bounce_now_and_then_is_forgotten() -> None:
    assert not days("hard", 50, apart=timedelta(days=15)).too_many


def test_what_a_batchs_token_says_pauses_nobody() -> None:
    assert not days("hard", 50, certain=False).too_many
    known = days("hard", 50, certain=False)
    assert counted(known, "hard", NOON + 50 * DAY, certain=True).too_many


def test_a_refusal_that_says_nothing_of_the_address_counts_nothing() -> None:
    assert not days("none", 50).too_many


@pytest.mark.parametrize(
    ("status", "gravity"),
    [
        ("5.1.1", "hard"),
        ("5.2.1", "hard"),
        ("5.0.0", "hard"),
        ("5.2.2", "soft"),
        ("5.4.4", "soft"),
        ("4.4.7", "soft"),
        ("5.1.8", "none"),
        ("5.7.1", "none"),
        ("5.3.4", "none"),
        ("2.1.5", "none"),
        ("", "none"),
    ],
)
def test_a_status_says_how_much_it_is_about_the_address(status: str, gravity: str) -> None:
    assert gravity_of(status) == gravity


def test_a_reply_without_an_enhanced_status_is_about_nobody() -> None:
    assert gravity_of_reply(Reply(554, 0, 0, "No")) == "none"
    assert gravity_of_reply(Reply(550, 1, 1, "No such user")) == "hard"
    assert gravity_of_reply(Reply(451, 0, 0, "For four days")) == "soft"
    assert gravity_of_reply(Reply(250, 0, 0, "sent")) == "none"
