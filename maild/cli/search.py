"""`maild search`: full text over everything on record."""

from dataclasses import asdict

import click

from maild.cli.site import database, fail, print_row, with_site
from maild.edge.store.search import Search
from maild.letters.record import hit_lines
from maild.site import Site


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="WORDS")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_site
def search(site: Site, words: tuple[str, ...], as_json: bool) -> None:
    """Search all mails and the names of all incidents.

    All words must be there, in any order; "words in quotes" side by side; word* begins one. Exits 1
    where nothing is found.
    """
    # What the shell took for one argument, with its blanks, was in quotes.
    wanted = " ".join(f'"{word}"' if " " in word else word for word in words)
    with database(site) as connection:
        found = Search(connection).find(wanted)
    for hit in found:
        if as_json:
            print_row({**asdict(hit), "at": hit.at.isoformat()})
        else:
            click.echo(hit_lines(hit, site.zone))
    if not found:
        fail("Nothing on record has all of these words.")
