"""Stated values to events, and what a late mail may still change (section 8.14)."""

from datetime import UTC, datetime, timedelta

import pytest

from maild.incident.decide import Writing, declare, late_fields, update
from maild.incident.model import (
    ChannelsMoved,
    CommandTransferred,
    Incident,
    NextUpdatePromised,
    PhaseChanged,
    RoleAssigned,
    SeverityChanged,
    StartSet,
    UpdatePosted,
    evolve,
    fold,
)
from maild.incident.verdict import Stated
from maild.reading.reading import Person, Value

NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
KEVIN, ANA = Person("Kevin Riggle", "kevin@example.com"), Person("Ana Silva", "ana@example.com")
WRITING = Writing(1, KEVIN, NOW, NOW)


def stated(**values: Value) -> Stated:
    return Stated(values, dict.fromkeys(values, "words"), summary="down", description=True)


def opened(**values: Value) -> Incident:
    found = {"severity": 2, "phase": 1, "commander": KEVIN, "channel": ("#a",), **values}
    incident = fold(declare("INC-2026-0007", stated(**found), "down", (), WRITING, 3))
    assert incident is not None
    return incident


def later(minutes: int, dated: int | None = None) -> Writing:
    dated_at = NOW + timedelta(minutes=minutes if dated is None else dated)
    return Writing(2, ANA, NOW + timedelta(minutes=minutes), dated_at)


def after(incident: Incident, values: dict[str, Value], writing: Writing) -> Incident:
    events = update(incident, stated(**values), writing, 3)
    for event in events:
        incident = evolve(incident, event)
    return incident


def test_a_declaration_holds_all_that_was_stated() -> None:
    incident = opened(scribe=ANA, started_at=NOW - timedelta(hours=1))
    assert (incident.severity, incident.phase, incident.commander) == (2, 1, KEVIN)
    assert incident.channels == ("#a",)
    assert incident.role("scribe") == (ANA,)
    assert incident.started_at == NOW - timedelta(hours=1)
    assert set(incident.stated_at) >= {"severity", "phase", "commander", "channel"}


CHANGES = [
    ({"severity": 1}, SeverityChanged),
    ({"phase": 2}, PhaseChanged),
    ({"commander": ANA}, CommandTransferred),
    ({"channel": ("#b",)}, ChannelsMoved),
    ({"scribe": ANA}, RoleAssigned),
    ({"next_update": NOW + timedelta(hours=2)}, NextUpdatePromised),
    ({"started_at": NOW - timedelta(hours=2)}, StartSet),
]


@pytest.mark.parametrize(("values", "event"), CHANGES, ids=[e.__name__ for _, e in CHANGES])
def test_a_new_value_is_one_event(values: dict[str, Value], event: type) -> None:
    events = update(opened(), stated(**values), later(20), 3)
    assert [type(e) for e in events] == [event, UpdatePosted]


@pytest.mark.parametrize(
    "values",
    [{"severity": 2}, {"phase": 1}, {"commander": Person("Kevin")}, {"channel": ("#a",)}],
    ids=str,
)
def test_the_value_on_record_is_no_event_and_confirms_it(values: dict[str, Value]) -> None:
    (posted,) = update(opened(), stated(**values), later(20), 3)
    assert isinstance(posted, UpdatePosted)
    assert posted.confirmed


def test_a_commander_named_in_brief_keeps_his_full_form() -> None:
    incident = after(opened(), {"commander": Person("Kevin"), "severity": 1}, later(20))
    assert incident.commander == KEVIN


def test_experts_are_added_and_a_scribe_is_replaced() -> None:
    bob = Person("Bob Lee")
    incident = opened(experts=(ANA,), scribe=ANA)
    incident = after(incident, {"experts": (bob,), "scribe": bob}, later(20))
    assert incident.role("experts") == (ANA, bob)
    assert incident.role("scribe") == (bob,)


def test_the_last_phase_ends_it_and_an_earlier_one_takes_that_back() -> None:
    over = after(opened(), {"phase": 3}, later(20))
    assert over.resolved_at == NOW + timedelta(minutes=20)
    assert not over.is_open(3)
    assert after(over, {"phase": 1}, later(30)).resolved_at is None


def test_an_update_that_promises_nothing_takes_the_old_promise_back() -> None:
    incident = opened(next_update=NOW + timedelta(minutes=30))
    assert after(incident, {"severity": 2}, later(20)).next_update_at is None


LATE = [
    ("a mail of 30 minutes ago, before the last statement", later(20, -10), {"severity"}),
    ("a Date within 10 minutes of the receipt", later(5, -4), set()),
    ("an old Date, but nothing newer was stated", later(60, 30), set()),
]


@pytest.mark.parametrize(
    ("writing", "fields"), [row[1:] for row in LATE], ids=[row[0] for row in LATE]
)
def test_in_which_fields_a_mail_is_late(writing: Writing, fields: set[str]) -> None:
    assert late_fields(opened(), stated(severity=1), writing) == fields


def test_a_late_mail_changes_only_what_no_later_one_has_stated() -> None:
    incident = after(opened(), {"severity": 1, "scribe": ANA, "phase": 1}, later(20, -10))
    assert incident.severity == 2
    assert incident.role("scribe") == (ANA,)
    assert incident.mails == 2
