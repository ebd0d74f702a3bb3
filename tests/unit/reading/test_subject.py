"""Subject and summary (reading rules, sections 1, 2.3, 2.4, 8.7)."""

from collections.abc import Callable

import pytest

from maild.reading.report import Report

from .conftest import Reads

SUMMARIES = [
    ("Checkout is down", "Checkout is down"),
    ("Re: Fwd: Checkout is down", "Checkout is down"),
    ("AW: WG: Checkout is down", "Checkout is down"),
    ("SV: RE[2]: Checkout is down", "Checkout is down"),
    ("[EXTERNAL] Checkout is down", "Checkout is down"),
    ("[incidents] Checkout is down", "Checkout is down"),
    ("[SEV2] Checkout is down", "Checkout is down"),
    ("[SEV2][Phase 1] Checkout is down", "Checkout is down"),
    ("SEV2: Checkout is down", "Checkout is down"),
    ("[SEV9] Checkout is down", "Checkout is down"),
    ("Checkout is down (SEV2)", "Checkout is down"),
    ("Checkout is down - phase 1", "Checkout is down"),
    ("Checkout is down, severity 2, phase 1", "Checkout is down"),
    ("[INC-2026-0007] Checkout is down", "Checkout is down"),
    ("[Berlin] Checkout is down", "[Berlin] Checkout is down"),
    ("Checkout: payments fail", "Checkout: payments fail"),
    ("Phase of the moon app crashes", "Phase of the moon app crashes"),
    ("Re:", ""),
    ("", ""),
    ("[SEV2]", ""),
    ("SEV2", ""),
    ("SEV2 | phase 1", ""),
]


@pytest.mark.parametrize(("subject", "summary"), SUMMARIES, ids=[row[0] for row in SUMMARIES])
def test_the_summary_is_the_subject_without_marks_and_fields(
    read: Reads, subject: str, summary: str
) -> None:
    assert read("Orders hang.", subject).summary == summary


FIELDS = [
    ("[SEV2] Checkout is down", "severity", 2),
    ("S2: Checkout is down", "severity", 2),
    ("Checkout is down (P1)", "severity", 1),
    ("[Sev 2 | Phase 1] Checkout is down", "phase", 1),
    ("Checkout is down, phase 1", "phase", 1),
    ("Checkout is down | channel #inc-1", "channel", ("#inc-1",)),
]


@pytest.mark.parametrize(("subject", "field", "value"), FIELDS, ids=[row[0] for row in FIELDS])
def test_a_field_in_the_subject_is_read(
    read: Reads, subject: str, field: str, value: object
) -> None:
    assert read("Orders hang.", subject).get(field) == value


NOT_FIELDS = [
    ("S3 bucket is gone", "severity"),
    ("Severity of alerts is wrong", "severity"),
    ("No more SEV2 tickets in the queue", "severity"),
    ("Three-phase 2 kW supply lost", "phase"),
    ("Bug #4512 is back", "channel"),
]


@pytest.mark.parametrize(("subject", "field"), NOT_FIELDS, ids=[row[0] for row in NOT_FIELDS])
def test_what_only_looks_like_a_field_is_none(read: Reads, subject: str, field: str) -> None:
    assert read("Orders hang.", subject).get(field) is None


def test_in_an_opening_subject_and_body_that_differ_are_a_conflict(read: Reads) -> None:
    stated = read("This is a severity 3.", "[SEV2] Checkout is down")
    assert [(f.field, f.trouble) for f in stated.findings] == [("severity", "conflict")]


def test_an_off_scale_tag_is_invalid_and_kept_as_written(read: Reads) -> None:
    (finding,) = read("Orders hang.", "[SEV9] Checkout is down").findings
    assert (finding.field, finding.trouble) == ("severity", "invalid")


def test_the_tokens_of_incidents_are_collected(report: Callable[..., Report]) -> None:
    found = report("Seen here too.", "Re: [inc-2026-0007] Checkout is down")
    assert found.tokens == ("INC-2026-0007",)
    assert found.subject == "checkout is down"
    assert report("Seen here too.", "Re: INC-2026-0007 Checkout").tokens == ()
