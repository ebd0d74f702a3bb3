"""`maild import` and `maild backup`: old mails into the record, and the record into a file."""

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from maild.cli.replay import messages
from maild.cli.site import database, fail, with_site
from maild.desk import Desk
from maild.edge.clock import now
from maild.edge.files import raw_from_file
from maild.edge.key import key_path
from maild.edge.store.arrivals import Arrivals
from maild.incident.thread import fingerprint
from maild.mail.envelope import receipt_time
from maild.mail.parse import parse
from maild.reading.report import Reader
from maild.site import Site


@click.command("import")
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=click.Path(path_type=Path, exists=True),
)
@with_site
def import_(site: Site, paths: tuple[Path, ...]) -> None:
    """Take old mails into the record: files (.eml), folders of them, an mbox, a Maildir.

    They become history: nothing is sent, nothing falls due. What is on record already is passed
    over, so that an import that was broken off can be run again.
    """
    total = sum(1 for _ in messages(paths))
    bar = click.progressbar(
        messages(paths), total, "Importing", file=sys.stderr, hidden=not sys.stderr.isatty()
    )
    reader = Reader(site.rules, site.names())
    taken = known = 0
    with database(site, write=True) as connection, bar as found:
        # The same thought as the daemon's; no letterhead, so nothing is written to anybody.
        desk = site.desk(connection, site.key())
        policy = replace(desk.policy, history=True)
        desk = replace(desk, policy=policy, head=None, posting=None)
        for name, content in found:
            new = _take(desk, connection, reader, site, name, content)
            taken, known = taken + new, known + (not new)
    click.echo(f"{taken} mails taken, {known} were on record before.")


def _take(
    desk: Desk,
    connection: sqlite3.Connection,
    reader: Reader,
    site: Site,
    name: str,
    content: bytes,
) -> bool:
    at = receipt_time(content, now())
    raw = replace(raw_from_file(content, at, site.config.list.address), via=f"import {name}")
    mail = parse(raw)
    row = connection.execute(
        "SELECT 1 FROM mail WHERE fingerprint = ?", (fingerprint(mail),)
    ).fetchone()
    if row is not None:
        return False
    (number,) = Arrivals(connection).keep([raw], waiting=False)
    desk.conclude(number, raw, mail, reader.read(mail), at)
    return True


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_site
def backup(site: Site, file: Path) -> None:
    """Copy the database while the daemon runs, and the key beside it; both belong together.

    To restore: stop the daemon, put both files in the places of the originals, start it.
    """
    if file.exists():
        fail(f"{file}: is there already, and stays as it is")
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with database(site) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)
        (found,) = target.execute("PRAGMA integrity_check").fetchone()
    if found != "ok":
        fail(f"{file}: the copy is not sound: {found}")
    shutil.copy2(key_path(site.database), key_path(file))
    click.echo(f"Wrote {file} and {key_path(file)}; keep them together.")
