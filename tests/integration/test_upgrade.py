"""An upgrade by the real daemon: it goes on with what an older one has left, or leaves a newer one's alone."""

from pathlib import Path

import pytest

from maild.edge.store.connection import SCHEMA_VERSION, connect
from tests import schemas

from .conftest import Daemon, mail, until


def left_behind(folder: Path, version: int) -> Daemon:
    """Make a daemon's folder as a program of that schema left it."""
    daemon = Daemon(folder)
    (folder / "var").mkdir()
    schemas.load(version, folder / "var/maild.db")
    (folder / "var/maild.key").write_text(schemas.KEY.hex() + "\n", "ascii")
    return daemon


@pytest.mark.parametrize("version", schemas.versions())
def test_an_old_database_is_taken_up_where_it_was_left(tmp_path: Path, version: int) -> None:
    daemon = left_behind(tmp_path / "site", version)
    owed = daemon.folder / "var/outgoing/new"
    daemon.start()
    try:
        until(lambda: not daemon.records().waiting(), "what had arrived to be concluded")
        until(lambda: owed.exists() and not daemon.records().queue(), "what was owed to be sent")
        daemon.send(mail("Severity 2, phase 2, I am IC.", to="incidents+2026-0001@example.com"))
        daemon.letter("ana@example.com", "update")
        daemon.stop()
    finally:
        daemon.kill()
    assert daemon.run("check", "--deep").endswith("the database is well.\n")


def test_the_database_of_a_newer_maild_is_left_alone_with_a_word(tmp_path: Path) -> None:
    daemon = left_behind(tmp_path / "site", SCHEMA_VERSION)
    path = daemon.folder / "var/maild.db"
    connection = connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    for command in (["serve", "--config", "maild.toml"], ["incidents"], ["check", "--deep"]):
        with pytest.raises(AssertionError, match="written by a newer maild"):
            daemon.run(*command)
    assert path.read_bytes() == before
