"""The relay and the clock: an hour without a relay, and retries by a clock that steps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maild.delivery import WAITS

from .conftest import SAMPLE, Daemon, Hands, mail, until
from .sink import Sink, free_port, relay
from .test_delivery import config

MORNING = datetime(2027, 3, 1, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.slow
def test_a_relay_that_is_down_for_an_hour_costs_nobody_an_attempt_and_nothing_is_lost(
    make: Callable[..., Daemon], hands: Hands
) -> None:
    hands.at(MORNING)
    port = free_port()
    daemon = make(config(port))
    for number in range(6):
        daemon.send(mail(SAMPLE, f"Failure {number}"))
        until(lambda n=number: len(daemon.records().mails()) > n, "it to be concluded")
        hands.by(timedelta(minutes=10))
    until(lambda: daemon.times("relay_down"), "the relay seen down")
    until(lambda: daemon.times("reminder"), "a reminder that is due meanwhile")
    assert {row["attempts"] for row in daemon.records().queue()} == {0}
    sink = Sink()
    with relay(sink, port):
        until(lambda: not daemon.records().queue(), "all to be sent", 60)
    subjects = [str(m["Subject"]).split("] ")[1] for m in sink.to("bob@example.com")]
    assert sorted(subjects) == [f"Failure {number}" for number in range(6)]
    reminded = [str(m["Message-ID"]) for m in sink.to("kevin@example.com") if is_reminder(m)]
    assert len(reminded) == len(set(reminded)) > 0
    assert daemon.times("relay_down") == daemon.times("relay_up") == 1


def is_reminder(message: Any) -> bool:
    return str(message["X-Incident-Kind"]) == "reminder"


@pytest.mark.slow
def test_the_scale_of_retries_is_kept_by_a_clock_that_steps(
    make: Callable[..., Daemon], hands: Hands
) -> None:
    hands.at(MORNING)
    sink = Sink(rcpt=lambda r: "450 4.2.1 Later" if r.startswith("bob") else "")
    steps = {2: HOUR, 4: -HOUR}
    with relay(sink) as port:
        daemon = make(config(port))
        daemon.send(mail(SAMPLE))
        for attempt, wait in enumerate(WAITS, start=1):
            row = tried(daemon, attempt)
            ahead = datetime.fromisoformat(row["due_at"]) - hands.now()
            assert wait - timedelta(seconds=5) < ahead <= wait
            step = steps.get(attempt, timedelta(0))
            hands.by(step)
            if step < timedelta(0):
                look(daemon)
                assert tried(daemon, attempt)["due_at"] == row["due_at"]
            if step <= timedelta(0):
                hands.at(datetime.fromisoformat(row["due_at"]))
            look(daemon)
        tried(daemon, len(WAITS) + 1)
        assert sink.asked.count("bob@example.com") == len(WAITS) + 1
        sink.rcpt = lambda recipient: ""
        hands.by(HOUR)
        look(daemon)
        until(lambda: sink.to("bob@example.com"), "Bob's copy")
        until(lambda: not daemon.records().queue(), "nothing to be owed")
    assert len(sink.to("ana@example.com")) == len(sink.to("bob@example.com")) == 1


def tried(daemon: Daemon, attempts: int) -> dict[str, Any]:
    """Wait until Bob was tried so often; gives what is owed to him."""

    def found() -> dict[str, Any] | None:
        rows = [r for r in daemon.records().queue() if r["recipient"] == "bob@example.com"]
        assert rows[0]["attempts"] <= attempts
        return rows[0] if rows[0]["attempts"] == attempts else None

    return dict(until(lambda: daemon.records().queue() and found(), f"attempt {attempts}"))


def look(daemon: Daemon) -> None:
    """Make the daemon look at its clock: a mail wakes it, and is concluded."""
    count = len(daemon.records().mails())
    daemon.send(mail("I am away.", "Away", Auto_Submitted="auto-replied"))
    until(lambda: len(daemon.records().mails()) > count, "a machine's mail to be concluded")
