"""`read`: what a text says, as the reader and the verdict understand it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from maild.edge.files import load_rules
from maild.incident.verdict import Background, Stated, counting, resolve
from maild.mail.message import Address, Envelope, Mail, Part
from maild.reading.body import ListNames
from maild.reading.report import Reader, Report
from maild.reading.rules import Rules

AUTHOR = Address("Kevin Riggle", "kevin@example.com")
WRITTEN_AT = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)  # a Wednesday
LIST = ListNames("incidents@example.com", ("incidents",), UTC)
SECOND = Path(__file__).parents[2] / "rules" / "second"


def mail_of(text: str, subject: str = "checkout is down", **changed: Any) -> Mail:
    """A mail as it would come out of `parse`."""
    known: dict[str, Any] = {
        "envelope": Envelope(AUTHOR.address, (LIST.address,)),
        "received_at": WRITTEN_AT,
        "message_id": "one@example.com",
        "author": AUTHOR,
        "subject": subject,
        "written_at": WRITTEN_AT,
        "parts": (Part(text),),
    }
    return Mail(**{**known, **changed})


def settled(report: Report) -> Stated:
    """What an opening with these readings states."""
    background = Background()
    counts = counting(report, "opening", background)
    return resolve(counts, report, report.author, background)


Reads = Callable[..., Stated]


@pytest.fixture(scope="session")
def rules() -> Rules:
    return load_rules()


@pytest.fixture(scope="session")
def reader(rules: Rules) -> Reader:
    return Reader(rules, LIST)


@pytest.fixture(scope="session")
def report(reader: Reader) -> Callable[..., Report]:
    return lambda text, subject="checkout is down", **mail: reader.read(
        mail_of(text, subject, **mail)
    )


@pytest.fixture(scope="session")
def read(report: Callable[..., Report]) -> Reads:
    """`read(text, subject=...)` gives what an opening states."""
    return lambda text, subject="checkout is down", **mail: settled(report(text, subject, **mail))


@pytest.fixture(scope="session")
def lies() -> Reads:
    """The same with the second rule set: German, five priorities, named phases."""
    second = Reader(load_rules(SECOND), LIST)
    return lambda text, subject="Kasse steht", **mail: settled(
        second.read(mail_of(text, subject, **mail))
    )
