"""`maild replay`: feed old mails through the core of the daemon, into a throwaway database."""

import json
import mailbox
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from maild.cli.reading import LIST, fields_of, person_json
from maild.desk import Desk
from maild.edge.files import RulesError, load_rules, raw_from_file
from maild.edge.store.arrivals import Arrivals
from maild.edge.store.connection import connect
from maild.edge.store.ledger import Ledger
from maild.edge.store.schema import migrate
from maild.incident.arrived import FollowUps, Policy
from maild.incident.entry import Entry
from maild.incident.model import Incident
from maild.mail.envelope import receipt_time
from maild.mail.parse import parse
from maild.reading.body import ListNames
from maild.reading.report import Reader


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--clock", type=click.Choice(["mail", "now"]), default="mail", show_default=True)
@click.option("--rules", "folder", type=click.Path(path_type=Path), help="A folder of rules.")
@click.option("--follow-ups", type=click.Choice(["updates", "strict", "carry"]), default="updates")
@click.option("--database", type=click.Path(path_type=Path), help="Keep the result in this file.")
def replay(
    paths: tuple[Path, ...],
    as_json: bool,
    clock: str,
    folder: Path | None,
    follow_ups: FollowUps,
    database: Path | None,
) -> None:
    """Feed mails through the same core as the daemon, in the order given.

    PATH is a file (.eml), a folder of them, an mbox or a Maildir. Nothing is sent, no timer fires;
    one line a mail: its verdict, and the incident's state after it.
    """
    try:
        rules = load_rules(folder)
    except RulesError as error:
        click.echo(str(error), err=True)
        sys.exit(78)
    connection = connect(database or ":memory:")
    migrate(connection, str(database or ":memory:"))
    if database is None:
        connection.execute("PRAGMA synchronous = OFF")
    reader = Reader(rules, ListNames(LIST, ("incidents",), UTC))
    policy = Policy(rules, LIST, frozenset({LIST}), follow_ups)
    ledger = Ledger(connection, rules.phase.last)
    desk = Desk(ledger, policy, UTC, "replay{:06d}".format)
    arrivals = Arrivals(connection)
    last = datetime(1970, 1, 1, tzinfo=UTC)
    for name, content in messages(paths):
        now = datetime.now(UTC)
        last = now if clock == "now" else max(last, receipt_time(content, now))
        raw = raw_from_file(content, last, LIST)
        (number,) = arrivals.keep([raw])
        mail = parse(raw)
        entry = desk.conclude(number, raw, mail, reader.read(mail), last)
        after = entry.incident or ledger.incident(entry.incident_id)[0]
        row = row_of(name, mail.message_id, entry, after)
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else line_of(row))


def messages(paths: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    """List the octets of every mail in the files, folders, mboxes and Maildirs named, in order."""
    for path in paths:
        if (path / "cur").is_dir():
            for key, message in sorted(mailbox.Maildir(path, create=False).items()):
                yield f"{path}/{key}", message.as_bytes()
        elif path.is_dir():
            for file in sorted(path.rglob("*.eml")):
                yield str(file), file.read_bytes()
        else:
            yield from _file(path)


def _file(path: Path) -> Iterator[tuple[str, bytes]]:
    content = path.read_bytes()
    if content.startswith(b"From ") and b"\nFrom " in content:
        box = mailbox.mbox(path, create=False)
        for key in box.keys():  # noqa: SIM118  an mbox is no mapping that iterates over its keys
            yield f"{path}#{key}", box.get_bytes(key)
    else:
        yield str(path), content


def row_of(
    name: str, message_id: str | None, entry: Entry, after: Incident | None
) -> dict[str, Any]:
    """Give the JSON of one mail."""
    kind = "follow-up" if entry.kind == "update" else entry.kind
    row: dict[str, Any] = {
        "file": name,
        "message_id": message_id,
        "verdict": entry.verdict,
        "kind": kind,
        "reason": entry.reason,
        "incident": entry.incident_id,
    }
    if entry.stated is not None:
        row |= fields_of(entry.stated)
        row["evidence"] = dict(entry.stated.words)
    row["missing"] = [f.field for f in entry.findings if f.trouble == "missing"]
    row["invalid"] = {f.field: str(f.values[0]) for f in entry.findings if f.trouble == "invalid"}
    row["conflict"] = [f.field for f in entry.findings if f.trouble == "conflict"]
    row["state"] = state_of(after) if after is not None else None
    return row


def state_of(incident: Incident) -> dict[str, Any]:
    """Give an incident's state as the interface's JSON has it."""
    return {
        "severity": incident.severity,
        "phase": incident.phase,
        "commander": person_json(incident.commander),
        "channels": list(incident.channels),
    }


def line_of(row: dict[str, Any]) -> str:
    """Say in one line what became of a mail."""
    state = row["state"] or {}
    commander = state.get("commander") or {}
    parts = [f"{row['file']}: {row['verdict']}", row["kind"], row["incident"] or "", row["reason"]]
    if state:
        who = commander.get("name") or commander.get("address") or "nobody"
        parts.append(f"severity {state['severity']}, phase {state['phase']}, commander {who}")
    return "  ".join(part for part in parts if part)
