"""A mail to the command address: its lines to commands, and what they change for whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from maild.roster.commands import (
    MAX_COMMANDS,
    MAX_UNKNOWN,
    Brief,
    Change,
    Command,
    Confirm,
    DigestOf,
    Help,
    Misread,
    OwnersOnly,
    Search,
    Show,
    Status,
    Subscribe,
    Timeline,
    Unsubscribe,
    WhoAmI,
    choices_of,
    parse,
    since_of,
)
from maild.roster.effects import Decision, Who, decide
from maild.roster.subscription import Choices, Confirmation, RosterChange, Subscription

AT = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
KEVIN = "kevin@example.com"
LISTED = Subscription(KEVIN)
WHO = Who(KEVIN, AT, True, None, False, "leavetoken22", None, "confirmtoken", (1, 2, 3, 4))
MEMBER = replace(WHO, subscription=LISTED)


def commands(text: str, subject: str = "") -> list[Command | None]:
    return [line.command for line in parse(subject, text, AT)]


def done(text: str, who: Who) -> Decision:
    return decide(parse("", text, AT), who)


def kinds(text: str, who: Who) -> list[str]:
    return [result.kind for result in done(text, who).results]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("help", Help()),
        ("HELP me with this", Help()),
        ("subscribe", Subscribe(Choices())),
        ("join", Subscribe(Choices())),
        ("subscribe updates", Subscribe(Choices("updates"))),
        (
            "subscribe immediate weekly severity <= 2",
            Subscribe(Choices("immediate", "weekly", 2)),
        ),
        ("unsubscribe", Unsubscribe()),
        ("Unsubscribe.", Unsubscribe()),
        ("unsubscribe pka2u4mgdufh", Unsubscribe("pka2u4mgdufh")),
        ("set none", Change(Choices("none"))),
        ("set no digest", Change(Choices(digest="none"))),
        ("set severity all", Change(Choices(severity=0))),
        ("status", Status()),
        ("show INC-2026-0007", Show("INC-2026-0007")),
        ("show [inc-2025-7]", Show("INC-2025-0007")),
        ("timeline 2025-12", Timeline("INC-2025-0012")),
        ("brief 7", Brief("INC-2026-0007")),
        ("digest", DigestOf()),
        ("digest since 24 h", DigestOf(AT - timedelta(hours=24))),
        ('search "primary cluster" slow', Search('"primary cluster" slow')),
        ('"whoami"', WhoAmI()),
        ("yes", Confirm()),
    ],
)
def test_a_line_is_a_command(line: str, command: Command) -> None:
    assert commands(line) == [command]


@pytest.mark.parametrize(
    "line",
    ["set", "set fortnightly", "set daily weekly", "show", "show it", "search", "status now"],
)
def test_a_verb_with_no_sense_behind_it_is_told_how_it_is_written(line: str) -> None:
    assert commands(line) == [Misread(line.split()[0])]


@pytest.mark.parametrize("line", ["void INC-2026-0007", "subscribe bob@example.com", "roster"])
def test_what_only_the_owner_may_do_is_known_and_not_done(line: str) -> None:
    assert commands(line) == [OwnersOnly(line.split()[0])]


@pytest.mark.parametrize(
    ("words", "choices"),
    [
        ("updates, weekly digest and severity 2", Choices("updates", "weekly", 2)),
        ("digest none mode none", Choices("none", "none")),
        ("sev<=3", Choices(severity=3)),
        ("SEVERITY ≤ 1", Choices(severity=1)),
        ("updates immediate", None),
        ("severity <= high", None),
        ("dailyweekly", None),
    ],
)
def test_choices_are_read_in_any_order_and_never_guessed(
    words: str, choices: Choices | None
) -> None:
    assert choices_of(words) == choices


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("3 d", AT - timedelta(days=3)),
        ("09:00", AT.replace(hour=8)),
        ("23:30", AT.replace(day=15, hour=22, minute=30)),
        ("2026-03-15 09:00", AT.replace(day=15, hour=8)),
        ("2026-03-15T09:00Z", AT.replace(day=15, hour=9)),
        ("last week", None),
    ],
)
def test_a_moment_is_in_the_lists_zone(words: str, moment: datetime | None) -> None:
    assert since_of(words, AT.astimezone(ZoneInfo("Europe/Berlin"))) == moment


def test_a_subject_that_is_a_command_is_the_first_line() -> None:
    assert commands("whoami", "status") == [Status(), WhoAmI()]


def test_a_subject_that_the_text_repeats_counts_once() -> None:
    assert commands("unsubscribe", "unsubscribe") == [Unsubscribe()]


@pytest.mark.parametrize("subject", ["A question", "Re: help", "Show must go on", ""])
def test_any_other_subject_is_no_line(subject: str) -> None:
    assert commands("status", subject) == [Status()]


def test_comments_and_blank_lines_are_passed_by() -> None:
    assert commands("# what is up?\n\nstatus\n  # and I?\nwhoami") == [Status(), WhoAmI()]


@pytest.mark.parametrize("end", ["-- ", "--", "> status", "quit", "Thanks,"])
def test_commands_end_at_a_signature_at_quoted_text_and_at_a_word_of_farewell(end: str) -> None:
    assert commands(f"status\n{end}\nwhoami") == [Status()]


def test_reading_stops_after_too_many_unknown_lines() -> None:
    text = "\n".join([*(f"I say {n}" for n in range(MAX_UNKNOWN)), "status"])
    assert commands(text) == [None] * MAX_UNKNOWN
    assert done(text, WHO).lost


def test_a_mail_has_a_limit_of_commands() -> None:
    assert len(commands("\n".join(f"brief {n}" for n in range(1, 99)))) == MAX_COMMANDS


def test_a_mail_without_any_command_needs_help() -> None:
    assert done("", WHO).lost
    assert done("Hello there", WHO).lost
    assert not done("Hello there\nstatus", WHO).lost


def test_subscribing_waits_for_a_confirmation() -> None:
    decision = done("subscribe updates weekly severity <= 2", WHO)
    wanted = Subscription(KEVIN, "updates", "weekly", 2)
    assert decision.changes == ()
    assert decision.asks == Confirmation("confirmtoken", RosterChange(KEVIN, wanted), AT)


def test_a_trusted_domain_subscribes_at_once() -> None:
    decision = done("subscribe", replace(WHO, trusted=True))
    assert (decision.changes, decision.asks) == ((RosterChange(KEVIN, LISTED),), None)


def test_unsubscribing_waits_for_a_confirmation() -> None:
    decision = done("unsubscribe", MEMBER)
    assert decision.changes == ()
    assert decision.asks == Confirmation("confirmtoken", RosterChange(KEVIN, None), AT)


def test_unsubscribing_with_the_own_token_is_done_at_once() -> None:
    decision = done("unsubscribe leavetoken22", MEMBER)
    assert (decision.changes, decision.asks) == ((RosterChange(KEVIN, None),), None)


def test_somebody_elses_token_proves_nothing() -> None:
    decision = done("unsubscribe othertoken22", MEMBER)
    assert decision.changes == ()
    assert decision.asks is not None


def test_a_change_waits_for_a_confirmation_too_because_it_can_silence_the_list() -> None:
    decision = done("set none, no digest", MEMBER)
    assert decision.changes == ()
    assert decision.asks is not None
    assert decision.asks.change.now == Subscription(KEVIN, "none", "none")


def test_several_changes_of_a_mail_are_one_question() -> None:
    decision = done("subscribe\nset weekly\nset severity 2", WHO)
    assert decision.asks is not None
    assert decision.asks.change.now == Subscription(KEVIN, digest="weekly", severity=2)


def test_a_change_that_is_taken_back_asks_nothing() -> None:
    assert done("set weekly\nset daily", MEMBER).asks is None


@pytest.mark.parametrize(
    ("line", "who", "kind"),
    [
        ("subscribe", MEMBER, "same"),
        ("set daily", MEMBER, "same"),
        ("set weekly", WHO, "absent"),
        ("unsubscribe", WHO, "absent"),
        ("set severity 5", MEMBER, "scale"),
        ("confirm", MEMBER, "stale"),
        ("void 7", MEMBER, "refused"),
        ("hello", MEMBER, "unknown"),
        ("set it", MEMBER, "misread"),
        ("whoami", MEMBER, "whoami"),
    ],
)
def test_what_changes_nothing_is_said_to_change_nothing(line: str, who: Who, kind: str) -> None:
    decision = done(line, who)
    assert [result.kind for result in decision.results] == [kind]
    assert (decision.changes, decision.asks, decision.confirmed) == ((), None, "")


def test_a_confirmation_does_what_was_asked() -> None:
    change = RosterChange(KEVIN, LISTED)
    decision = done("confirm", replace(WHO, confirmation=Confirmation("t", change, AT)))
    assert (decision.changes, decision.confirmed) == ((change,), "t")
    assert decision.results[0].kind == "subscribed"


def test_a_confirmation_is_used_once() -> None:
    who = replace(WHO, confirmation=Confirmation("t", RosterChange(KEVIN, LISTED), AT))
    assert kinds("confirm\nconfirm", who) == ["subscribed", "stale"]


def test_what_follows_a_confirmation_counts_from_it() -> None:
    who = replace(WHO, confirmation=Confirmation("t", RosterChange(KEVIN, LISTED), AT))
    assert kinds("confirm\nwhoami\nset weekly", who) == ["subscribed", "whoami", "asked"]
