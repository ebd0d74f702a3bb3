"""Severity (reading rules, sections 1, 3, 8.3, 8.4, 8.10): what states it, and what only looks so."""

import pytest

from .conftest import Reads

STATES = [
    ("Severity: 2", 2),
    ("severity 3", 3),
    ("Sev 2", 2),
    ("SEV2", 2),
    ("SEV-1", 1),
    ("Sev. 4", 4),
    ("Severity: SEV2", 2),
    ("SEV-1 (Critical)", 1),
    ("severity two", 2),
    ("Severity II", 2),
    ("Severity: High", 2),
    ("Severity: severe", 1),
    ("severity = mild", 4),
    ("**Severity:** moderate", 3),
    ("- Severity – major", 2),
    ("| Severity | 3 |", 3),
    ("SEVERITY: LOW", 4),
    ("This is a high severity incident.", 2),
    ("severity level 2", 2),
    ("Severity: S2", 2),
    ("Severity: P3", 3),
    ("S2 | phase 1 | IC Ana Silva", 2),
    ("I am raising severity from 3 to 2.", 2),
    ("Severity 2 (was 3)", 2),
    ("SEV3 -> SEV2", 2),
    ("Severity: 3 → 2", 2),
    ("We have downgraded to SEV3.", 3),
    ("It was raised to severity 1 at noon.", 1),
    ("Severity 3, I think.", 3),
    ("Severity: 3?", 3),
    ("SEV2 (proposed)", 2),
    ("My best guess is severity 2.", 2),
    ("We treat this as a sev 1.", 1),
    ("Severity: 2\nAs I said, this is a severity 2.", 2),
    ("This was a severity 3 until noon. It is a severity 2 now.", 2),
    ("Ｓｅｖｅｒｉｔｙ：２", 2),
    ("Sev\u200berity:\u00a02", 2),
    ("Severity\u2014 2", 2),
]


@pytest.mark.parametrize(("text", "step"), STATES, ids=[row[0] for row in STATES])
def test_it_is_stated(read: Reads, text: str, step: int) -> None:
    stated = read(text)
    assert stated.get("severity") == step
    assert not stated.findings


SAYS_NOTHING = [
    "Logs are in the S3 bucket, and P2 is a replica.",
    "It was severity 3 until noon.",
    "If this goes on, it becomes a severity 1.",
    "Should this be a Sev 1?",
    "Is this a severity 2?",
    "This is not a SEV1.",
    "It feels like last month's SEV2.",
    "The vendor calls it severity 1.",
    "CVE-2026-1234 has severity 9.8.",
    "Ticket OPS-12 was filed as Sev 3.",
    "Priority: High",
    "Every sev 2 needs a postmortem.",
    "We rate the severity later today.",
    "The severe weather is over, and major roads are open.",
    'He wrote "this is a severity 1" in the chat.',
    "The severity of the storm was high.",
]


@pytest.mark.parametrize("text", SAYS_NOTHING, ids=SAYS_NOTHING)
def test_it_is_not_stated(read: Reads, text: str) -> None:
    stated = read(text)
    assert stated.get("severity") is None
    assert not stated.findings


INVALID = [
    ("Severity 7", "7"),
    ("SEV0", "SEV0"),
    ("Severity: 12", "12"),
    ("Severity: Urgent", "Urgent"),
    ("Severity: on fire", "on fire"),
    ("Severity: was 3", "was 3"),
    ("Severity: was 7", "was 7"),
    ("Severity: 7 was 8", "7"),
]


@pytest.mark.parametrize(("text", "words"), INVALID, ids=[row[0] for row in INVALID])
def test_what_is_off_the_scale_is_invalid_and_kept_as_written(
    read: Reads, text: str, words: str
) -> None:
    (finding,) = read(text).findings
    assert (finding.field, finding.trouble, finding.values) == ("severity", "invalid", (words,))


CONFLICTS = [
    "Sev 2 (Critical)",
    "SEV 2-3",
    "Severity: 2 or 3",
    "S2/P1",
    "Severity: 2\nSeverity: 3",
    "Severity: 2\nThis is a severity 1.",
    "Severity: 2, later on: Severity: Urgent",
]


@pytest.mark.parametrize("text", CONFLICTS, ids=CONFLICTS)
def test_two_values_are_a_conflict(read: Reads, text: str) -> None:
    stated = read(text)
    assert [(f.field, f.trouble) for f in stated.findings] == [("severity", "conflict")]
    assert stated.get("severity") is None


@pytest.mark.parametrize("word", ["TBD", "none", "n/a", "-", "to follow", "?", "unknown"])
def test_a_label_that_leaves_it_open_is_missing_and_not_invalid(read: Reads, word: str) -> None:
    stated = read(f"Severity: {word}\nPhase: 1")
    assert "severity" not in stated.values
    assert not stated.findings
    assert stated.left_open["severity"].startswith("Severity:")


def test_prose_under_a_cue_is_no_conflict_with_the_label(read: Reads) -> None:
    assert read("Severity: 2\nIt could become a severity 1 soon.").get("severity") == 2


def test_the_words_are_kept_as_written(read: Reads) -> None:
    assert (
        read("**Severity:** `SEV-2` – we think").words["severity"].startswith("Severity:** `SEV-2")
    )
