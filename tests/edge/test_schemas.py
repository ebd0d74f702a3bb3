"""Upgrades: a database of every schema that was ever used becomes one of this program, or stays as it was."""

import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database, Migrations

from maild.edge.store import connection as store
from maild.edge.store import schema as migrations
from maild.edge.store.connection import SCHEMA_VERSION, StoreError, check_version, connect
from maild.edge.store.schema import migrate
from tests import schemas

OLD = schemas.versions()


def rows(path: Path) -> list[str]:
    with sqlite3.connect(path) as plain:
        found = list(schemas.dump(plain))
    plain.close()
    return found


def bare(connection: sqlite3.Connection) -> list[str]:
    """List what makes a database, without the comments, which may be mended."""
    return [re.sub(r"\s*--.*", "", statement) for statement in schemas.schema(connection)]


def test_a_database_of_every_schema_is_kept() -> None:
    assert list(range(1, SCHEMA_VERSION + 1)) == OLD, "python -m tests.schemas writes the new one"


def test_the_schema_that_is_kept_is_the_one_that_we_make(tmp_path: Path) -> None:
    schemas.load(SCHEMA_VERSION, tmp_path / "kept.db")
    made = connect(tmp_path / "made.db")
    migrate(made, "made.db")
    kept = connect(tmp_path / "kept.db")
    changed = "a migration that databases have gone through is changed; add another instead"
    assert bare(made) == bare(kept), changed
    made.close()
    kept.close()


@pytest.mark.parametrize("version", OLD)
def test_an_old_database_becomes_one_like_new_and_keeps_what_is_in_it(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "maild.db"
    schemas.load(version, path)
    connection = connect(path)
    counts = "SELECT (SELECT count(*) FROM arrival), (SELECT count(*) FROM mail),"
    counts += " (SELECT count(*) FROM event), (SELECT count(*) FROM delivery)"
    before = tuple(connection.execute(counts).fetchone())
    assert min(before) > 0
    migrate(connection, "maild.db")
    check_version(connection, "maild.db")
    assert tuple(connection.execute(counts).fetchone()) == before
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    (found,) = connection.execute("SELECT count(*) FROM said WHERE said MATCH 'invoices'")
    assert found[0] == 1
    connection.close()


@pytest.mark.parametrize("version", OLD)
def test_a_migration_that_fails_leaves_the_old_state_though_others_went_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    path = tmp_path / "maild.db"
    schemas.load(version, path)
    before = rows(path)
    later = Migrations("later")

    @later()
    def good(database: Database) -> None:
        database.execute("ALTER TABLE mail ADD COLUMN extra TEXT")

    @later()
    def bad(database: Database) -> None:
        database.execute("DELETE FROM delivery")
        database.execute("CREATE TABLE mail (x)")

    monkeypatch.setattr(migrations, "_MIGRATIONS", later)
    for module in (migrations, store):
        monkeypatch.setattr(module, "SCHEMA_VERSION", SCHEMA_VERSION + 2)
    connection = connect(path)
    with pytest.raises(Exception, match="already exists"):
        migrate(connection, "maild.db")
    connection.close()
    assert rows(path) == before


def test_a_database_whose_migration_was_cut_off_by_a_kill_is_of_the_old_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "maild.db"
    schemas.load(1, path)
    before = rows(path)
    cut = tmp_path / "cut"
    cut.mkdir()
    later = Migrations("later")

    @later()
    def good(database: Database) -> None:
        database.execute("ALTER TABLE mail ADD COLUMN extra TEXT")

    @later()
    def killed(database: Database) -> None:
        for file in tmp_path.glob("maild.db*"):
            shutil.copy(file, cut / file.name)

    monkeypatch.setattr(migrations, "_MIGRATIONS", later)
    for module in (migrations, store):
        monkeypatch.setattr(module, "SCHEMA_VERSION", SCHEMA_VERSION + 2)
    connection = connect(path)
    migrate(connection, "maild.db")
    connection.close()
    assert rows(path) != before
    assert rows(cut / "maild.db") == before


def test_an_older_program_refuses_a_newer_schema_with_a_clear_word(tmp_path: Path) -> None:
    connection = connect(tmp_path / "maild.db")
    migrate(connection, "maild.db")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for refuse in (migrate, check_version):
        with pytest.raises(StoreError, match="written by a newer maild"):
            refuse(connection, "maild.db")
    connection.close()
