"""The answer to a dry run: what a mail would have done, had it been sent to the list."""

from datetime import datetime

from maild.incident.entry import DryRun, about
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.letters.validation import (
    example,
    finding_model,
    first_line,
    people_line,
    read_rows,
)
from maild.mail.message import Mail, Outgoing


def dry_run(head: Letterhead, notice: DryRun, parent: Mail, now: datetime) -> Outgoing:
    """Say what was understood; nothing is on record, nothing went to the list."""
    rules = head.rules
    model = {
        "first_line": first_line(notice.findings) if notice.findings else "",
        "example": example(notice.findings, rules),
        "findings": [finding_model(finding, rules) for finding in notice.findings],
        "severities": rules.severity.step,
        "phases": rules.phase.step,
        "read": read_rows(notice.stated, rules),
        "people": people_line(notice.stated),
        "posting": head.identity.posting,
    }
    return printed(
        head,
        Sheet(
            kind="check",
            cause=(notice.mail,),
            to=notice.to,
            subject=f"Re: {parent.subject or '(no subject)'}",
            template="check",
            model=model,
            date=now,
            in_reply_to=parent.message_id,
            references=(*parent.references, *filter(None, [parent.message_id])),
            mail=notice.mail,
            about=about(notice),
        ),
    )
