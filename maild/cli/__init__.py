"""The command line: one module for each group of commands; they parse arguments and print.

A module is imported when one of its commands is called, so that `maild read` does not wait for
what only the daemon needs.
"""

import importlib
from typing import Final

import click

COMMANDS: Final = {
    "demo": "maild.cli.demo",
    "serve": "maild.cli.serving",
    "init": "maild.cli.serving",
    "check": "maild.cli.serving",
    "read": "maild.cli.reading",
    "replay": "maild.cli.replay",
    "import": "maild.cli.archive:import_",
    "backup": "maild.cli.archive",
    "incidents": "maild.cli.records",
    "show": "maild.cli.records",
    "mails": "maild.cli.records",
    "search": "maild.cli.search",
    "void": "maild.cli.records",
    "merge": "maild.cli.records",
    "redact": "maild.cli.redact",
    "digest": "maild.cli.digest",
    "report": "maild.cli.report",
    "passwd": "maild.cli.passwd",
    "dkim-key": "maild.cli.signing",
    "queue": "maild.cli.queue",
    "shunted": "maild.cli.queue",
    "roster": "maild.cli.roster",
}


class _Commands(click.Group):
    """Finds a command's module by the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        module, _, name = module.partition(":")
        command = getattr(importlib.import_module(module), name or cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="maild", message="%(prog)s %(version)s")
def main() -> None:
    """maild: incidents by plain e-mail."""
