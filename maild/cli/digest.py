"""`maild digest`: a digest now, printed or sent."""

from dataclasses import asdict
from datetime import datetime

import click

from maild.cli.site import database, print_row, with_site
from maild.edge.clock import now
from maild.edge.store.archive import Archive
from maild.edge.store.digests import Digests
from maild.letters.digest import html, text
from maild.roster.commands import since_of
from maild.site import Site


@click.command()
@click.option("--since", metavar="T", help='Default: the last digest. "24 h" is so long ago.')
@click.option("--until", metavar="T", help="Default: now.")
@click.option("--format", "form", type=click.Choice(["text", "html", "json"]), default="text")
@click.option("--send", is_flag=True, help="Send it to all who take the daily digest.")
@with_site
def digest(site: Site, since: str | None, until: str | None, form: str, send: bool) -> None:
    """Print a digest of what is open and what has moved; with --send, send it."""
    at = now()
    with database(site, write=send) as connection:
        desk, store = site.desk(connection, site.key()), Digests(connection)
        end = _moment(until, "--until", at, site) or at
        begin = _moment(since, "--since", at, site)
        told = Archive(connection, site.rules, site.hours()).digest(begin, end)
        if send:
            forms = store.forms("daily")
            originals = store.originals(told.since, end) if forms else ()
            letters = desk.digest_letters(told, "daily", at, forms, originals)
            store.send(letters, at)
            click.echo("Owed to all who take the daily digest." if letters else "Nothing to tell.")
        elif form == "json":
            print_row(asdict(told))
        elif desk.head is not None:
            click.echo((html if form == "html" else text)(desk.head, told), nl=False)


def _moment(text: str | None, option: str, at: datetime, site: Site) -> datetime | None:
    """Read a moment as the command by mail does: "24 h", "09:00", "2026-03-15 09:00"."""
    found = since_of(text, at.astimezone(site.zone)) if text else None
    if text and found is None:
        advice = f'{text} is no moment; write "2026-03-15 09:00" or "24 h"'
        raise click.BadParameter(advice, param_hint=option)
    return found
