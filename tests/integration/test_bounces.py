"""Bounces and forged authors, with a real daemon and a relay."""

import smtplib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.edge.test_complaints import REPORT
from tests.unit.mail.test_bounce import GONE, report

from .conftest import SAMPLE, Daemon, mail, until
from .sink import Sink, relay

RELAY = '[delivery]\ntransport = "smtp"\nport = {}\nverp = "always"\n'


def crlf(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


def test_a_bounce_finds_the_delivery_by_its_own_token(make: Callable[..., Daemon]) -> None:
    sink = Sink()
    with relay(sink) as port:
        daemon = make(RELAY.format(port))
        daemon.send(mail(SAMPLE))
        daemon.settled(1)
        paths = {to: path for path, (to,), m in sink.taken if m["X-Incident-Kind"] == "opening"}
        assert len(set(paths.values())) == 3
        with smtplib.SMTP("127.0.0.1", daemon.port, timeout=30) as client:
            client.sendmail("", [paths["bob@example.com"]], crlf(report(GONE)))
            client.sendmail(
                "", ["incidents-bounces+aaaaaaaaaaaa@example.com"], crlf(report(GONE, "1"))
            )
        _, real, forged = daemon.settled(3)
    assert real["verdict"] == forged["verdict"] == "ignored"
    assert real["reason"] == "bounce: bob@example.com not reached (5.1.1)"
    assert "without a token" in forged["reason"]
    assert "bob@example.com (opening): bounced 5.1.1" in daemon.run("show", "INC-2026-0001")


def test_a_complaint_that_bears_his_token_ends_his_copies_and_a_forged_one_does_not(
    make: Callable[..., Daemon],
) -> None:
    sink = Sink()
    with relay(sink) as port:
        daemon = make(RELAY.format(port))
        daemon.send(mail(SAMPLE))
        daemon.settled(1)
        paths = {to: path for path, (to,), m in sink.taken if m["X-Incident-Kind"] == "opening"}
        owner = "incidents-owner@example.com"
        for number, path in enumerate(
            (paths["bob@example.com"], "incidents-bounces+aaaaaaaaaaaa@x")
        ):
            named = {"to": owner, "id": number, "kind": "abuse", "named": "", "path": path}
            daemon.send(crlf(REPORT.format(**named).encode()), "fbl@isp.example.net", owner)
        daemon.settled(3)
        daemon.send(mail(SAMPLE, "Another failure"))
        daemon.settled(4)
    assert [m["To"] for m in sink.to("oncall-leads@example.com") if "spam" in m["Subject"]]
    assert [str(m["Subject"])[:20] for m in sink.to("bob@example.com")] == ["[INC-2026-0001] Prod"]
    assert len([m for m in sink.to("ana@example.com") if "INC-2026" in m["Subject"]]) == 2


def test_what_goes_out_is_signed_where_there_is_a_key(make: Callable[..., Daemon]) -> None:
    daemon = make()
    daemon.stop()
    printed = daemon.run("dkim-key", "dkim.key")
    assert "maild._domainkey.example.com. IN TXT" in printed
    config = Path(daemon.folder) / "maild.toml"
    config.write_text(config.read_text("utf-8") + '\n[signing]\nkey_file = "dkim.key"\n', "utf-8")
    daemon.start()
    daemon.send(mail(SAMPLE))
    copy = until(lambda: daemon.letters("bob@example.com"), "Bob's copy")[0]
    assert "d=example.com" in copy["DKIM-Signature"]


def test_a_forged_author_is_refused_in_the_session(make: Callable[..., Daemon]) -> None:
    daemon = make('[posting]\nauthenticate = "dmarc"\nauthserv_id = "mx.example.com"\n')
    with pytest.raises(smtplib.SMTPDataError, match=r"5\.7\.26"):
        daemon.send(mail(SAMPLE))
    said = {"Authentication_Results": "mx.example.com; dmarc=pass header.from=example.com"}
    daemon.send(mail(SAMPLE, **said))
    (row,) = daemon.settled(1)
    assert row["verdict"] == "accepted"
