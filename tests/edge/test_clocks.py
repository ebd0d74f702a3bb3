"""The clock: drafts that nobody completes, and digests, once per period, whatever happens."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maild.edge.store.digests import Digests
from maild.edge.store.drafts import Drafts
from maild.edge.store.ledger import Ledger
from maild.edge.store.reminders import Reminders
from maild.edge.store.roster import Roster
from maild.loops import Clocks
from maild.roster.subscription import Subscription
from tests.office import NOON, Office, text_of

INCOMPLETE = "Half of the payments fail since noon. Severity 2. Channel: #pay"
COMPLETE = f"{INCOMPLETE}. Phase 1. I am incident commander."
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class Clock:
    """The daemon's clock on an office's desk, with the hands in the test's hand."""

    def __init__(self, office: Office) -> None:
        self.office = office
        Roster(office.connection).put([Subscription("ana@example.com")], NOON)
        self.clocks = self.again()

    def again(self) -> Clocks:
        """Start the clocks as after a restart."""
        connection, site = self.office.connection, self.office.site
        drafts = Drafts(connection, Ledger(connection, 3))
        self.clocks = Clocks(
            self.office.desk,
            drafts,
            Digests(connection),
            Reminders(connection),
            site.schedules(),
            lambda: NOON,
            _quiet,
            _quiet,
        )
        return self.clocks

    def tick(self, now: datetime) -> list[Any]:
        """Let the clock act at a moment; gives the letters that it made us write."""
        before = len(self.office.letters())
        self.clocks.tick(now)
        return self.office.letters()[before:]


def _quiet(*_: object, **__: object) -> None:
    return None


@pytest.fixture
def clock(office: Callable[..., Office]) -> Clock:
    return Clock(office())


def test_the_author_and_the_owner_are_asked_at_five_minutes(clock: Clock) -> None:
    clock.office.take(INCOMPLETE)
    begun = clock.office.now
    assert clock.tick(begun + 4 * MINUTE) == []
    asked, owner = clock.tick(begun + 5 * MINUTE)
    assert asked["To"] == "Kevin Riggle <kevin@example.com>"
    assert text_of(asked).startswith("Still not sent to the list: 2 things are missing")
    assert "Checkout is down" in text_of(owner)
    assert clock.tick(begun + 6 * MINUTE) == []


def test_at_fifteen_minutes_it_goes_out_incomplete_with_no_value_invented(clock: Clock) -> None:
    clock.office.take(INCOMPLETE)
    begun = clock.office.now
    clock.tick(begun + 5 * MINUTE)
    copy, told = clock.tick(begun + 15 * MINUTE)
    assert copy["Subject"] == "[INC-2026-0001] Checkout is down"
    assert copy["X-Incident-Severity"] == "2"
    assert copy["X-Incident-Phase"] is None
    stamp = text_of(copy)
    assert stamp.startswith("Severity 2 (high), phase NOT STATED YET, commander NOT STATED YET\n")
    assert "INCOMPLETE: phase, commander not stated yet" in stamp
    assert text_of(told).startswith("Sent to the list as INC-2026-0001, marked INCOMPLETE")
    assert clock.tick(begun + 60 * MINUTE) == []


def test_an_incomplete_incident_is_completed_by_one_line(clock: Clock) -> None:
    clock.office.take(INCOMPLETE)
    begun = clock.office.now
    clock.tick(begun + 5 * MINUTE)
    _, told = clock.tick(begun + 15 * MINUTE)
    clock.office.now = begun + 16 * MINUTE
    to = told["Reply-To"].addresses[0].addr_spec
    entry, letters = clock.office.take("phase 1, I am IC", f"Re: {told['Subject']}", to=to)
    assert (entry.verdict, entry.kind) == ("accepted", "update")
    assert text_of(letters[0]).startswith(
        "Severity 2 (high), phase 1 (patching), commander Kevin Riggle\n"
    )


def test_an_opening_that_states_nothing_is_never_published(clock: Clock) -> None:
    clock.office.take("Something is odd with the payments, I think.")
    begun = clock.office.now
    clock.tick(begun + 5 * MINUTE)
    (owner,) = clock.tick(begun + 15 * MINUTE)
    assert owner["To"] == "oncall-leads@example.com"
    assert clock.office.connection.execute("SELECT count(*) FROM incident").fetchone()[0] == 0


def test_never_means_never(office: Callable[..., Office]) -> None:
    clock = Clock(office(posting={"publish_incomplete_after": "never"}))
    clock.office.take(INCOMPLETE)
    begun = clock.office.now
    clock.tick(begun + 5 * MINUTE)
    (owner,) = clock.tick(begun + 15 * MINUTE)
    assert owner["To"] == "oncall-leads@example.com"


