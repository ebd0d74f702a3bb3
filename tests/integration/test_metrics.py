"""The pages of a real daemon: figures that Prometheus reads, and one line of why it is not well."""

import os
import signal
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from maild.config import ConfigError, config_of

from .conftest import SAMPLE, Daemon, mail, until
from .dovecot import PASSWORD, USER, Dovecot
from .sink import free_port

METRICS = '\n[metrics]\nlisten = "127.0.0.1:0"\n'


def port_of(daemon: Daemon) -> int:
    return int(
        until(lambda: [e["port"] for e in daemon.events() if e["event"] == "metrics"], "the pages")[
            -1
        ]
    )


def page(daemon: Daemon, path: str, method: str = "GET") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port_of(daemon)}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def figures(daemon: Daemon) -> dict[str, float]:
    status, text = page(daemon, "/metrics")
    assert status == 200, text
    return {
        sample.name + "".join(f" {v}" for v in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_and_health_of_a_daemon_that_is_well(make: Callable[..., Daemon]) -> None:
    daemon = make(METRICS)
    assert page(daemon, "/healthz") == (200, "ok\n")
    daemon.send(mail(SAMPLE))
    daemon.send(mail("Something is odd, I think.", "Odd"))
    daemon.settled(2)
    found = figures(daemon)
    assert found["maild_mails_total accepted"] == 1
    assert found["maild_mails_total rejected"] == 1
    assert found["maild_incidents_open"] == 1
    assert found["maild_deliveries_pending"] == found["maild_outbox_age_seconds"] == 0
    assert found["maild_relay_up"] == 1
    assert found["maild_reader_seconds_count"] == 2
    assert 0 < found["maild_disk_free_ratio"] <= 1
    assert found["maild_digest_timestamp_seconds daily"] > 1_700_000_000
    assert found["maild_trouble relay"] == 0
    assert "maild_imap_up" not in found
    assert page(daemon, "/")[0] == 404
    assert page(daemon, "/healthz", "POST")[0] == 405


def test_a_relay_that_is_down_and_what_waits_for_it_are_figures(
    make: Callable[..., Daemon],
) -> None:
    daemon = make(f'[delivery]\ntransport = "smtp"\nport = {free_port()}\n{METRICS}')
    daemon.send(mail(SAMPLE))
    until(lambda: daemon.times("relay_down"), "the relay to be missed")
    until(lambda: figures(daemon)["maild_outbox_age_seconds"] > 0.5, "the letters to age")
    found = figures(daemon)
    assert found["maild_relay_up"] == 0
    assert found["maild_deliveries_pending"] >= 3
    assert page(daemon, "/healthz")[0] == 200


def test_it_is_not_well_while_the_database_is_locked(make: Callable[..., Daemon]) -> None:
    daemon = make(METRICS)
    other = sqlite3.connect(daemon.folder / "var/maild.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    status, why = page(daemon, "/healthz")
    assert (status, why) == (503, "The database: database is locked\n")
    other.execute("ROLLBACK")
    other.close()
    until(lambda: page(daemon, "/healthz")[0] == 200, "it to be well again")


def test_it_is_not_well_while_the_door_does_not_answer(make: Callable[..., Daemon]) -> None:
    daemon = make(METRICS)
    assert page(daemon, "/healthz")[0] == 200
    door = daemon.child("door")
    os.kill(door, signal.SIGSTOP)
    try:
        until(lambda: page(daemon, "/healthz")[0] == 503, "it to be unwell")
        assert page(daemon, "/healthz")[1].startswith("The door does not say that it lives")
    finally:
        os.kill(door, signal.SIGCONT)
    until(lambda: page(daemon, "/healthz")[0] == 200, "it to be well again")


def test_a_port_that_somebody_has_stops_nothing_else(make: Callable[..., Daemon]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        daemon = make(f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
        until(lambda: daemon.times("metrics_unbound"), "it to be noticed")
        daemon.send(mail(SAMPLE))
        assert [row["verdict"] for row in daemon.settled(1)] == ["accepted"]
    assert page(daemon, "/healthz") == (200, "ok\n")


def test_who_talks_nonsense_or_nothing_holds_up_nobody(make: Callable[..., Daemon]) -> None:
    daemon = make(METRICS)
    with socket.create_connection(("127.0.0.1", port_of(daemon))) as silent:
        with socket.create_connection(("127.0.0.1", port_of(daemon))) as loud:
            loud.sendall(b"\xff" * 20_000 + b"\r\n\r\n")
            assert page(daemon, "/healthz")[0] == 200
        silent.sendall(b"GET /")
    assert page(daemon, "/healthz")[0] == 200
    assert daemon.times("bug") == 0


def test_other_machines_are_not_to_reach_it() -> None:
    with pytest.raises(ConfigError, match=r"metrics\.listen"):
        config_of({"metrics": {"listen": "0.0.0.0:9125"}})


@pytest.fixture
def dovecot(need: Callable[[str], str]) -> Iterator[Dovecot]:
    server = Dovecot(need("dovecot"))
    yield server
    server.close()


@pytest.mark.real
def test_whether_the_mailbox_is_watched_is_a_figure(
    make: Callable[..., Daemon], dovecot: Dovecot
) -> None:
    config = f'[imap]\nhost = "127.0.0.1"\nport = {dovecot.port}\ntls = "none"\n'
    config += f'user = "{USER}"\npassword_file = "password"\n'
    secret = dovecot.folder / "secret"
    secret.write_text(PASSWORD, "utf-8")
    secret.chmod(0o600)
    daemon = make(config.replace('"password"', f'"{secret}"') + METRICS)
    until(lambda: figures(daemon).get("maild_imap_up") == 1, "the mailbox to be watched")
    dovecot.kill()
    until(lambda: figures(daemon)["maild_imap_up"] == 0, "the loss to be noticed")
