"""The store in trouble: locked by somebody, disk full; nothing is lost, and all recovers by itself."""

import os
import shutil
import smtplib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import SAMPLE, Daemon, mail, until

LOCK = """\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
LOCKED_SECONDS = 30


def sound(daemon: Daemon, name: str = "var/maild.db") -> bool:
    with sqlite3.connect(daemon.folder / name) as connection:
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    return bool(found == "ok")


@pytest.mark.slow
def test_a_database_locked_by_another_process_for_half_a_minute_loses_nothing(
    daemon: Daemon,
) -> None:
    taken = [daemon.send(mail(SAMPLE, "Before it"))]
    command = [sys.executable, "-c", LOCK, "var/maild.db"]
    with subprocess.Popen(
        command, cwd=daemon.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        end, codes = time.monotonic() + LOCKED_SECONDS, set()
        while time.monotonic() < end:
            began = time.monotonic()
            with pytest.raises(smtplib.SMTPDataError) as refused:
                daemon.send(mail(SAMPLE, "Meanwhile"))
            codes.add(refused.value.smtp_code)
            assert refused.value.smtp_error.startswith(b"4.3.0 ")
            assert b"lock" not in refused.value.smtp_error.lower()
            # Nobody waits longer than the busy timeout and a little.
            assert time.monotonic() - began < 10
        assert codes == {451}
        other.stdin.close()
    until(lambda: not _refused(daemon), "the door to open again", 30)
    rows = daemon.settled(len(taken) + 1)
    assert {row["verdict"] for row in rows} == {"accepted"}
    assert daemon.times("fell") == 0
    assert sound(daemon)


@pytest.fixture
def failing_disk(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """`failing_disk("mount" | "fail" | "mend")`: an ext4 of 16 MB that turns read-only by an error."""
    mkfs = shutil.which("mkfs.ext4", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if os.geteuid() != 0 or mkfs is None:
        pytest.skip("needs root and mkfs.ext4, to mount a file system that fails")
    place, image = tmp_path / "disk", tmp_path / "image"
    place.mkdir()
    image.write_bytes(b"")
    os.truncate(image, 16 << 20)

    def do(what: str) -> None:
        if what == "fail":
            shown = subprocess.check_output(["findmnt", "-n", "-o", "SOURCE", str(place)])
            name = shown.decode().strip().rpartition("/")[2]
            Path(f"/sys/fs/ext4/{name}/trigger_fs_error").write_text("a test", "ascii")
            return
        if what == "mend":
            subprocess.run(["umount", str(place)], check=True)
            subprocess.run(["fsck.ext4", "-y", str(image)], capture_output=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)

    subprocess.run([mkfs, "-q", "-F", "-e", "remount-ro", str(image)], check=True)
    if subprocess.run(["mount", "-o", "loop", str(image), str(place)]).returncode != 0:
        pytest.skip("cannot mount a loop device here")
    subprocess.run(["umount", str(place)], check=True)
    yield do
    subprocess.run(["umount", "-l", str(place)], capture_output=True)


@pytest.mark.slow
def test_a_file_system_that_turns_read_only_gives_451_and_keeps_what_was_taken(
    tmp_path: Path, failing_disk: Callable[[str], None]
) -> None:
    failing_disk("mount")
    config = f'[store]\npath = "{tmp_path}/disk/maild.db"\n[posting]\nreceipts = "never"\n'
    daemon = Daemon(tmp_path / "site", config)
    daemon.run("roster", "add", "ana@example.com")
    daemon.start()
    try:
        for number in range(5):
            daemon.send(mail(SAMPLE, f"Failure {number}"))
        failing_disk("fail")
        for number in range(5):
            with pytest.raises(smtplib.SMTPDataError) as refused:
                daemon.send(mail(SAMPLE, f"Refused {number}"))
            assert (refused.value.smtp_code, refused.value.smtp_error[:6]) == (451, b"4.3.0 ")
        until(lambda: daemon.times("trouble") + daemon.times("broken"), "the log to name it")
        assert daemon.times("fell") == 0
        daemon.stop()
        failing_disk("mend")
        daemon.start()
        daemon.send(mail(SAMPLE, "After it"))
        subjects = {"After it", *(f"Failure {number}" for number in range(5))}

        def all_out() -> bool:
            return {
                str(m["Subject"]).split("] ")[1] for m in daemon.letters("ana@example.com")
            } == subjects

        until(all_out, "what was taken to go out, and nothing else")
        daemon.stop()
        assert sound(daemon, str(tmp_path / "disk/maild.db"))
    finally:
        daemon.kill()


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
