"""`maild redact`: drops a mail's words and keeps what happened."""

import sys
import time
from typing import Final

import click

from maild.cli.records import mail_lines
from maild.cli.site import EX_TEMPFAIL, database, fail, with_site
from maild.edge.clock import now
from maild.edge.store.records import Records
from maild.edge.store.redaction import Redaction
from maild.incident.redaction import note_of
from maild.mail.message import RawMessage
from maild.mail.parse import parse
from maild.site import Site

ATTEMPTS: Final = 3


@click.command()
@click.argument("mail", metavar="MAIL")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_site
def redact(site: Site, mail: str, yes: bool) -> None:
    """Drop a mail's words for good; what it changed, who wrote it and when stay on record.

    MAIL is its number or its Message-ID, as `maild mails` shows them. The original, what was read
    out of it, the full text index and the stored copies lose the words; where they stood,
    "[redacted on ...]" stands. What is still owed of it is given up.
    """
    at = now()
    with database(site, write=True) as connection:
        records = Records(connection, site.rules.phase.last)
        redaction = Redaction(connection)
        numbers = redaction.find(mail)
        if not numbers:
            _unknown(records, mail)
        _ask(records, numbers, yes)
        quoting = redaction.quoting(numbers, _texts)
        redaction.redact(numbers, note_of(at.astimezone(site.zone).date()), at, _texts)
        wiped = _wiped(redaction)
    listed = ", ".join(map(str, numbers))
    click.echo(f"Redacted: mail {listed}. What it changed stays on record.")
    if quoting:
        click.echo(f"Other mails quote it: {', '.join(map(str, quoting))}; redact them one by one.")
    click.echo("Not in our hands: copies that were sent, backups, the mailbox that it came from.")
    if not wiped:
        fail(
            f"The database's log still holds the words, somebody reads it; run it again: {mail}",
            EX_TEMPFAIL,
        )


def _unknown(records: Records, mail: str) -> None:
    if any(str(row["id"]) == mail for row in records.waiting()):
        fail(f"Mail {mail} is not read yet; try again in a moment.", EX_TEMPFAIL)
    fail(f"No mail {mail} is on record; `maild mails` lists them.")


def _ask(records: Records, numbers: list[int], yes: bool) -> None:
    for number in numbers:
        for row in records.mails(number=number):
            click.echo(mail_lines(row, full=False))
    if yes:
        return
    if not sys.stdin.isatty():
        fail("This cannot be undone; say --yes.", 2)
    click.confirm("Drop these words for good?", abort=True)


def _texts(raw: RawMessage) -> str:
    mail = parse(raw)
    return "\n".join((mail.subject, *(part.text for part in mail.parts)))


def _wiped(redaction: Redaction) -> bool:
    for attempt in range(ATTEMPTS):
        if redaction.wipe():
            return True
        time.sleep(0.2 * (attempt + 1))
    return False
