"""The digest for those who want the mails themselves: the table in front, then the mails."""

from collections.abc import Sequence
from datetime import datetime

from maild.incident.digest import Digest
from maild.letters.digest import Period, cause, model, subject, thread
from maild.letters.layout import WIDTH, one_blank
from maild.letters.letterhead import Letterhead
from maild.mail.build import Letter, message_id
from maild.mail.bundle import Original, as_mime, as_plain
from maild.mail.message import Address, Audience, Outgoing
from maild.roster.subscription import Form

_AUDIENCES: dict[tuple[Audience, Form], Audience] = {
    ("daily", "mime"): "daily-mime",
    ("daily", "plain"): "daily-plain",
    ("weekly", "mime"): "weekly-mime",
    ("weekly", "plain"): "weekly-plain",
}


def bundle(
    head: Letterhead,
    told: Digest,
    kind: Audience,
    form: Form,
    originals: Sequence[Original],
    now: datetime,
    first: Period | None = None,
) -> Outgoing:
    """Write the digest of a kind with its mails, for those who take it in this form."""
    made = message_id(head.domain, "digest", *cause(kind, (told.since, told.until), form))
    answers = thread(head, kind, first, form)
    contents = [contents_line(number, one) for number, one in enumerate(originals, 1)]
    letter = Letter(
        sender=head.sender,
        to=Address(head.identity.name, head.identity.posting),
        subject=subject(told, head.zone),
        text=one_blank(
            head.render("bundle.txt", {**model(head, told), "contents": contents}),
        ),
        html="",
        message_id=made,
        date=now,
        submitted="auto-generated",
        loop=head.identity.posting,
        in_reply_to=next(iter(answers), None),
        references=answers,
        fields=(*head.identity.fields(), ("X-Incident-Kind", "digest")),
    )
    day = told.until.astimezone(head.zone)
    title = f"{head.identity.name} Digest of {day:%A} {day.day} {day:%B %Y}"
    content = as_mime(letter, originals) if form == "mime" else as_plain(letter, originals, title)
    return Outgoing(
        message_id=made,
        content=content,
        reverse_path=head.bounce(made),
        kind="digest",
        audience=_AUDIENCES[kind, form],
    )


def contents_line(number: int, original: Original) -> str:
    """Write one line of the contents: "  3  0007 Ana Silva: Re: Checkout is down"."""
    name = original.incident.rpartition("-")[2]
    lacking = "" if original.content is not None else " (left out: too long)"
    line = f" {number:>3}  {name} {original.author}: {original.subject or '(no subject)'}"
    room = WIDTH - len(lacking)
    return (line if len(line) <= room else line[: room - 3] + "...") + lacking
