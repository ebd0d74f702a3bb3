"""The report: description, words of reply, and where fields are read (sections 2, 5, 8.7 to 8.9)."""

import time
from collections.abc import Callable

import pytest

from maild.mail.message import Part
from maild.reading.report import Reader, Report

from .conftest import Reads, mail_of

Reports = Callable[..., Report]


@pytest.mark.parametrize(
    "text",
    [
        "Severity 2, phase 1. I am incident commander.\n\nCheckout answers with errors.",
        "Impact: nobody can pay",
        "Severity: 2\nOrders hang in the queue since noon.",
        "決済が落ちています。",
        "Severity: 2\n\nTimeline\n14:05 first alarm",
        "Severity: 2\n\nNext steps:\n- swap the disk",
        'IC: me\n\n"Severity 3 is what the vendor told us on the phone."',
    ],
)
def test_prose_is_a_description(report: Reports, text: str) -> None:
    assert report(text).description


@pytest.mark.parametrize(
    "text",
    [
        "Severity 2, phase 1. I am incident commander.",
        "Severity: 2\nPhase: 1\nIC: me\nChannel: #inc-1",
        "Hi all,\n\nSeverity: 2",
        "",
        "   \n\n",
    ],
)
def test_fields_and_greetings_alone_are_none(report: Reports, text: str) -> None:
    assert not report(text).description


def test_a_timeline_and_a_plan_are_prose_and_state_nothing(report: Reports) -> None:
    found = report(
        "Severity: 2\n\nTimeline (UTC)\n14:05 severity 4\n  for 10 minutes\n\nPlan:\n- 15:00 phase 2\n\nIC: me"
    )
    assert [(r.field, r.words) for r in found.readings] == [
        ("severity", "Severity: 2"),
        ("commander", "IC: me"),
    ]
    assert found.prose.startswith("14:05 severity 4 for 10 minutes - 15:00 phase 2")


@pytest.mark.parametrize(
    ("text", "word", "rest"),
    [
        ("same", "same", ""),
        ("Same, but severity 2", "same", "severity 2"),
        ("unchanged", "same", ""),
        ("as before except phase 2", "same", "phase 2"),
        ("withdraw", "withdraw", ""),
        ("apply", "apply", ""),
        ("stop reminders", "stop", ""),
        ("The same happens here", "", "The same happens here"),
        ("sameness is no word of ours", "", "sameness is no word of ours"),
        ("withdraw the last change to the router now", "", "withdraw the last change to the router now"),
    ],
)  # fmt: skip
def test_the_first_word_of_a_reply(report: Reports, text: str, word: str, rest: str) -> None:
    found = report(text)
    assert (found.reply_word, found.rest) == (word, rest)


@pytest.mark.parametrize(
    ("text", "unchanged"),
    [
        ("No change in severity, phase or IC.", {"severity", "phase", "commander"}),
        ("Same severity, phase 2, same IC.", {"severity", "commander"}),
        ("Same, but severity 2.", set()),
        ("No change on our side. Severity 2.", set()),
    ],
)
def test_a_first_word_that_is_said_of_fields_is_read_with_them(
    report: Reports, text: str, unchanged: set[str]
) -> None:
    found = report(text).readings
    assert {reading.field for reading in found if reading.outcome == "current"} == unchanged


def test_quoted_text_is_not_read(read: Reads) -> None:
    stated = read("Phase: 1\n\nOn Monday Ana wrote:\n> Severity: 2\n> I am incident commander.\n")
    assert stated.get("phase") == 1
    assert stated.get("severity") is None
    assert stated.get("commander") is None


def test_a_bare_forward_is_read_as_its_authors_text(report: Reports) -> None:
    text = (
        "---------- Forwarded message ----------\nFrom: Ana Silva <ana@example.org>\n"
        "Date: Wed, 11 Mar 2026\nSubject: down\n\nSeverity 2. I am incident commander.\n"
    )
    found = report(text)
    assert found.forwarded
    assert found.author.address == "ana@example.org"
    assert [r.value for r in found.of("severity")] == [2]


def test_html_is_read_where_the_text_is_blank(read: Reads) -> None:
    html = "<p><b>Severity:</b> 2</p><p style='display:none'>Phase: 1</p><del>IC: Bob Lee</del>"
    stated = read("", parts=(Part(" \n"), Part(html, html=True)))
    assert stated.get("severity") == 2
    assert stated.get("phase") is None
    assert stated.get("commander") is None


@pytest.mark.parametrize("count", [1, 2_000])
def test_a_field_stands_out_in_a_long_text(read: Reads, count: int) -> None:
    assert read("The disks are slow today. " * count + "\n\nSeverity: 2").get("severity") == 2


@pytest.mark.parametrize(
    "text",
    [
        "IC: " + "Ana Silva / " * 16_000,
        "Severity: " * 20_000,
        "IC from " * 25_000,
        "a" * 1_000_000,
        "IC: " + "a,b:" * 50_000,
        "Scribe: Jo " * 20_000,
        "+1 2\n" * 40_000,
        "sev 1, " * 30_000,
    ],
    ids=["people", "labels", "handoffs", "one word", "commas", "next labels", "numbers", "values"],
)
def test_no_text_makes_the_reader_slow(reader: Reader, text: str) -> None:
    begun = time.process_time()
    reader.read(mail_of(text))
    assert time.process_time() - begun < 2
