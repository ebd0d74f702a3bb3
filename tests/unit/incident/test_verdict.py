"""What counts, what is missing, invalid or in conflict (reading rules, sections 1 to 5, 8)."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from maild.edge.files import load_rules
from maild.incident.verdict import (
    Background,
    Finding,
    Kind,
    Stated,
    counting,
    judged_at,
    known_as,
    overlaid,
    required,
    resolve,
)
from maild.mail.message import Address
from maild.reading.reading import Outcome, Person, Reading, Strength, Value
from maild.reading.report import Report

KEVIN = Address("Kevin Riggle", "kevin@example.com")
ME = Person("Kevin Riggle", "kevin@example.com")
ANA = Person("Ana Silva", "ana@example.com")


def said(
    field: str,
    value: Value | None,
    *,
    by: Strength = Strength.LABEL,
    subject: bool = False,
    outcome: Outcome = "value",
) -> Reading:
    where = "subject" if subject else "body"
    return Reading(field, value, f"{field}: {value}", by, where, outcome)


def report(*readings: Reading, subject: str = "down", description: bool = True) -> Report:
    return Report(readings, subject, "text", description, KEVIN, subject=subject)


def stated(*readings: Reading, background: Background | None = None) -> Stated:
    return resolve(readings, report(*readings), KEVIN, background or Background())


def test_equal_values_are_one() -> None:
    found = stated(said("severity", 2), said("severity", 2, by=Strength.PROSE))
    assert (found.get("severity"), found.findings) == (2, ())
    assert found.read_as["severity"] == "field line"


@pytest.mark.parametrize(
    "readings",
    [
        (said("severity", 2), said("severity", 3)),
        (said("severity", 2), said("severity", 3, by=Strength.PROSE)),
        (said("severity", 2), said("severity", "7", outcome="invalid")),
        (said("commander", ANA), said("commander", Person("Bob Lee"))),
    ],
    ids=["two labels", "a label and a statement", "a valid and an invalid one", "two people"],
)
def test_different_values_are_a_conflict_with_both_words(readings: tuple[Reading, ...]) -> None:
    (finding,) = stated(*readings).findings
    assert finding.trouble == "conflict"
    assert finding.words == tuple(r.words for r in readings)


def test_two_values_of_a_field_that_is_not_vital_ask_nobody() -> None:
    found = stated(said("scribe", Person("Eva Kern")), said("scribe", Person("Bob Lee")))
    assert found.get("scribe") == Person("Eva Kern")
    assert found.findings == ()


def test_one_person_in_two_forms_is_kept_in_the_fuller_one() -> None:
    found = stated(
        said("commander", Person("Ravi")), said("commander", Person("Ravi Patel", "@ravi"))
    )
    assert found.get("commander") == Person("Ravi Patel", "@ravi")


def test_a_status_outside_the_table_says_nothing_beside_a_phase() -> None:
    degraded = said("phase", "degraded", by=Strength.PROSE, outcome="invalid")
    assert stated(said("phase", 1), degraded).get("phase") == 1
    assert [f.trouble for f in stated(degraded).findings] == ["invalid"]


def test_unchanged_is_the_current_value_and_missing_where_there_is_none() -> None:
    unchanged = said("severity", None, outcome="current")
    background = Background(current={"severity": 3})
    assert stated(unchanged, background=background).get("severity") == 3
    alone = stated(unchanged)
    assert alone.get("severity") is None
    assert "severity" in alone.left_open


def test_places_keep_their_order_once_each() -> None:
    found = stated(said("channel", "#b"), said("channel", "#a"), said("channel", "#b"))
    assert found.channels == ("#b", "#a")


def test_experts_are_joined() -> None:
    bob = Person("Bob Lee")
    assert stated(said("experts", (ANA, bob)), said("experts", (bob,))).experts == (ANA, bob)


KNOWN = [
    (Person("Kevin"), Person("Kevin", "kevin@example.com")),
    (Person("Kevin Riggle"), ME),
    (Person("Ana"), ANA),
    (Person(None, "@ana"), ANA),
    (Person("Sam"), Person("Sam")),
    (Person("Bob"), Person("Bob")),
    (Person("Ana", "ana@example.org"), Person("Ana", "ana@example.org")),
]


@pytest.mark.parametrize(("named", "meant"), KNOWN, ids=str)
def test_a_bare_name_is_the_one_known_person_it_fits(named: Person, meant: Person) -> None:
    people = (ANA, Person("Sam Hill", "sam@example.com"), Person("Sam Lake", "lake@example.com"))
    assert known_as(named, KEVIN, people) == meant


TAG = said("severity", 2, by=Strength.STATUS, subject=True)
BODY = said("severity", 3)
FOLLOW_UPS = [
    ("an opening counts subject and body", "opening", None, "down", (), (TAG, BODY), (TAG, BODY)),
    ("an unchanged subject says nothing", "update", "down", "down", (), (TAG,), ()),
    ("a new tag is a statement", "update", "down", "[resolved] down", (), (TAG,), (TAG,)),
    ("a tag of the opening is none", "update", "down", "x", (("severity", 2),), (TAG,), ()),
    ("the body wins without a word", "update", "down", "x", (), (TAG, BODY), (BODY,)),
]


@pytest.mark.parametrize(
    ("kind", "opening", "subject", "old", "readings", "counted"),
    [row[1:] for row in FOLLOW_UPS],
    ids=[row[0] for row in FOLLOW_UPS],
)
def test_which_readings_count(
    kind: Kind,
    opening: str | None,
    subject: str,
    old: tuple[tuple[str, Value | None], ...],
    readings: tuple[Reading, ...],
    counted: tuple[Reading, ...],
) -> None:
    background = Background(subject=opening, subject_readings=old)
    assert counting(report(*readings, subject=subject), kind, background) == counted


def test_findings_come_in_the_order_of_the_rules() -> None:
    found = replace(stated(said("phase", 9, outcome="invalid")), summary="", description=False)
    findings = required(found, "opening", load_rules())
    assert [(f.field, f.trouble) for f in findings] == [
        ("summary", "missing"),
        ("description", "missing"),
        ("severity", "missing"),
        ("phase", "invalid"),
        ("commander", "missing"),
        ("channel", "missing"),
    ]


def test_an_update_needs_three_fields_and_no_description() -> None:
    found = stated(said("severity", 2), said("phase", 1))
    assert required(found, "update", load_rules()) == (Finding("commander", "missing"),)


def test_a_completion_is_laid_over_the_draft() -> None:
    draft = replace(
        stated(said("severity", 7, outcome="invalid"), said("phase", 1)), summary="down"
    )
    whole = overlaid(draft, stated(said("severity", 2), said("commander", ME)))
    assert whole.values == {"phase": 1, "severity": 2, "commander": ME}
    assert whole.findings == ()
    assert whole.summary == "down"


def test_what_a_completion_leaves_in_doubt_is_in_doubt() -> None:
    draft = stated(said("severity", 2), said("phase", 1))
    whole = overlaid(draft, stated(said("severity", 1), said("severity", 3)))
    assert whole.get("severity") is None
    assert [f.trouble for f in whole.findings] == ["conflict"]


NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written_at", "counts"),
    [
        (None, NOW),
        (NOW.replace(hour=8), NOW.replace(hour=8)),
        (NOW.replace(hour=10), NOW),
    ],
    ids=["no Date", "a Date before the receipt", "a Date in the future"],
)
def test_when_a_mail_counts_as_written(written_at: datetime | None, counts: datetime) -> None:
    assert judged_at(written_at, NOW) == counts
