"""How fast a mail is read, and how soon `maild read` is there to read one.

The promises are those of the figures below; an assertion fails at five times as much only, so that
a busy machine breaks no build. Each figure is the median of many runs, and CPU time, not the clock's.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from maild.edge.files import load_rules, raw_from_file
from maild.mail.parse import parse
from maild.reading.body import ListNames
from maild.reading.report import Reader

START_UP_S = 0.4
READ_4KB_MS = 1.0
SLACK = 5
LIST = "incidents@example.com"

PARAGRAPH = (
    "This morning the label printers on wards 3 to 7 began to print without the patient number, so\n"
    "nurses copy it by hand. We have restarted the print server twice, and its queue is empty. The\n"
    "vendor has been called and will be here by noon. Nobody has been harmed, and all samples are\n"
    "checked by two people. Please keep using the paper forms until we tell you.\n\n"
)
MAIL = (
    (
        "From: Kevin Riggle <kevin@example.com>\n"
        "To: incidents@example.com\n"
        "Subject: Lab labels print without the patient number\n"
        "Date: Wed, 11 Mar 2026 09:00:00 +0000\n"
        "Message-ID: <one@example.com>\n"
        "Content-Type: text/plain; charset=utf-8\n\n"
        "Severity 2, phase 1. I am incident commander. Coordinating via #lab-labels on Slack.\n\n"
        + PARAGRAPH * 10
        + "Customer liaison: Maeve Dolan\nNext update: 14:30 UTC\n"
    )
    .replace("\n", "\r\n")
    .encode()
)


@pytest.fixture(scope="module")
def reading() -> Callable[[], object]:
    reader = Reader(load_rules(), ListNames(LIST, ("incidents",), UTC))
    raw = raw_from_file(MAIL, datetime(2026, 3, 11, 9, 0, tzinfo=UTC), LIST)
    return lambda: reader.read(parse(raw))


def cpu_ms(run: Callable[[], object], times: int = 200) -> float:
    run()
    spent = []
    for _ in range(times):
        begun = time.process_time_ns()
        run()
        spent.append(time.process_time_ns() - begun)
    return statistics.median(spent) / 1e6


def test_reading_a_mail_of_4_kb(reading: Callable[[], object]) -> None:
    took = cpu_ms(reading)
    print(f"\nreading a mail of {len(MAIL)} octets: {took:.2f} ms CPU (promised: {READ_4KB_MS} ms)")
    assert took < READ_4KB_MS * SLACK


def test_start_up_of_maild_read(tmp_path: Path) -> None:
    file = tmp_path / "one.eml"
    file.write_bytes(MAIL)
    took = statistics.median(_start_up(file) for _ in range(7))
    print(f"\nmaild read --json of one mail: {took:.2f} s CPU (promised: {START_UP_S} s)")
    assert took < START_UP_S * SLACK


def _start_up(file: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "maild", "read", "--json", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
