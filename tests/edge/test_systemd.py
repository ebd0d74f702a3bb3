"""Credentials and sockets of systemd's, without systemd."""

import os
import socket
from pathlib import Path

import pytest

from maild.config import config_of
from maild.edge.files import default_folder, load_rules
from maild.edge.listening import handed, opened
from maild.edge.systemd import credential, take_sockets, watchdog_seconds
from maild.edge.templates import renderer
from maild.site import Site


def test_a_file_may_be_a_credential(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    site = Site(
        config_of({}), Path("/etc/maild"), load_rules(), renderer(default_folder("templates"))
    )
    assert site.file("%d/users") == tmp_path / "users"
    assert site.file("users") == Path("/etc/maild/users")
    assert site.file("/run/users") == Path("/run/users")


def test_a_credential_that_systemd_does_not_give_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(FileNotFoundError, match="%d/users"):
        credential("users")


def test_the_watchdog_is_for_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    assert watchdog_seconds() == 60
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_seconds() is None


def test_sockets_are_taken_once_and_only_by_whom_they_are_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    assert take_sockets() == []
    assert "LISTEN_FDS" not in os.environ


def test_a_socket_that_does_not_listen_is_refused() -> None:
    with socket.socket() as idle, pytest.raises(OSError, match="no listening TCP socket"):
        handed([("smtp", idle)])


def test_what_is_held_stays_open_and_a_failure_changes_nothing() -> None:
    here = ("127.0.0.1:0", ("127.0.0.1", 0))
    held = opened({"smtp": [here]})
    try:
        assert opened({"smtp": [here]}, held) == held
        taken = ("taken", ("127.0.0.1", held[0].port))
        with pytest.raises(OSError, match="cannot listen on taken"):
            opened({"smtp": [here, taken]}, held)
        assert held[0].socket.fileno() > 0
    finally:
        held[0].socket.close()


def test_a_kind_that_was_handed_over_needs_no_places() -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        held = handed([("smtp", given)])
        assert opened({"smtp": [("nowhere:0", ("nowhere", 0))]}, held) == held
