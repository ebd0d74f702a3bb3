"""Mail to our other addresses: the owner, commands, bounces, dry runs (interface, "Addresses")."""

from dataclasses import replace
from typing import Final

from maild.incident.entry import DryRun, Entry, Forward, Word
from maild.incident.verdict import Background, counting, required, resolve
from maild.mail.message import Mail
from maild.reading.report import Report
from maild.reading.rules import Rules

FORWARDS_AN_HOUR: Final = 20


def to_owner(number: int, forwarded: int, own: str | None) -> Entry:
    """Forward to the owner, whoever wrote it; never answered.

    forwarded: how many were in the last hour. own: why it is our own mail coming back, else None.
    """
    if own is not None:
        return Entry("ignored", "owner", own)
    if forwarded >= FORWARDS_AN_HOUR:
        return Entry(
            "ignored", "owner", f"more than {FORWARDS_AN_HOUR} an hour; kept, not forwarded"
        )
    return Entry("accepted", "owner", "forwarded to the owner", notices=(Forward(number),))


def stranger(kind: str) -> Entry:
    """Take no notice of somebody who may not post: he must not make us mail anybody."""
    return Entry("ignored", "command", f"a stranger's mail to the {kind} address")


def checked(number: int, mail: Mail, report: Report, rules: Rules) -> Entry:
    """Say what an opening like this would do; nothing is changed."""
    background = Background()
    readings = counting(report, "opening", background)
    stated = resolve(readings, report, report.author, background)
    findings = required(stated, "opening", rules)
    notice = DryRun(mail.author, number, stated, findings)
    return Entry("command", "check", "dry run", stated=stated, findings=findings, notices=(notice,))


def commanded(number: int, mail: Mail) -> Entry:
    """Answer a mail to the command address."""
    word = Word("help", mail.author, number)
    return Entry("command", "command", "help", notices=(word,))


def back(entry: Entry, number: int, mail: Mail, paused: str) -> Entry:
    """Send a paused subscriber copies again: he has written, so his address works.

    paused: "answered" where he answers our letter on that, which is all that his mail is then.
    """
    if not paused:
        return entry
    address = mail.author.address.lower()
    if paused == "answered" and entry.kind == "command":
        word = Word("resumed", mail.author, number)
        return Entry("command", "command", "gets copies again", notices=(word,), resumes=address)
    return replace(entry, resumes=address)
