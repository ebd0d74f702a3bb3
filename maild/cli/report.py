"""`maild report`: a month in figures, printed or sent."""

import base64
from dataclasses import asdict
from datetime import datetime

import click

from maild.cli.site import database, print_row, with_site
from maild.edge.clock import now
from maild.edge.plots import draw
from maild.edge.store.digests import Digests
from maild.incident.statistics import Month
from maild.letters.letterhead import Letterhead
from maild.letters.report import charts, report_html, report_letter, report_text
from maild.reports import before, months
from maild.site import Site


class MonthName(click.ParamType[datetime]):
    """A month: "2026-10"."""

    name = "MONTH"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read the month; without a zone, which the command adds."""
        if isinstance(value, datetime):
            return value
        try:
            return datetime.strptime(str(value), "%Y-%m")  # noqa: DTZ007
        except ValueError:
            self.fail(f'{value} is no month; write "2026-10"', param, ctx)


@click.command()
@click.option("--month", type=MonthName(), help="Default: the month that is over.")
@click.option("--format", "form", type=click.Choice(["text", "html", "json"]), default="text")
@click.option("--send", is_flag=True, help="Send it to all who take a digest.")
@with_site
def report(site: Site, month: datetime | None, form: str, send: bool) -> None:
    """Print a month in figures, beside the months before it; with --send, send it."""
    at = now()
    with database(site, write=send) as connection:
        desk, store = site.desk(connection, site.key()), Digests(connection)
        begin = month.replace(tzinfo=site.zone) if month else before(desk, desk.month(at))
        end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
        found = months(desk, store, end, at)
        head = site.letterhead(site.key())
        if send:
            store.send([report_letter(head, found, draw, at)], at)
            click.echo("Owed to all who take a digest.")
        elif form == "json":
            print_row({"months": [asdict(one) for one in found]})
        elif form == "html":
            click.echo(_page(head, found), nl=False)
        else:
            click.echo(report_text(head, found), nl=False)


def _page(head: Letterhead, found: list[Month]) -> str:
    """Give the report as one page, with its pictures inside."""
    pictures = {chart.name: draw(chart) for chart in charts(found, head.zone)}
    sources = {
        name: "data:image/png;base64," + base64.b64encode(png).decode()
        for name, png in pictures.items()
        if png
    }
    return report_html(head, found, sources)
