"""`maild incidents`, `show`, `mails`, `void`, `merge`: what is on record."""

import sqlite3
import sys
from datetime import datetime
from typing import Any

import click

from maild.cli.replay import state_of
from maild.cli.site import database, fail, print_row, row_text, with_site
from maild.edge.clock import now
from maild.edge.store.digests import Digests
from maild.edge.store.records import Records
from maild.incident.model import Happening, Incident, Merged, Voided
from maild.incident.stamp import changes_of
from maild.letters.digest import story_text
from maild.letters.layout import WIDTH, shown
from maild.letters.record import incident_line, timeline_lines
from maild.reading.reading import Person
from maild.site import Site

COLUMNS = 80
OPERATOR = Person("the operator")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
_VERDICTS = ("accepted", "rejected", "ignored", "command", "duplicate", "shunted")


@click.command()
@click.option("--open", "only_open", is_flag=True, help="Only those that are not over.")
@_json
@with_site
def incidents(site: Site, only_open: bool, as_json: bool) -> None:
    """List the incidents, newest last."""
    with database(site) as connection:
        found = Records(connection, site.rules.phase.last).incidents(only_open=only_open)
    last = site.rules.phase.last
    lines = [
        row_text(incident_json(one, site)) if as_json else incident_line(one, last, COLUMNS)
        for one in found
    ]
    if lines:
        click.echo("\n".join(lines))
    elif not as_json:
        click.echo("No incident is open." if only_open else "No incident is on record.")


