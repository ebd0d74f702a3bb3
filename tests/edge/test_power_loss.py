"""Power loss, as far as it can be shown: what was written after a point is gone, what was kept is there."""

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from maild.edge.store.arrivals import Arrivals
from maild.edge.store.connection import connect
from maild.edge.store.schema import migrate
from maild.mail.message import Envelope, RawMessage

NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)
MAILS = 12
WAL_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096


def raw(number: int) -> RawMessage:
    content = b"Subject: %d\r\n\r\n" % number + b"x" * 3000
    return RawMessage(Envelope("kevin@example.com", ("incidents@example.com",)), content, NOW)


def written(folder: Path) -> list[int]:
    """Keep mails one by one; gives how long the write-ahead log was after each acknowledgement."""
    connection = connect(folder / "maild.db")
    migrate(connection, "maild.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    lengths = []
    for number in range(MAILS):
        Arrivals(connection).keep([raw(number)])
        lengths.append((folder / "maild.db-wal").stat().st_size)
    for name in ("maild.db", "maild.db-wal"):
        shutil.copy(folder / name, folder / f"{name}.whole")
    connection.close()
    return lengths


def test_a_log_cut_at_every_page_opens_and_holds_all_that_was_acknowledged_before(
    tmp_path: Path,
) -> None:
    lengths = written(tmp_path)
    log = (tmp_path / "maild.db-wal.whole").read_bytes()
    cuts = range(WAL_HEADER, len(log) + 1, FRAME_HEADER + PAGE)
    for cut in cuts:
        place = tmp_path / "cut"
        place.mkdir()
        shutil.copy(tmp_path / "maild.db.whole", place / "maild.db")
        (place / "maild.db-wal").write_bytes(log[:cut])
        connection = connect(place / "maild.db")
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        kept = connection.execute("SELECT count(*) FROM arrival").fetchone()[0]
        waiting = connection.execute("SELECT count(*) FROM waiting").fetchone()[0]
        connection.close()
        assert kept == sum(length <= cut for length in lengths)
        assert waiting == kept
        shutil.rmtree(place)
    assert len(cuts) > MAILS


def test_a_torn_page_at_the_end_of_the_log_costs_only_what_was_not_acknowledged(
    tmp_path: Path,
) -> None:
    lengths = written(tmp_path)
    log = bytearray((tmp_path / "maild.db-wal.whole").read_bytes())
    log[lengths[-2] + 100 :] = b"\xff" * len(log[lengths[-2] + 100 :])
    (tmp_path / "maild.db-wal").write_bytes(log)
    shutil.copy(tmp_path / "maild.db.whole", tmp_path / "maild.db")
    (tmp_path / "maild.db-shm").unlink(missing_ok=True)
    connection = connect(tmp_path / "maild.db")
    assert connection.execute("SELECT count(*) FROM arrival").fetchone()[0] == MAILS - 1
    connection.close()


def test_a_migration_that_fails_leaves_the_old_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "maild.edge.store.schema._FIRST", "CREATE TABLE one (x);\nCREATE TABLE one (x);\n"
    )
    connection = connect(tmp_path / "maild.db")
    with pytest.raises(Exception, match="already exists"):
        migrate(connection, "maild.db")
    connection.close()
    with sqlite3.connect(tmp_path / "maild.db") as plain:
        found = {row[0] for row in plain.execute("SELECT name FROM sqlite_master")}
        (version,) = plain.execute("PRAGMA user_version").fetchone()
    plain.close()
    assert "one" not in found
    assert version == 0
