"""`maild serve`, `init`, `check`: run the daemon, and what comes before that."""

import shutil
import sys
from pathlib import Path

import click

from maild.cli.site import database, fail, with_site
from maild.config import commented
from maild.daemon import serve_site
from maild.edge.templates import faults
from maild.site import Site
from maild.trust import signer_of


@click.command()
@with_site
def serve(site: Site) -> None:
    """Run the daemon in the foreground; it is ready when it logs `ready`."""
    problems = faults(*site.template_folders)
    if problems:
        fail("\n".join(problems), 78)
    sys.exit(serve_site(site))


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Write a commented maild.toml with working defaults into DIR (default: here)."""
    path = folder / "maild.toml"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(commented())
    except FileExistsError:
        fail(f"{path}: is there already, and stays as it is")
    click.echo(f"Wrote {path}. As it stands it listens on 127.0.0.1:8025 and puts every mail")
    click.echo("that it sends into var/outgoing, for trying out. Next:")
    click.echo()
    click.echo("  maild roster add you@example.com    who gets the incidents")
    click.echo("  maild serve                         run it")


@click.command()
@click.option("--deep", is_flag=True, help="The database too.")
@with_site
def check(site: Site, deep: bool) -> None:
    """Check configuration, rules and templates; names all mistakes at once."""
    problems = faults(*site.template_folders)
    if problems:
        fail("\n".join(problems), 78)
    site.terms(reached=False)
    signer_of(site)
    program = next(iter(site.config.alarm.command), "")
    if program and shutil.which(program) is None:
        fail(f"alarm.command: there is no program {program!r} here that may be run", 78)
    click.echo(f"{site.config.list.address}: configuration, rules and templates are well.")
    if deep:
        with database(site) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            fail("\n".join(f"{site.database}: {line}" for line in found))
        click.echo(f"{site.database}: the database is well.")
