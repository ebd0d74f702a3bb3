"""A week of twelve incidents through the real daemon, its clock moved on by the test."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from .conftest import Daemon, Hands, mail, text_of, until

MONDAY = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
TROUBLES = (
    "Logins fail in Singapore",
    "Invoices are sent twice",
    "Search returns nothing",
    "The payroll export hangs",
    "Label printers are silent",
    "Checkout is slow",
    "Maps show the wrong city",
    "The intranet has lost its certificate",
    "Orders of the night are missing",
    "Telephones in Lyon ring twice",
    "The badge readers reject everybody",
    "Backups of the archive have stopped",
)
OPENING = "{what} since eight. People have written to us about it.\n\nSeverity {severity}, phase 1. I am incident commander. Channel: #inc-{number}.\n"


class Week:
    """The daemon, and the hands of its clock."""

    def __init__(self, daemon: Daemon, hands: Hands) -> None:
        self.daemon, self.at = daemon, hands.at

    def send(self, moment: datetime, number: int, words: str) -> None:
        self.at(moment)
        first = words.startswith(TROUBLES[number])
        to = "incidents@example.com" if first else f"incidents+2027-{number + 1:04d}@example.com"
        author = f"Responder {number} <responder{number}@example.com>"
        count = len(self.daemon.records().mails())
        self.daemon.send(
            mail(words, TROUBLES[number], author, to, Date=f"{moment:%a, %d %b %Y %H:%M:%S +0000}")
        )
        until(lambda: len(self.daemon.records().mails()) > count, f"mail of incident {number}")


@pytest.fixture
def week(make: Callable[..., Daemon], hands: Hands) -> Week:
    hands.at(MONDAY)
    daemon = make('[posting]\nreceipts = "never"\n')
    daemon.run("roster", "add", "mime@example.com", "--form", "mime", "--mode", "none")
    return Week(daemon, hands)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_each_morning_has_one_digest_that_names_every_open_incident(
    week: Week, need: Callable[[str], str], tmp_path: Path
) -> None:
    daemon, opened, closed = week.daemon, set[int](), set[int]()
    for day in range(7):
        morning = MONDAY + timedelta(days=day)
        for number in (2 * day, 2 * day + 1) if day < 6 else ():
            words = OPENING.format(what=TROUBLES[number], severity=1 + number % 4, number=number)
            week.send(morning + timedelta(hours=2, minutes=number), number, words)
            opened.add(number)
        for number in (2 * day - 4, 2 * day - 3) if day >= 2 else ():
            words = f"Severity {1 + number % 4}, phase 3, I am IC. It is over, the cause is known."
            week.send(morning + timedelta(hours=5, minutes=number), number, words)
            closed.add(number)
        week.at(morning + timedelta(days=1, hours=1, minutes=1))
        digest = until(lambda n=day: _digests(daemon)[n:], f"the digest of day {day}")[0]
        text = text_of(digest)
        still = opened - closed
        assert f"{len(still)} open" in str(digest["Subject"])
        assert all(f"{number + 1:04d} {TROUBLES[number]}"[:20] in text for number in still), text
        assert max(map(len, text.split("\n"))) <= 72
    assert len(_digests(daemon)) == 7
    assert {row["verdict"] for row in daemon.records().mails()} == {"accepted"}
    bundles = [
        m
        for m in daemon.letters("mime@example.com")
        if "digest" in str(m.get_content_type()) or m.is_multipart()
    ]
    assert bundles
    (tmp_path / "bundle").write_bytes(bundles[0].as_bytes())
    shown = subprocess.run(
        [need("mshow"), "-t", str(tmp_path / "bundle")], capture_output=True, text=True
    )
    assert shown.stdout.count("message/rfc822") >= 2


def _digests(daemon: Daemon) -> list[object]:
    return daemon.letters("ana@example.com", "digest")
