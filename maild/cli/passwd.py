"""`maild passwd`: who may log in at the SMTP port (`[smtp] auth_file`)."""

import sys
from pathlib import Path

import click

from maild.cli.site import fail
from maild.edge.passwords import write


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("user")
def passwd(file: Path, user: str) -> None:
    """Set the password of USER in FILE, which is made if it is not there.

    The password is asked for; where standard input is no terminal, it is its first line. A daemon
    that runs knows it at once.
    """
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        fail("An empty password is none; nothing was changed", 2)
    try:
        new = write(file, user, password)
    except ValueError as error:
        fail(str(error), 2)
    except OSError as error:
        fail(str(error))
    click.echo(f"{file}: {user} {'may log in now' if new else 'has a new password'}")
