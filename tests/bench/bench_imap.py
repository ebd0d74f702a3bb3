"""How fast a full mailbox is taken from a real Dovecot, and how soon a new mail is on record.

The promises are for a machine of its own; an assertion fails at five times as much only.
"""

import contextlib
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import SAMPLE, Daemon, mail, until
from tests.integration.dovecot import PASSWORD, USER, Dovecot

WAITING = 5_000
TAKEN_S = 30.0
NEW_S = 1.0
SLACK = 5


@pytest.fixture
def box(need: Callable[[str], str]) -> Iterator[Dovecot]:
    one = Dovecot(need("dovecot"))
    yield one
    one.close()


@pytest.fixture
def daemon(box: Dovecot, tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "password").write_text(PASSWORD, "utf-8")
    config = f'[imap]\nhost = "127.0.0.1"\nport = {box.port}\ntls = "none"\nuser = "{USER}"\n'
    one = Daemon(tmp_path / "site", config + f'password_file = "{tmp_path / "password"}"\n')
    yield one
    one.kill()


def arrived(daemon: Daemon) -> int:
    """Count the mails that are on record."""
    path = daemon.folder / "var/maild.db"
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM arrival").fetchone()
        return int(count)


def test_5000_wait(box: Dovecot, daemon: Daemon) -> None:
    for number in range(WAITING):
        message = mail(SAMPLE, f"Failure {number}")
        box.put(message.as_bytes(), f"{1_700_000_000 + number}.M{number}.here")
    begun = time.monotonic()
    daemon.start()
    until(lambda: len(box.lying("Processed")) == WAITING, "all to be moved", 600)
    took = time.monotonic() - begun
    assert arrived(daemon) == WAITING
    print(f"\n{WAITING} mails taken and moved in {took:.1f} s (promised: {TAKEN_S:.0f} s)")
    assert took < TAKEN_S * SLACK


def test_a_new_mail(box: Dovecot, daemon: Daemon) -> None:
    daemon.start()
    until(box.idling, "the daemon to idle")
    took = []
    for number in range(20):
        begun = time.monotonic()
        box.put(mail(SAMPLE, f"Failure {number}").as_bytes())
        until(lambda n=number: arrived(daemon) > n, "it to be on record")
        took.append(time.monotonic() - begun)
        until(box.idling, "the daemon to idle")
    middle, most = statistics.median(took), max(took)
    print(f"\na new mail is on record after {middle:.2f} s, at most {most:.2f} s ({NEW_S:.0f} s)")
    assert middle < NEW_S * SLACK
