"""An old archive becomes history; a backup under load is a sound database with its key."""

import mailbox
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SAMPLE, Daemon, mail, until
from .kills import Load, config
from .sink import Sink, relay


def old_archive(folder: Path, count: int) -> Path:
    """Write an mbox of openings of last year, each with a note that answers it."""
    box = mailbox.mbox(folder / "old.mbox")
    for number in range(count):
        day = f"{1 + number % 28:02d} Mar 2025 10:{number % 60:02d}:00 +0000"
        opening = mail(SAMPLE, f"Old failure {number}", Date=f"Mon, {day}")
        note = mail(
            "Seeing it too.",
            author="Ana Silva <ana@example.com>",
            answers=opening,
            Date=f"Mon, {day}",
        )
        box.add(opening.as_bytes())
        box.add(note.as_bytes())
    box.flush()
    box.close()
    return folder / "old.mbox"


def test_an_import_is_history_and_nothing_is_sent(daemon: Daemon, tmp_path: Path) -> None:
    archive = old_archive(tmp_path, 20)
    said = daemon.run("import", str(archive))
    assert said == "40 mails taken, 0 were on record before.\n"
    assert daemon.letters() == []
    assert daemon.run("incidents", "--open") == "No incident is open.\n"
    assert daemon.rows("incidents")[0]["incident"] == "INC-2025-0001"
    assert daemon.rows("incidents")[0]["mails"] == 2


def test_an_import_that_runs_again_takes_nothing_twice(daemon: Daemon, tmp_path: Path) -> None:
    archive = old_archive(tmp_path, 3)
    daemon.run("import", str(archive))
    assert daemon.run("import", str(archive)).startswith("0 mails taken, 6 were on record")
    assert len(daemon.rows("incidents")) == 3


def test_a_reply_to_an_imported_incident_opens_it_again(daemon: Daemon, tmp_path: Path) -> None:
    daemon.run("import", str(old_archive(tmp_path, 1)))
    update = mail(
        "Severity 2, phase 1, IC Kevin. It is back.", to="incidents+2025-0001@example.com"
    )
    daemon.send(update)
    daemon.letter("ana@example.com", "update")
    assert [row["incident"] for row in daemon.rows("incidents", "--open")] == ["INC-2025-0001"]


def test_a_backup_while_mails_arrive_is_sound_and_restores(daemon: Daemon, tmp_path: Path) -> None:
    for number in range(10):
        daemon.send(mail(SAMPLE, f"Failure {number}"))
    copy = tmp_path / "copy.db"
    daemon.run("backup", str(copy))
    for file in (copy, tmp_path / "copy.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    daemon.stop()
    for name in ("maild.db", "maild.db-wal", "maild.db-shm", "maild.key"):
        (daemon.folder / "var" / name).unlink(missing_ok=True)
    copy.rename(daemon.folder / "var/maild.db")
    (tmp_path / "copy.key").rename(daemon.folder / "var/maild.key")
    assert daemon.run("check", "--deep").endswith("the database is well.\n")
    daemon.start()
    until(lambda: not daemon.records().waiting(), "what had arrived to be read")
    assert len(daemon.rows("incidents")) == 10


@pytest.mark.slow
def test_a_backup_under_load_restores_to_all_that_was_acknowledged_before_it(
    make: Callable[..., Daemon], tmp_path: Path
) -> None:
    sink = Sink()
    with relay(sink) as port:
        daemon = make(config(port))
        load = Load(daemon, pause=0)
        before: list[list[str]] = []
        for number in range(3):
            until(lambda n=number: len(load.acknowledged) > 50 * (n + 1), "a load", 60)
            before.append(list(load.acknowledged))
            daemon.run("backup", str(tmp_path / f"{number}.db"))
        load.stop()
        daemon.stop()
    for number, known in enumerate(before):
        restored = Daemon(tmp_path / f"restored{number}")
        (restored.folder / "var").mkdir()
        for end in ("db", "key"):
            (tmp_path / f"{number}.{end}").rename(restored.folder / f"var/maild.{end}")
        assert restored.run("check", "--deep").endswith("the database is well.\n")
        rows = restored.records().connection.execute("SELECT content FROM arrival").fetchall()
        kept = {bytes(row[0]).partition(b"Message-ID: <")[2].partition(b">")[0] for row in rows}
        assert {made.encode() for made in known} <= kept
        restored.kill()


def test_a_backup_never_writes_over_a_file(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious", "ascii")
    daemon.run("backup", str(tmp_path / "mine"), status=1)
    assert (tmp_path / "mine").read_text("ascii") == "precious"
