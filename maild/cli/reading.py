"""`maild read`: what would be understood from a mail."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click

from maild.cli.understood import Understood, in_words
from maild.edge.files import RulesError, load_rules, raw_from_file
from maild.incident.verdict import PERSONAL, Background, Stated, counting, required, resolve
from maild.mail.automatic import automatic
from maild.mail.envelope import receipt_time
from maild.mail.parse import parse
from maild.reading.body import ListNames
from maild.reading.reading import Person
from maild.reading.report import Reader
from maild.reading.rules import Rules

LIST = "incidents@example.com"


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--rules", "folder", type=click.Path(path_type=Path), help="A folder of rules.")
def read(files: tuple[str, ...], as_json: bool, folder: Path | None) -> None:
    """Say what would be understood from each mail, as an opening; changes nothing.

    FILE is a mail as it would arrive (.eml), or - for standard input. Exits 1 if one of them would
    be rejected.
    """
    try:
        rules = load_rules(folder)
    except RulesError as error:
        click.echo(str(error), err=True)
        sys.exit(78)
    reader = Reader(rules, ListNames(LIST, ("incidents",), UTC))
    colour = False if os.environ.get("NO_COLOR") else None
    rejected = False
    for number, (name, content) in enumerate(_contents(files)):
        found = understood(name, content, reader, rules)
        rejected = rejected or found.verdict == "rejected"
        if as_json:
            click.echo(json.dumps(json_of(found), ensure_ascii=False))
        else:
            click.echo(("\n" if number else "") + in_words(found, rules), color=colour)
    sys.exit(1 if rejected else 0)


def _contents(files: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """Read all files before anything is said; one that cannot be read is a usage error."""
    try:
        return [
            (name, sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes())
            for name in files
        ]
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise click.UsageError(
            f"{error.filename}: {reason}. FILE is a mail saved as .eml, or - for standard input."
        ) from error


def understood(name: str, content: bytes, reader: Reader, rules: Rules) -> Understood:
    """Read one mail as an opening."""
    at = receipt_time(content, datetime.now(UTC))
    mail = parse(raw_from_file(content, at, LIST))
    reason = automatic(mail, rules.mail.automatic, frozenset({LIST}))
    if reason:
        return Understood(name, mail.message_id, "ignored", reason)
    report = reader.read(mail)
    background = Background()
    stated = resolve(counting(report, "opening", background), report, report.author, background)
    findings = required(stated, "opening", rules)
    verdict: Literal["accepted", "rejected"] = "rejected" if findings else "accepted"
    return Understood(name, mail.message_id, verdict, "", stated, findings)


def json_of(found: Understood) -> dict[str, Any]:
    """Give the interface's JSON."""
    row: dict[str, Any] = {"file": found.file, "message_id": found.message_id}
    stated, findings = found.stated, found.findings
    if stated is None:
        return {**row, "verdict": found.verdict, "kind": "automatic", "reason": found.reason}
    return {
        **row,
        "verdict": found.verdict,
        "kind": "opening",
        **fields_of(stated),
        "missing": [f.field for f in findings if f.trouble == "missing"],
        "invalid": {f.field: str(f.values[0]) for f in findings if f.trouble == "invalid"},
        "conflict": [f.field for f in findings if f.trouble == "conflict"],
        "evidence": dict(stated.words),
    }


def fields_of(stated: Stated) -> dict[str, Any]:
    """Give the fields of the interface's JSON."""
    commander = stated.get("commander")
    row: dict[str, Any] = {
        "severity": stated.get("severity"),
        "phase": stated.get("phase"),
        "commander": person_json(commander),
        "channels": list(stated.channels),
        "experts": [str(person) for person in stated.experts],
        "summary": stated.summary,
    }
    for role in PERSONAL:
        person = stated.get(role)
        row[role] = str(person) if person is not None else None
    for moment in ("next_update", "started_at"):
        at = stated.get(moment)
        row[moment] = at.isoformat().replace("+00:00", "Z") if isinstance(at, datetime) else None
    return row


def person_json(person: object) -> dict[str, str | None] | None:
    """Give a person as the interface's JSON has it."""
    return {"name": person.name, "address": person.address} if isinstance(person, Person) else None