def incident_json(incident: Incident, site: Site) -> dict[str, Any]:
    """Give an incident as the interface's JSON has its state, and what else is known."""
    return {
        "incident": incident.id,
        "summary": incident.summary,
        "open": incident.is_open(site.rules.phase.last),
        **state_of(incident),
        "roles": {role: [str(p) for p in people] for role, people in incident.roles},
        "declared_at": incident.declared_at.isoformat(),
        "declared_by": str(incident.declared_by),
        "started_at": _iso(incident.started_at),
        "next_update": _iso(incident.next_update_at),
        "resolved_at": _iso(incident.resolved_at),
        "mails": incident.mails,
        "voided": incident.voided,
        "merged_into": incident.merged_into,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


@click.command()
@click.argument("incident_id", metavar="ID")
@_json
@click.option("--timeline", is_flag=True, help="Every event with its author and mail.")
@click.option("--mbox", is_flag=True, help="The original mails, as an mbox.")
@with_site
def show(site: Site, incident_id: str, as_json: bool, timeline: bool, mbox: bool) -> None:
    """Show one incident: state, what changed, what people wrote, who has no copy yet."""
    with database(site) as connection:
        records = Records(connection, site.rules.phase.last)
        incident = records.incident(incident_id)
        if incident is None:
            fail(f"{incident_id} is not on record; `maild incidents` lists them")
        events = records.events(incident.id)
        if as_json:
            mails = records.mails(incident=incident.id)
            row = incident_json(incident, site)
            print_row({**row, "events": [event_json(e) for e in events], "posts": mails})
        elif mbox:
            sys.stdout.buffer.write(_mbox(records, incident.id))
        elif timeline:
            for line in timeline_lines(events, site.zone):
                click.echo(line)
        else:
            click.echo(_story(connection, records, incident, site), nl=False)


def _story(connection: sqlite3.Connection, records: Records, incident: Incident, site: Site) -> str:
    history = Digests(connection).history(incident.id)
    head = site.letterhead(site.key())
    text: str = story_text(head, history, now(), site.hours())
    owed = [row for row in records.queue() if row["incident"] == incident.id]
    for title, rows in (("Not delivered yet", owed), ("Failed", records.failed(incident.id))):
        text += f"\n{title}:\n" if rows else ""
        for row in rows:
            why = f": {row['reply']}" if row["reply"] else ""
            text += f"  {row['recipient']} ({row['kind']}){why}"[: WIDTH + 8] + "\n"
    return text


def event_json(event: Happening) -> dict[str, Any]:
    """Give an event as JSON: when, by whom, by which mail, and what changed."""
    return {
        "at": event.at.isoformat(),
        "event": type(event).__name__,
        "by": str(event.by),
        "mail": event.mail,
        "changes": [
            {
                "field": change.field,
                "was": shown(change.was) if change.was is not None else None,
                "now": shown(change.now),
            }
            for change in changes_of([event])
        ],
    }


def _mbox(records: Records, incident_id: str) -> bytes:
    """Write the incident's mails as they came (RFC 4155), lines of From quoted."""
    parts = []
    for row in records.mails(incident=incident_id):
        raw = records.raw(row["id"])
        if raw is not None:
            sender = raw.envelope.reverse_path or "MAILER-DAEMON"
            head = f"From {sender} {raw.received_at:%a %b %d %H:%M:%S %Y}\n".encode()
            body = raw.content.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ")
            parts.append(head + body.rstrip(b"\n") + b"\n\n")
    return b"".join(parts)


@click.command()
@click.option("--verdict", type=click.Choice(_VERDICTS), help="Only mails with this verdict.")
@click.option("--from", "author", metavar="ADDRESS", help="Only mails of this author.")
@click.option("--id", "message_id", metavar="MESSAGE-ID", help="Only the mail with this id.")
@click.option("--number", type=int, help="Only the mail with this number.")
@_json
@with_site
def mails(
    site: Site,
    verdict: str | None,
    author: str | None,
    message_id: str | None,
    number: int | None,
    as_json: bool,
) -> None:
    """Where is my mail? Every mail taken, its verdict and why, what was sent to whom."""
    with database(site) as connection:
        records = Records(connection, site.rules.phase.last)
        found = records.mails(
            verdict=verdict,
            author=author.lower() if author else None,
            message_id=message_id.strip("<>") if message_id else None,
            number=number,
        )
        asked = (verdict, author, message_id, number)
        waiting = records.waiting() if not any(asked) else []
    for row in found:
        print_row(row) if as_json else click.echo(mail_lines(row, full=len(found) == 1))
    for row in waiting:
        if as_json:
            print_row({**row, "verdict": None})
        else:
            click.echo(f"{row['id']:>6}  arrived, not read yet  from {row['reverse_path'] or '<>'}")
    if not found and not waiting and not as_json:
        fail("No such mail is on record.")


def mail_lines(row: dict[str, Any], *, full: bool) -> str:
    """Write one mail; full: with everything that was sent for it."""
    place = f"  {row['incident']}" if row["incident"] else ""
    reason = f" ({row['reason']})" if row["reason"] else ""
    kind = f" {row['kind']}" if row["kind"] else ""
    lines = [
        f"{row['id']:>6}  {row['received_at'][:16].replace('T', ' ')}  {row['author']}: {row['subject']}",
        f"        {row['verdict']}{kind}{reason}{place}",
    ]
    sent = row["sent"]
    if full:
        lines += [
            f"        {s['kind']} to {s['recipient']}: {s['state']} {s['reply']}" for s in sent
        ]
    elif sent:
        states = sorted({s["state"] for s in sent})
        counts = ", ".join(f"{sum(s['state'] == x for s in sent)} {x}" for x in states)
        lines.append(f"        letters: {counts}")
    return "\n".join(lines)


@click.command()
@click.argument("incident_id", metavar="ID")
@with_site
def void(site: Site, incident_id: str) -> None:
    """End a false incident, without a postmortem; its mails stay on record."""
    at = now()
    with database(site, write=True) as connection:
        records = Records(connection, site.rules.phase.last)
        after = records.append(incident_id.upper(), Voided(at, None, OPERATOR), at)
    if after is None:
        fail(f"{incident_id} is not on record; `maild incidents` lists them")
    click.echo(f"{after.id} is void; the next digest says so.")


@click.command()
@click.argument("incident_id", metavar="ID")
@click.argument("into", metavar="INTO")
@with_site
def merge(site: Site, incident_id: str, into: str) -> None:
    """Join an incident to another: mail to ID goes on as INTO."""
    at = now()
    with database(site, write=True) as connection:
        records = Records(connection, site.rules.phase.last)
        one, other = records.incident(incident_id), records.incident(into)
        if one is None or other is None:
            fail(f"{incident_id if one is None else into} is not on record")
        if one.id == other.id or other.merged_into or one.merged_into:
            fail("An incident can be joined once, to another one that was not joined itself.")
        records.append(one.id, Merged(at, None, OPERATOR, other.id), at)
    click.echo(f"{one.id} goes on as {other.id}; the next digest says so.")
