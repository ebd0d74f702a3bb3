"""`maild digest`: a digest now, printed or sent."""

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, tzinfo

import click

from maild.cli.site import database, print_row, with_site
from maild.edge.clock import now
from maild.edge.store.digests import Digests
from maild.letters.digest import html, text
from maild.site import Site

_AGO = re.compile(r"(\d+)\s*(h|d|min)$")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Moment(click.ParamType[datetime]):
    """A moment: "2026-03-15 09:00" in the list's zone, or "24 h" ago."""

    name = "T"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read the moment; without a zone, which the command adds."""
        if isinstance(value, datetime):
            return value
        ago = _AGO.fullmatch(str(value).strip())
        if ago:
            return now() - int(ago[1]) * _UNITS[ago[2]]
        try:
            return datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f'{value} is no moment; write "2026-03-15 09:00" or "24 h"', param, ctx)


@click.command()
@click.option("--since", type=Moment(), help='Default: the last digest. "24 h" is so long ago.')
@click.option("--until", type=Moment(), help="Default: now.")
@click.option("--format", "form", type=click.Choice(["text", "html", "json"]), default="text")
@click.option("--send", is_flag=True, help="Send it to all who take the daily digest.")
@with_site
def digest(
    site: Site, since: datetime | None, until: datetime | None, form: str, send: bool
) -> None:
    """Print a digest of what is open and what has moved; with --send, send it."""
    at = now()
    with database(site, write=send) as connection:
        desk, store = site.desk(connection, site.key()), Digests(connection)
        end = _aware(until, site.zone) if until else at
        last = store.last("daily") or end - timedelta(days=1)
        begin = _aware(since, site.zone) if since else min(last, end)
        histories = store.histories(begin, end)
        month = store.declared(desk.month(end), end, histories)
        told = desk.digest(histories, month, begin, end)
        if send:
            forms = store.forms("daily")
            originals = store.originals(begin, end) if forms else ()
            letters = desk.digest_letters(told, "daily", at, forms, originals)
            store.send(letters, at)
            click.echo("Owed to all who take the daily digest." if letters else "Nothing to tell.")
        elif form == "json":
            print_row(asdict(told))
        elif desk.head is not None:
            click.echo((html if form == "html" else text)(desk.head, told), nl=False)


def _aware(moment: datetime, zone: tzinfo) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
