"""Mail to our other addresses: the owner, commands, bounces, dry runs (interface, "Addresses")."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from maild.incident.arrived import Arrived, Past
from maild.incident.entry import CommandAnswer, DryRun, Entry, Forward, Word
from maild.incident.verdict import Background, counting, required, resolve
from maild.mail.message import Mail
from maild.reading.report import Report
from maild.reading.rules import Rules
from maild.roster.commands import MAX_LINE, Confirm, Line, Misread, Unsubscribe
from maild.roster.effects import Who, decide

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


def _reason(lines: Sequence[Line]) -> str:
    """Name the commands; the token of an "unsubscribe" is nobody else's business."""
    words = ("unsubscribe" if isinstance(x.command, Unsubscribe) else x.text for x in lines)
    return "; ".join(words)[:MAX_LINE] or "no command in it"


def commanded(arrived: Arrived, past: Past, rules: Rules) -> Entry:
    """Do what a mail to the command address says, and answer it."""
    who = Who(
        address=arrived.mail.author.address.lower(),
        at=arrived.mail.received_at,
        may_post=arrived.may_post,
        subscription=past.subscription,
        trusted=arrived.trusted,
        leave=arrived.leave,
        confirmation=past.confirmation,
        token=arrived.confirm,
        severities=[step.number for step in rules.severity.step],
    )
    decision = decide(arrived.lines, who)
    answer = CommandAnswer(
        arrived.mail.author,
        arrived.number,
        decision.results,
        decision.asks.token if decision.asks else "",
        arrived.leave,
        decision.lost,
        arrived.may_post,
    )
    return Entry(
        "command",
        "command",
        _reason(arrived.lines),
        notices=(answer,),
        roster=decision.changes,
        asks=decision.asks,
        confirmed=decision.confirmed,
    )


def back(entry: Entry, arrived: Arrived, past: Past) -> Entry:
    """Send a paused subscriber copies again: he has written, so his address works.

    Where he answers our letter on that, it is all that his mail is, if no command is in it.
    """
    if not past.paused:
        return entry
    mail = arrived.mail
    resumes = mail.author.address.lower()
    if past.paused == "answered" and entry.kind == "command" and not _commands(arrived, past):
        word = Word("resumed", mail.author, arrived.number)
        return Entry("command", "command", "gets copies again", notices=(word,), resumes=resumes)
    return replace(entry, resumes=resumes)


def _commands(arrived: Arrived, past: Past) -> bool:
    """Whether a mail asks for anything; "yes, please" does only where we have asked."""
    nothing = (None, Confirm(), Misread("confirm"))
    asked = any(line.command not in nothing for line in arrived.lines)
    return asked or past.confirmation is not None
