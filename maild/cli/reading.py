"""`maild read`: what would be understood from a mail."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from maild.edge.files import RulesError, load_rules, raw_from_file
from maild.incident.verdict import PERSONAL, Background, Stated, counting, required, resolve
from maild.mail.automatic import automatic
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
    rejected = False
    for name in files:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        row = understood(name, content, reader, rules)
        rejected = rejected or row["verdict"] == "rejected"
        click.echo(json.dumps(row, ensure_ascii=False) if as_json else in_words(row))
    sys.exit(1 if rejected else 0)


def understood(name: str, content: bytes, reader: Reader, rules: Rules) -> dict[str, Any]:
    """Read one mail as an opening; the keys are those of the interface's JSON."""
    mail = parse(raw_from_file(content, datetime.now(UTC), LIST))
    row: dict[str, Any] = {"file": name, "message_id": mail.message_id}
    reason = automatic(mail, rules.mail.automatic, frozenset({LIST}))
    if reason:
        return {**row, "verdict": "ignored", "kind": "automatic", "reason": reason}
    report = reader.read(mail)
    background = Background()
    stated = resolve(counting(report, "opening", background), report, report.author, background)
    findings = required(stated, "opening", rules)
    return {
        **row,
        "verdict": "rejected" if findings else "accepted",
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


def in_words(row: dict[str, Any]) -> str:
    """Say what was understood to a person."""
    lines = [f"{row['file']}: {row['verdict']}"]
    for field, words in row.get("evidence", {}).items():
        value = row.get("channels" if field == "channel" else field)
        if isinstance(value, dict):
            value = value["name"] or value["address"]
        if isinstance(value, list):
            value = ", ".join(value)
        lines.append(f'  {field.replace("_", " "):20} {value}  "{" ".join(words.split())}"')
    for field in row.get("missing", ()):
        lines.append(f"  {field:20} missing")
    for field, words in row.get("invalid", {}).items():
        lines.append(f'  {field:20} unclear: "{words}"')
    for field in row.get("conflict", ()):
        lines.append(f"  {field:20} the mail says two things")
    if "reason" in row:
        lines.append(f"  {row['reason']}")
    return "\n".join(lines)
