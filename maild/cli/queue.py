"""`maild queue` and `maild shunted`: what waits, and what could not be processed."""

import sys

import click

from maild.cli.site import database, fail, print_row, with_site
from maild.edge.clock import now
from maild.edge.store.records import Records
from maild.site import Site

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_number = click.argument("number", type=int, required=False, metavar="[ID]")


@click.command()
@click.argument("action", type=click.Choice(["retry", "drop"]), required=False)
@_number
@_json
@with_site
def queue(site: Site, action: str | None, number: int | None, as_json: bool) -> None:
    """List what we owe to whom, and why it waits; `retry ID` sends now, `drop ID` gives up."""
    if action is None:
        return _list_queue(site, as_json)
    number = _needed(number, "maild queue")
    with database(site, write=True) as connection:
        records = Records(connection, site.rules.phase.last)
        done = records.retry(number, now()) if action == "retry" else records.drop(number, now())
    if not done:
        fail(
            f"Nothing is owed under {number}, or its body is no longer kept;"
            " `maild queue` lists what is owed."
        )
    click.echo(f"{number}: due now." if action == "retry" else f"{number}: given up.")
    return None


def _list_queue(site: Site, as_json: bool) -> None:
    with database(site) as connection:
        found = Records(connection, site.rules.phase.last).queue()
    for row in found:
        if as_json:
            print_row(row)
        else:
            due = row["due_at"][:16].replace("T", " ")
            why = (
                f"tried {row['attempts']} times: {row['reply']}"
                if row["attempts"]
                else "not tried yet"
            )
            click.echo(f"{row['id']:>6}  {row['kind']:<10}  {row['recipient']}")
            click.echo(f"        next try {due} UTC, {why}")
    if not found and not as_json:
        click.echo("Nothing waits: all that we owed was sent.")


@click.command()
@click.argument("action", type=click.Choice(["show", "retry", "drop"]), required=False)
@_number
@_json
@with_site
def shunted(site: Site, action: str | None, number: int | None, as_json: bool) -> None:
    """List mails that could not be processed; `show ID`, `retry ID` and `drop ID` act on one.

    They are kept as they came. `show` prints the octets, `retry` runs the mail again as if it had
    just arrived, `drop` notes that nothing more is to be done.
    """
    if action is None:
        return _list_shunted(site, as_json)
    number = _needed(number, "maild shunted")
    with database(site, write=action != "show") as connection:
        records = Records(connection, site.rules.phase.last)
        if not records.mails(number=number, verdict="shunted"):
            fail(f"Mail {number} is not shunted; `maild shunted` lists those that are.")
        raw = records.raw(number)
        if action == "show" and raw is not None:
            sys.stdout.buffer.write(raw.content)
        elif action == "retry":
            if not records.run_again(number):
                fail(f"Mail {number} was redacted; there are no words left to read.")
            click.echo(
                f"Mail {number} runs again; `maild mails --number {number}` says how it went."
            )
        elif action == "drop":
            records.give_up(number)
            click.echo(f"Mail {number} is done with; its octets stay on record.")
    return None


def _list_shunted(site: Site, as_json: bool) -> None:
    with database(site) as connection:
        found = Records(connection, site.rules.phase.last).mails(verdict="shunted")
    for row in found:
        if as_json:
            print_row(row)
        else:
            at = row["received_at"][:16].replace("T", " ")
            click.echo(f"{row['id']:>6}  {at}  {row['author']}: {row['subject']}")
            click.echo(f"        {row['reason']}")
    if not found and not as_json:
        click.echo("No mail is shunted.")


def _needed(number: int | None, command: str) -> int:
    if number is None:
        fail(f"Which one? `{command}` lists them.", 2)
    return number