def digests(clock: Clock, now: datetime) -> list[Any]:
    """Let the clock act; gives the digests among what it made us write."""
    return [letter for letter in clock.tick(now) if letter["X-Incident-Kind"] == "digest"]


def test_the_digest_goes_out_once_a_day_also_after_a_restart(clock: Clock) -> None:
    assert digests(clock, NOON) == []
    clock.office.take(COMPLETE)
    nine = NOON.replace(hour=9) + DAY
    assert digests(clock, nine - MINUTE) == []
    (digest,) = digests(clock, nine)
    assert digest["Subject"] == "Digest of Tuesday 17 March 2026: 1 open, 1 overdue"
    assert digest["X-Incident-Kind"] == "digest"
    assert digests(clock, nine + MINUTE) == []
    clock.again()
    assert digests(clock, nine + 2 * MINUTE) == []


def test_three_days_of_downtime_give_one_digest_for_the_whole_gap(clock: Clock) -> None:
    clock.tick(NOON)
    clock.office.take(COMPLETE)
    (digest,) = digests(clock, NOON + 3 * DAY)
    assert "since Monday 16 March 09:00" in text_of(digest)


def test_a_clock_that_steps_back_sends_no_digest_twice(clock: Clock) -> None:
    clock.tick(NOON)
    clock.office.take(COMPLETE)
    nine = NOON.replace(hour=9) + DAY
    assert len(digests(clock, nine + MINUTE)) == 1
    assert digests(clock, nine - 60 * MINUTE) == []
    assert digests(clock, nine + 2 * MINUTE) == []


def test_where_nothing_is_open_no_digest_is_sent_and_the_period_is_done(clock: Clock) -> None:
    clock.tick(NOON)
    assert digests(clock, NOON + DAY) == []
    clock.office.take(COMPLETE)
    clock.tick(NOON + DAY + MINUTE)
    (digest,) = digests(clock, NOON + 2 * DAY)
    assert "since Tuesday 17 March 09:00" in text_of(digest)


def test_a_stalled_incident_is_named_on_a_day_on_which_nothing_moved(clock: Clock) -> None:
    clock.tick(NOON)
    clock.office.take(COMPLETE)
    clock.tick(NOON + DAY)
    (digest,) = digests(clock, NOON + 2 * DAY)
    assert "0001 Checkout is down" in text_of(digest)


def test_the_digests_of_a_week_are_one_thread(clock: Clock) -> None:
    clock.tick(NOON)
    clock.office.take(COMPLETE)
    sent = [
        letter for day in range(1, 9) for letter in clock.tick(NOON.replace(hour=9) + day * DAY)
    ]
    digests = [letter for letter in sent if "Digest of" in letter["Subject"]]
    first, *rest = (str(letter["In-Reply-To"]) for letter in digests)
    # NOON is a Monday: six digests until Sunday, then a new week, and on its Monday the weekly one.
    assert first == "None"
    assert rest[:5] == [str(digests[0]["Message-ID"])] * 5
    assert rest[5:] == ["None", "None", str(digests[6]["Message-ID"])]


def test_a_digest_made_again_has_the_same_id(clock: Clock) -> None:
    clock.office.take(COMPLETE)
    since, until = NOON - DAY, NOON + DAY
    store = Digests(clock.office.connection)
    told = clock.office.desk.digest(store.histories(since, until), (), since, until)
    first = clock.office.desk.digest_letter(told, "daily", until)
    again = clock.office.desk.digest_letter(told, "daily", until + MINUTE)
    weekly = clock.office.desk.digest_letter(told, "weekly", until)
    assert first is not None
    assert again is not None
    assert weekly is not None
    assert first.message_id == again.message_id != weekly.message_id


def test_the_weekly_digest_goes_to_those_who_chose_it(clock: Clock) -> None:
    Roster(clock.office.connection).put([Subscription("bob@example.com", digest="weekly")], NOON)
    clock.tick(NOON)
    clock.office.take(COMPLETE)
    for day in range(1, 8):
        clock.tick(datetime(2026, 3, 16, 9, 30, tzinfo=UTC) + day * DAY)
    rows = clock.office.connection.execute(
        "SELECT d.recipient, count(*) AS n FROM delivery d JOIN letter l ON l.id = d.letter"
        " WHERE l.kind = 'digest' GROUP BY d.recipient"
    )
    assert {row["recipient"]: row["n"] for row in rows} == {
        "ana@example.com": 7,
        "bob@example.com": 1,
    }
