"""A real daemon whose relay forwards its canary back to it, or drops it."""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from .conftest import Daemon, mail, until
from .sink import Sink, relay
from .test_alarms import PAGE, paged
from .test_metrics import METRICS, figures, page

OUTSIDE = "back@far.example.org"


@dataclass
class Forwarder(Sink):
    """Takes all mail, and forwards what is for the outside to the list, as an alias does."""

    port: int = 0
    drops: bool = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        reply = await super().handle_DATA(server, session, envelope)
        if OUTSIDE in envelope.rcpt_tos and self.port and not self.drops:
            path = envelope.mail_from
            with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
                client.sendmail(path or "", "incidents+canary@example.com", envelope.content)
        return reply


def config(port: int, **keys: str) -> str:
    table = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return (
        f'[delivery]\ntransport = "smtp"\nport = {port}\n{PAGE}{METRICS}'
        f'\n[canary]\naddress = "{OUTSIDE}"\n{table}'
    )


@pytest.mark.slow
def test_a_canary_that_is_dropped_alarms_by_every_way_and_one_that_is_back_ends_it(
    make: Callable[..., Daemon],
) -> None:
    sink = Forwarder(drops=True)
    with relay(sink) as port:
        daemon = make(config(port, every="2 s", within="4 s"))
        sink.port = daemon.port
        until(lambda: "trouble: canary" in paged(daemon), "the alarm command", 40)
        assert "has not come back." in paged(daemon)
        (told,) = until(lambda: sink.to("oncall-leads@example.com"), "the owner's mail")
        assert str(told["Subject"]).startswith("maild's mail does not come back (")
        status, why = page(daemon, "/healthz")
        assert (status, why[:34]) == (503, "The mail that maild sent to itself")
        assert figures(daemon)["maild_trouble canary"] == 1
        assert daemon.times("alarm") == 1
        sink.drops = False
        until(lambda: daemon.times("alarm_over"), "one to come back")
        assert page(daemon, "/healthz") == (200, "ok\n")
        assert figures(daemon)["maild_canary_timestamp_seconds"] > 1_700_000_000
        assert len(sink.to("oncall-leads@example.com")) == 1
        assert {row["kind"] for row in daemon.records().mails()} == {"canary"}


@pytest.mark.slow
def test_canaries_that_come_back_are_never_answered_and_are_no_incident(
    make: Callable[..., Daemon],
) -> None:
    sink = Forwarder()
    with relay(sink) as port:
        daemon = make(config(port, every="1 s", within="10 s"))
        sink.port = daemon.port
        until(lambda: len(daemon.records().mails()) >= 4, "four to come back")
        daemon.send(mail("Severity 2, phase 1, I am IC. Half of it fails. Channel: #x"))
        until(lambda: sink.to("ana@example.com"), "the copy")
        assert len(list(daemon.records().incidents())) == 1
        assert {str(m["To"]) for _, to, m in sink.taken if OUTSIDE in to} == {OUTSIDE}
        assert daemon.times("alarm") == 0
