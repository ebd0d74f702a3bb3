"""Phase (reading rules, sections 1, 3, 7a, 8.3, 8.4, 8.10)."""

import pytest

from .conftest import Reads

STATES = [
    ("phase 1", 1),
    ("Phase: 1", 1),
    ("phase one", 1),
    ("Phase 1 (patching)", 1),
    ("Phase II", 2),
    ("Status: Identified", 1),
    ("Status: monitoring", 2),
    ("Status: Resolved", 3),
    ("Phase: Resolve", 2),
    ("Phase: resolved", 3),
    ("Phase: Mitigate", 1),
    ("Phase: mitigated", 2),
    ("Phase: post-mortem", 3),
    ("We are in phase 2.", 2),
    ("Moving to phase 2.", 2),
    ("We are in the monitoring phase.", 2),
    ("Current phase: triage", 0),
    ("Phase 1 -> phase 2", 2),
    ("We moved from phase 1 to phase 2.", 2),
    ("phase = containment", 1),
    ("| Phase | 3 |", 3),
    ("Phase: 1, I think", 1),
    ("Phase: 1\nStatus: degraded", 1),
    ("Phase: 1\nStatus: identified", 1),
    ("We are in phase 1 of the incident.", 1),
]


@pytest.mark.parametrize(("text", "number"), STATES, ids=[row[0] for row in STATES])
def test_it_is_stated(read: Reads, text: str, number: int) -> None:
    stated = read(text)
    assert stated.get("phase") == number
    assert not stated.findings


SAYS_NOTHING = [
    "We are monitoring the disks.",
    "The patching of the servers was last week.",
    "The issue is resolved in version 2.",
    "Phase 2 of the move begins on Monday.",
    "The lights flicker on electrical phase 2 of the supply.",
    "If it holds, we go to phase 3.",
    "We were in phase 1 until noon.",
    "Are we in phase 2?",
    "We are not in phase 2 yet.",
    "We can move to phase 3 tomorrow.",
    "Phase: TBD",
    "The next phase is phase 3.",
    "At this phase monitoring helps nobody.",
]


@pytest.mark.parametrize("text", SAYS_NOTHING, ids=SAYS_NOTHING)
def test_it_is_not_stated(read: Reads, text: str) -> None:
    stated = read(text)
    assert stated.get("phase") is None
    assert not stated.findings


INVALID = [
    ("Phase 4", "4"),
    ("Phase: firefighting", "firefighting"),
    ("phase 9", "9"),
    ("Status: degraded", "degraded"),
]


@pytest.mark.parametrize(("text", "words"), INVALID, ids=[row[0] for row in INVALID])
def test_what_is_off_the_scale_is_invalid(read: Reads, text: str, words: str) -> None:
    (finding,) = read(text).findings
    assert (finding.field, finding.trouble, finding.values) == ("phase", "invalid", (words,))


CONFLICTS = [
    "Phase: 1\nStatus: Resolved",
    "Phase 1 (monitoring)",
    "Phase: 1\nWe are in phase 2.",
    "Phase: 1 or 2",
    "Phase: 1\nPhase: firefighting",
]


@pytest.mark.parametrize("text", CONFLICTS, ids=CONFLICTS)
def test_two_values_are_a_conflict(read: Reads, text: str) -> None:
    assert [(f.field, f.trouble) for f in read(text).findings] == [("phase", "conflict")]


TAGS = [("[RESOLVED] shop is back", 3), ("RESOLVED: shop is back", 3), ("[Phase 2] shop", 2)]


@pytest.mark.parametrize(("subject", "number"), TAGS, ids=[row[0] for row in TAGS])
def test_a_subject_tag_counts(read: Reads, subject: str, number: int) -> None:
    assert read("All orders go through.", subject).get("phase") == number


@pytest.mark.parametrize(
    "subject", ["resolved names point to the old host", "Monitoring: disks full"]
)
def test_a_word_of_the_table_is_no_tag_by_itself(read: Reads, subject: str) -> None:
    assert read("Orders hang.", subject).get("phase") is None
