"""Reminders: the commander first, then the thread; each once; `same`, `snooze` and `stop` in reply."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from tests.office import NOON, Office, text_of

from .test_clocks import Clock

PROSE = "Half of the payments fail since noon."
GRAVE = f"{PROSE} Severity 1, phase 1. I am incident commander. Channel: #pay. Business liaison: Shruti S. (shruti@example.com)"
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
KEVIN = "Kevin Riggle <kevin@example.com>"
ANA = "Ana Silva <ana@example.com>"


@pytest.fixture
def clock(office: Callable[..., Office]) -> Clock:
    return Clock(office())


def opened(clock: Clock, words: str = GRAVE) -> datetime:
    """Declare an incident; gives when that was."""
    clock.tick(NOON)
    clock.office.take(words)
    return clock.office.now


def reminders(letters: list[EmailMessage]) -> list[EmailMessage]:
    return [letter for letter in letters if letter["X-Incident-Kind"] == "reminder"]


def reply(
    clock: Clock, letter: EmailMessage, words: str, author: str = KEVIN
) -> list[EmailMessage]:
    return clock.office.take(
        words,
        f"Re: {letter['Subject']}",
        author,
        letter["Reply-To"].addresses[0].addr_spec,
        In_Reply_To=str(letter["Message-ID"]),
    )[1]


def test_the_commander_is_asked_when_the_cadence_says_so(clock: Clock) -> None:
    begun = opened(clock)
    assert reminders(clock.tick(begun + 29 * MINUTE)) == []
    (letter,) = reminders(clock.tick(begun + 30 * MINUTE))
    assert letter["To"] == KEVIN
    assert letter["Reply-To"].addresses[0].addr_spec == "incidents+2026-0001@example.com"
    text = text_of(letter)
    assert text.startswith("It is 30 min since your last update; at severity 1 one is due.")
    assert "\n    same\n" in text
    assert reminders(clock.tick(begun + 31 * MINUTE)) == []


def test_an_incident_is_read_when_something_falls_due_and_not_in_between(clock: Clock) -> None:
    begun = opened(clock)
    clock.tick(begun)
    read: list[str] = []
    clock.office.connection.set_trace_callback(
        lambda sql: read.append(sql) if sql.startswith("SELECT row FROM incident") else None
    )
    for minutes in range(1, 30):
        clock.tick(begun + minutes * MINUTE)
    assert read == []
    clock.tick(begun + 30 * MINUTE)
    assert len(read) == 1


def test_a_promise_counts_before_the_cadence(clock: Clock) -> None:
    begun = opened(clock, f"{GRAVE}. Next update in 90 min.")
    assert reminders(clock.tick(begun + 60 * MINUTE)) == []
    (letter,) = reminders(clock.tick(begun + 91 * MINUTE))
    assert text_of(letter).startswith("The update that you promised for 13:31 UTC is due.")


def test_the_second_time_the_thread_and_the_liaison_hear_too(clock: Clock) -> None:
    begun = opened(clock)
    clock.tick(begun + 30 * MINUTE)
    again, thread = reminders(clock.tick(begun + 60 * MINUTE))
    assert text_of(again).startswith("Second reminder: no update since 12:01 UTC, 1 h ago.")
    assert text_of(thread).startswith(
        "INC-2026-0001 is overdue: no update since 12:01 UTC, 1 h ago."
    )
    rows = clock.office.connection.execute(
        "SELECT recipient FROM delivery d JOIN letter l ON l.id = d.letter WHERE l.kind = 'overdue'"
    )
    assert {row["recipient"] for row in rows} == {"ana@example.com", "shruti@example.com"}
    assert reminders(clock.tick(begun + 24 * HOUR))[1:] == []


def test_a_lesser_incident_is_not_shown_to_the_thread_and_is_asked_in_working_hours(
    clock: Clock,
) -> None:
    words = GRAVE.replace("Severity 1", "Severity 3")
    begun = opened(clock, words)
    assert reminders(clock.tick(begun + 3 * HOUR)) == []
    assert len(reminders(clock.tick(begun + 4 * HOUR))) == 1
    # 16:01 and four hours of work: the next morning.
    assert reminders(clock.tick(begun + 15 * HOUR)) == []
    (again,) = reminders(clock.tick(begun + 25 * HOUR))
    assert text_of(again).startswith("Second reminder")


def test_same_in_reply_is_an_update_and_moves_the_next_reminder(clock: Clock) -> None:
    begun = opened(clock)
    (letter,) = reminders(clock.tick(begun + 30 * MINUTE))
    clock.office.now = begun + 31 * MINUTE
    copy, *_ = reply(clock, letter, "same")
    assert copy["X-Incident-Kind"] == "update"
    assert "No change, confirmed by Kevin Riggle" in text_of(copy)
    assert reminders(clock.tick(begun + 61 * MINUTE)) == []
    assert len(reminders(clock.tick(begun + 63 * MINUTE))) == 1


def test_same_but_changes_one_thing(clock: Clock) -> None:
    begun = opened(clock)
    (letter,) = reminders(clock.tick(begun + 30 * MINUTE))
    copy, *_ = reply(clock, letter, "same, but phase 2. Checkout works in all regions.")
    assert (copy["X-Incident-Phase"], copy["X-Incident-Severity"]) == ("2", "1")


def test_same_does_not_count_once_somebody_has_changed_the_state(clock: Clock) -> None:
    begun = opened(clock)
    (letter,) = reminders(clock.tick(begun + 30 * MINUTE))
    clock.office.now = begun + 31 * MINUTE
    clock.office.take(
        "Severity 2, phase 1, IC Kevin.", "Re: x", ANA, "incidents+2026-0001@example.com"
    )
    (answer,) = reply(clock, letter, "same")
    assert "meanwhile somebody has changed the state" in " ".join(text_of(answer).split())
    assert "Severity 2, phase 1. Incident commander: Kevin Riggle." in text_of(answer)


def test_snooze_gives_quiet_and_an_update_ends_it(clock: Clock) -> None:
    begun = opened(clock)
    (letter,) = reminders(clock.tick(begun + 30 * MINUTE))
    clock.office.now = begun + 30 * MINUTE
    (answer,) = reply(clock, letter, "snooze 60 min")
    assert text_of(answer).startswith("No reminders of INC-2026-0001 before 13:32 UTC.")
    assert reminders(clock.tick(begun + 80 * MINUTE)) == []
    assert len(reminders(clock.tick(begun + 95 * MINUTE))) == 2


def test_stop_reminders_holds_until_somebody_else_takes_command(clock: Clock) -> None:
    begun = opened(clock)
    (letter,) = reminders(clock.tick(begun + 30 * MINUTE))
    reply(clock, letter, "stop reminders")
    assert reminders(clock.tick(begun + 20 * HOUR)) == []
    clock.office.now = begun + 20 * HOUR
    clock.office.take(
        "Severity 1, phase 1. I am taking over as IC.",
        "Re: x",
        ANA,
        "incidents+2026-0001@example.com",
    )
    assert len(reminders(clock.tick(clock.office.now + 31 * MINUTE))) == 1


def test_after_eight_hours_in_command_a_handoff_is_advised_once(clock: Clock) -> None:
    begun = opened(clock, f"{GRAVE}. Next update: 2026-03-17 14:00 UTC.")
    assert reminders(clock.tick(begun + 7 * HOUR)) == []
    (letter,) = reminders(clock.tick(begun + 8 * HOUR))
    assert text_of(letter).startswith("You have been in command of INC-2026-0001 for 8 h.")
    assert reminders(clock.tick(begun + 9 * HOUR)) == []


def test_a_postmortem_is_due_two_business_days_after_the_end(office: Callable[..., Office]) -> None:
    # Resolved on a Thursday; the Friday is a holiday.
    clock = Clock(office(working_hours={"holidays": ["2026-03-20"]}))
    opened(clock)
    clock.office.now = datetime(2026, 3, 19, 15, 0, tzinfo=UTC)
    clock.office.take(
        "Severity 1, phase 3, IC Kevin. Closed.", "Re: x", KEVIN, "incidents+2026-0001@example.com"
    )
    assert reminders(clock.tick(datetime(2026, 3, 23, 12, 0, tzinfo=UTC))) == []
    (letter,) = reminders(clock.tick(datetime(2026, 3, 24, 9, 0, tzinfo=UTC)))
    assert text_of(letter).startswith("The draft of the postmortem of INC-2026-0001 is due today.")
    assert reminders(clock.tick(datetime(2026, 3, 25, 9, 0, tzinfo=UTC))) == []


def test_nothing_is_asked_of_an_incident_that_is_over_or_void(clock: Clock) -> None:
    begun = opened(clock)
    clock.office.now = begun + MINUTE
    clock.office.take(
        "Severity 1, phase 3, IC Kevin. Closed.", "Re: x", KEVIN, "incidents+2026-0001@example.com"
    )
    assert reminders(clock.tick(begun + 12 * HOUR)) == []


def test_after_a_downtime_only_the_last_step_goes_out(clock: Clock) -> None:
    begun = opened(clock)
    letters = reminders(clock.tick(begun + 5 * HOUR))
    assert [text_of(letter).split("\n")[0][:15] for letter in letters] == [
        "Second reminder",
        "INC-2026-0001 i",
    ]
    clock.again()
    assert reminders(clock.tick(begun + 6 * HOUR)) == []


def test_a_commander_without_an_address_is_asked_for_at_once(clock: Clock) -> None:
    words = GRAVE.replace("I am incident commander", "Incident commander: Bob Lee")
    clock.tick(NOON)
    _, letters = clock.office.take(words)
    asked = letters[-1]
    assert asked["To"] == KEVIN
    assert text_of(asked).startswith("Which address has Bob Lee?")
    copy, *_ = reply(clock, asked, "same, but IC: Bob Lee (bob@example.com)")
    assert copy["X-Incident-Kind"] == "update"
    begun = clock.office.now
    (letter,) = reminders(clock.tick(begun + 30 * MINUTE))
    assert letter["To"] == "Bob Lee <bob@example.com>"


def test_a_handoff_in_reply_to_a_reminder_needs_nothing_more(clock: Clock) -> None:
    begun = opened(clock)
    clock.office.take("Seeing it too.", "Re: x", ANA, "incidents+2026-0001@example.com")
    (letter,) = reminders(clock.tick(begun + 30 * MINUTE))
    assert "Ana Silva takes over as incident commander" in " ".join(text_of(letter).split())
    copy, *_ = reply(clock, letter, "Ana Silva takes over as incident commander")
    assert copy["X-Incident-Commander"] == "Ana Silva"
    assert copy["X-Incident-Severity"] == "1"
