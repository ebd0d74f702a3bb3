"""Opening the database: durable, locked down, and of a schema that we know."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from maild.trouble import Broken

SCHEMA_VERSION: Final = 2
BUSY_SECONDS: Final = 5.0


class StoreError(Exception):
    """The database is missing, of a newer schema, or cannot be opened; the text says which."""


class Connection(sqlite3.Connection):
    """A connection whose operational errors are `Broken`: not ours, and worth another try.

    turn: entered around each transaction; SQLite's lock knows no order, this may. wanted: whether
    somebody waits for us to end one. turns: where `together` keeps its turn; None outside of it.
    """

    turn: Callable[[], AbstractContextManager[None]] = nullcontext
    wanted: Callable[[], bool] = staticmethod(lambda: False)
    turns: ExitStack | None = None

    def execute(self, *args: Any) -> sqlite3.Cursor:
        """Run a statement. Raises Broken where the disk, a lock or the file is at fault."""
        try:
            return super().execute(*args)
        except sqlite3.OperationalError as error:
            raise Broken(str(error)) from error

    def executemany(self, *args: Any) -> sqlite3.Cursor:
        """Run a statement for many rows. Raises Broken as `execute` does."""
        try:
            return super().executemany(*args)
        except sqlite3.OperationalError as error:
            raise Broken(str(error)) from error


def connect(
    path: str | Path, *, readonly: bool = False, patience: float = BUSY_SECONDS
) -> Connection:
    """Open the database, ":memory:" for a throwaway one; patience: seconds to wait for its lock.

    WAL and synchronous=FULL: what was committed survives a power loss. Raises StoreError.
    """
    name = str(path)
    if name != ":memory:" and not Path(name).exists():
        if readonly:
            raise StoreError(f"{name}: there is no database; has `maild serve` run here?")
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        # The mode is set before anything is in it.
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600))
    target = f"file:{Path(name).resolve()}?mode=ro" if readonly else name
    try:
        connection = sqlite3.connect(
            target,
            timeout=patience,
            isolation_level=None,
            uri=readonly,
            check_same_thread=False,
            factory=Connection,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        # A row that REPLACE takes away leaves the full text index too.
        connection.execute("PRAGMA recursive_triggers = ON")
        if not readonly:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # What is dropped is overwritten, so that a redacted word is in no free page.
            connection.execute("PRAGMA secure_delete = ON")
    except (sqlite3.Error, Broken) as error:
        raise StoreError(f"{name}: {error}") from error
    return connection


def version_of(connection: sqlite3.Connection, name: str) -> int:
    """Give a database's schema version, 0 for none. Raises StoreError for one of a newer maild."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{name}: written by a newer maild (schema {version}; this one knows {SCHEMA_VERSION}); "
            "install that version, or restore a backup"
        )
    return int(version)


def check_version(connection: sqlite3.Connection, name: str) -> None:
    """Refuse a database that a newer maild has written, or that was never made."""
    version = version_of(connection, name)
    if version < SCHEMA_VERSION:
        raise StoreError(
            f"{name}: schema {version} is older than {SCHEMA_VERSION}; run `maild serve` once"
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Write all or nothing; the lock is taken at once, so that no read goes stale within.

    Within another, what fails is undone alone, and the outer one commits what did not.
    """
    turn = connection.turn if isinstance(connection, Connection) else nullcontext
    turns = connection.turns if isinstance(connection, Connection) else None
    if turns is not None and not connection.in_transaction:
        turns.enter_context(turn())
        connection.execute("BEGIN IMMEDIATE")
    if connection.in_transaction:
        with _savepoint(connection):
            yield connection
        return
    with turn():
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


@contextmanager
def together(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit at its end, at once, what transactions within write; an exception undoes all of it.

    The lock is taken by the first of them, not before. Raises TypeError for a connection that
    `connect` has not made.
    """
    if not isinstance(connection, Connection):
        raise TypeError("not a connection that `connect` has made")
    with ExitStack() as connection.turns:
        try:
            yield
            if connection.in_transaction:
                connection.execute("COMMIT")
        finally:
            # Still open only where something was raised.
            connection.turns = None
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def wanted(connection: sqlite3.Connection) -> bool:
    """Whether somebody waits for us to end a transaction."""
    return isinstance(connection, Connection) and connection.wanted()


@contextmanager
def _savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        # A full disk may have undone the outer one too.
        if connection.in_transaction:
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise
    connection.execute("RELEASE part")


def stamp(moment: datetime) -> str:
    """Write a moment so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.fromisoformat(text)
