"""The store in trouble: locked by somebody, disk full; nothing is lost, and all recovers by itself."""

import os
import smtplib
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import SAMPLE, Daemon, mail, until


def sound(daemon: Daemon) -> bool:
    with sqlite3.connect(daemon.folder / "var/maild.db") as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return bool(found == "ok")


@pytest.mark.slow
def test_a_database_locked_by_another_process_gives_451_and_recovers(daemon: Daemon) -> None:
    other = sqlite3.connect(daemon.folder / "var/maild.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        daemon.send(mail(SAMPLE))
    assert refused.value.smtp_code == 451
    assert refused.value.smtp_error.startswith(b"4.3.0 ")
    assert b"lock" not in refused.value.smtp_error.lower()
    other.execute("ROLLBACK")
    other.close()
    daemon.send(mail(SAMPLE))
    assert [row["verdict"] for row in daemon.settled(1)] == ["accepted"]
    assert sound(daemon)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB; only root may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small file system here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
def test_a_full_disk_gives_451_keeps_what_was_taken_and_recovers(
    make: Callable[..., Daemon], small_disk: Path
) -> None:
    daemon = make(f'[store]\npath = "{small_disk}/maild.db"\n')
    taken = []

    def fill() -> bool:
        message = mail(SAMPLE + "x " * 100_000, f"Failure {len(taken)}")
        try:
            daemon.send(message)
        except smtplib.SMTPDataError as error:
            return error.smtp_code in (451, 452)
        taken.append(str(message["Message-ID"]).strip("<>"))
        return False

    (small_disk / "ballast").write_bytes(b"\0" * (2 << 20))
    until(fill, "the disk to be full", 60)
    (small_disk / "ballast").unlink()
    until(lambda: not _refused(daemon), "the door to open again", 30)
    with sqlite3.connect(small_disk / "maild.db") as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
        known = {row[0] for row in connection.execute("SELECT message_id FROM mail")}
        waits = connection.execute("SELECT count(*) FROM waiting").fetchone()[0]
    connection.close()
    assert found == "ok"
    assert len(set(taken) - known) <= waits


def _refused(daemon: Daemon) -> bool:
    try:
        daemon.send(mail("A small one. Severity 2, phase 1, I am IC. Channel: #x", "After it"))
    except smtplib.SMTPDataError:
        return True
    return False
