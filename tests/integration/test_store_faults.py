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

from maild.edge.store.arrivals import Arrivals
from maild.edge.store.connection import connect
from maild.edge.store.schema import migrate

from .conftest import SAMPLE, Daemon, mail, until

LOCK = """\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
LOCKED_SECONDS = 30
PAGE = '\n[alarm]\ncommand = ["/bin/sh", "-c", "cat >> paged"]\n'

# Between the daemon and the kernel: while FLAG exists, nothing below FOLDER can be written. A mount with
# files open for writing cannot be made read-only; network file systems and virtual disks can.
READ_ONLY = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refused(const char *path) {
    const char *folder = getenv("FOLDER");
    if (access(getenv("FLAG"), F_OK) != 0 || strncmp(path, folder, strlen(folder)) != 0) return 0;
    errno = EROFS;
    return 1;
}
static int refused_fd(int fd) {
    char link[64], path[PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && refused(path);
}
#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))
#define OPEN(name) int name(const char *path, int flags, ...) { \
    va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more); \
    if ((flags & O_ACCMODE) != O_RDONLY && refused(path)) return -1; \
    return REAL(name)(path, flags, mode); }
OPEN(open)
OPEN(open64)
ssize_t write(int fd, const void *octets, size_t count) {
    return refused_fd(fd) ? -1 : REAL(write)(fd, octets, count); }
ssize_t pwrite(int fd, const void *octets, size_t count, off_t at) {
    return refused_fd(fd) ? -1 : REAL(pwrite)(fd, octets, count, at); }
ssize_t pwrite64(int fd, const void *octets, size_t count, off64_t at) {
    return refused_fd(fd) ? -1 : REAL(pwrite64)(fd, octets, count, at); }
int ftruncate(int fd, off_t size) { return refused_fd(fd) ? -1 : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return refused_fd(fd) ? -1 : REAL(ftruncate64)(fd, size); }
int unlink(const char *path) { return refused(path) ? -1 : REAL(unlink)(path); }
"""


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


def test_trying_to_write_gets_to_the_disk_and_waits_for_nobody(tmp_path: Path) -> None:
    path = tmp_path / "maild.db"
    ours, theirs = connect(path), connect(path)
    migrate(ours, str(path))
    log = path.with_name("maild.db-wal")
    before = log.stat().st_size
    assert Arrivals(ours).try_to_write()
    assert log.stat().st_size > before
    theirs.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    assert not Arrivals(ours).try_to_write()
    assert time.monotonic() - began < 1
    theirs.execute("ROLLBACK")
    assert Arrivals(ours).try_to_write()
    assert ours.execute("PRAGMA busy_timeout").fetchone()[0] == 5_000
    ours.close()
    theirs.close()


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


def on_disk(tmp_path: Path) -> Daemon:
    """A daemon whose database is on that disk, and who pages; Ana is on the roster."""
    config = f'[store]\npath = "{tmp_path}/disk/maild.db"\n[posting]\nreceipts = "never"\n{PAGE}'
    daemon = Daemon(tmp_path / "site", config)
    daemon.run("roster", "add", "ana@example.com")
    return daemon.start()


@pytest.mark.slow
def test_a_file_system_that_turns_read_only_gives_451_and_keeps_what_was_taken(
    tmp_path: Path, failing_disk: Callable[[str], None]
) -> None:
    failing_disk("mount")
    daemon = on_disk(tmp_path)
    try:
        for number in range(5):
            daemon.send(mail(SAMPLE, f"Failure {number}"))
        failing_disk("fail")
        for number in range(5):
            with pytest.raises(smtplib.SMTPDataError) as refused:
                daemon.send(mail(SAMPLE, f"Refused {number}"))
            assert (refused.value.smtp_code, refused.value.smtp_error[:6]) == (451, b"4.3.0 ")
        until(lambda: "trouble: store" in paged(daemon), "the command")
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


@pytest.mark.slow
def test_a_planned_read_only_mount_is_refused_while_we_run_and_ends_a_start_until_it_is_over(
    tmp_path: Path, failing_disk: Callable[[str], None]
) -> None:
    def remount(how: str) -> int:
        command = ["mount", "-o", f"remount,{how}", str(tmp_path / "disk")]
        return subprocess.run(command, capture_output=True).returncode

    failing_disk("mount")
    daemon = on_disk(tmp_path)
    try:
        assert remount("ro") != 0
        daemon.send(mail(SAMPLE, "Before it"))
        daemon.letter("ana@example.com")
        daemon.stop()
        assert remount("ro") == 0
        # Not 78, after which systemd would leave it alone.
        daemon.run("serve", "--config", "maild.toml", status=1)
        assert remount("rw") == 0
        daemon.start()
        daemon.send(mail(SAMPLE, "After it"))
        daemon.letter("ana@example.com", count=2)
        daemon.stop()
        assert sound(daemon, str(tmp_path / "disk/maild.db"))
    finally:
        daemon.kill()


def paged(daemon: Daemon) -> str:
    path = daemon.folder / "paged"
    return path.read_text("utf-8") if path.exists() else ""


@pytest.fixture
def read_only(tmp_path: Path) -> dict[str, str]:
    """The environment of a daemon in tmp_path/site whose var is read-only while tmp_path/flag is."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler, to stand between the daemon and the kernel")
    (tmp_path / "read_only.c").write_text(READ_ONLY, "ascii")
    library = str(tmp_path / "read_only.so")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", library, str(tmp_path / "read_only.c"), "-ldl"],
        check=True,
    )
    folder = str(tmp_path / "site/var/maild.db")
    return {"LD_PRELOAD": library, "FLAG": str(tmp_path / "flag"), "FOLDER": folder}


@pytest.mark.slow
def test_a_file_system_that_is_read_only_for_a_while_gives_451_pages_and_recovers_by_itself(
    tmp_path: Path, read_only: dict[str, str]
) -> None:
    daemon = Daemon(tmp_path / "site", f'[posting]\nreceipts = "never"\n{PAGE}')
    daemon.run("roster", "add", "ana@example.com")
    daemon.environment = read_only
    daemon.start()
    flag = tmp_path / "flag"
    try:
        daemon.send(mail(SAMPLE, "Before it"))
        daemon.settled(1)
        flag.touch()
        for _ in range(3):
            with pytest.raises(smtplib.SMTPDataError) as refused:
                daemon.send(mail(SAMPLE, "Meanwhile"))
            assert (refused.value.smtp_code, refused.value.smtp_error[:6]) == (451, b"4.3.0 ")
        until(lambda: "trouble: store" in paged(daemon), "the command")
        flag.unlink()
        until(lambda: daemon.times("alarm_over"), "it to be over, though nobody sends")
        daemon.send(mail(SAMPLE, "After it"))
        assert [row["verdict"] for row in daemon.settled(2)] == ["accepted", "accepted"]
        copies = [str(m["Subject"]).split("] ")[1] for m in daemon.letters("ana@example.com")]
        assert sorted(copies) == ["After it", "Before it"]
        assert daemon.times("fell") == 0
        daemon.stop()
        assert sound(daemon)
    finally:
        daemon.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MB; only root may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)], capture_output=True
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

    # A mail of 200 KB takes about 1 MB, and some may wait.
    (small_disk / "ballast").write_bytes(b"\0" * (5 << 20))
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
