"""`maild roster`: who receives what."""

from dataclasses import asdict
from typing import Any

import click

from maild.cli.site import database, fail, print_row, with_site
from maild.edge.clock import now
from maild.edge.store.roster import Roster
from maild.roster.subscription import (
    DIGESTS,
    FORMS,
    MODES,
    OCCASIONS,
    Choices,
    Subscription,
    chosen,
)
from maild.site import Site
from maild.values import address_of

_mode = click.option("--mode", type=click.Choice(MODES), help="Every mail, no notes, or none.")
_digest = click.option("--digest", type=click.Choice(DIGESTS), help="Which digest.")
_form = click.option(
    "--form",
    type=click.Choice(FORMS),
    help="The digest as our summary, or the mails themselves: MIME parts, or one plain text.",
)
_at_once = click.option(
    "--at-once",
    type=click.Choice((*OCCASIONS, "never")),
    multiple=True,
    help="One incident's story as soon as it is raised to severity 1 or 2, or resolved; may be repeated.",
)
_severity = click.option(
    "--severity", type=click.IntRange(0), help="Only this severity and graver; 0 is all."
)
_addresses = click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")


@click.group()
def roster() -> None:
    """Say who receives what: list, add, remove, set."""


@roster.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@with_site
def list_all(site: Site, as_json: bool) -> None:
    """List all subscribers."""
    with database(site) as connection:
        found = Roster(connection).all()
    for one in found:
        if as_json:
            print_row(asdict(one))
        else:
            filtered = f", severity {one.severity} and graver" if one.severity is not None else ""
            soon = f", at once when {' or '.join(one.at_once)}" if one.at_once else ""
            paused = f", paused since {one.paused_at:%Y-%m-%d}" if one.paused_at else ""
            form = f" as {one.form}" if one.form != "summary" else ""
            click.echo(
                f"{one.address:<40} {one.mode:<10} digest {one.digest}{form}{filtered}{soon}{paused}"
            )
    if not found and not as_json:
        click.echo("Nobody yet: maild roster add ADDRESS...")


@roster.command()
@_addresses
@_mode
@_digest
@_form
@_at_once
@_severity
@with_site
def add(site: Site, addresses: tuple[str, ...], **choices: Any) -> None:
    """Add subscribers; by default every mail at once, and the daily digest.

    Nobody has to confirm: the operator knows whom he adds.
    """
    checked = _checked(addresses)
    with database(site, write=True) as connection:
        book = Roster(connection)
        book.put(
            [chosen(book.get(a) or Subscription(a), Choices(**choices)) for a in checked], now()
        )
    click.echo(f"On the roster: {', '.join(checked)}")


@roster.command()
@_addresses
@with_site
def remove(site: Site, addresses: tuple[str, ...]) -> None:
    """Remove subscribers."""
    with database(site, write=True) as connection:
        removed = Roster(connection).remove(addresses)
    unknown = [address for address in addresses if address not in removed]
    if removed:
        click.echo(f"Removed: {', '.join(removed)}")
    if unknown:
        fail(f"Not on the roster: {', '.join(unknown)}")


@roster.command("set")
@_addresses
@_mode
@_digest
@_form
@_at_once
@_severity
@with_site
def change(site: Site, addresses: tuple[str, ...], **choices: Any) -> None:
    """Change what subscribers receive."""
    with database(site, write=True) as connection:
        book = Roster(connection)
        known = {address: book.get(address) for address in addresses}
        unknown = [address for address, found in known.items() if found is None]
        if unknown:
            fail(f"Not on the roster: {', '.join(unknown)}; nothing was changed")
        book.put([chosen(found, Choices(**choices)) for found in known.values() if found], now())
    click.echo(f"Changed: {', '.join(addresses)}")


def _checked(addresses: tuple[str, ...]) -> list[str]:
    checked, problems = [], []
    for address in addresses:
        try:
            checked.append(address_of(address).lower())
        except ValueError as error:
            problems.append(f"{address} {error}")
    if problems:
        fail("\n".join(problems), 2)
    return checked
