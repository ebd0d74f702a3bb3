"""What the commands share that work on a configured list: the option, the errors, the output."""

import functools
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from maild.config import ConfigError
from maild.edge.files import RulesError
from maild.edge.key import Locked
from maild.edge.store.connection import StoreError
from maild.edge.templates import TemplatesError
from maild.site import NotFound, Site, open_site
from maild.trouble import Broken

EX_TEMPFAIL: Final = 75
EX_CONFIG: Final = 78

_ROWS: Final = json.JSONEncoder(ensure_ascii=False, default=str)
Command = Callable[..., None]


def fail(message: str, status: int = 1) -> NoReturn:
    """Say what is wrong, and end with an exit status."""
    click.echo(message, err=True)
    sys.exit(status)


def with_site(command: Command) -> Command:
    """Give a command `--config`, and its first argument: the Site. Bad configuration exits 78."""

    @click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path),
        help="The configuration; default: maild.toml here, then /etc/maild/maild.toml.",
    )
    @functools.wraps(command)
    def run(config: Path | None, **arguments: Any) -> None:
        try:
            site = open_site(config)
        except (NotFound, ConfigError, RulesError, TemplatesError) as error:
            fail(str(error), EX_CONFIG)
        try:
            command(site, **arguments)
        except ConfigError as error:
            fail(str(error), EX_CONFIG)
        except (Broken, Locked) as error:
            fail(f"{error}; try again", EX_TEMPFAIL)
        except (StoreError, OSError) as error:
            fail(str(error))

    return run


@contextmanager
def database(site: Site, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the daemon's database for a command, read-only unless it writes."""
    connection = site.connect(readonly=not write)
    try:
        yield connection
    finally:
        connection.close()


def print_row(row: Mapping[str, Any]) -> None:
    """Print a record as one line of JSON."""
    click.echo(row_text(row))


def row_text(row: Mapping[str, Any]) -> str:
    """Write a record as one line of JSON."""
    return _ROWS.encode(row)
