"""Letters to the owner: what needs a person, once per cause."""

from datetime import datetime

from maild.incident.entry import OwnerWord
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.mail.build import message_id, printed_fields
from maild.mail.headers import with_fields
from maild.mail.message import Address, Outgoing, RawMessage

_SUBJECTS = {
    "cap": "maild answers {name} no more today",
    "shunted": "maild could not process a mail of {name}",
    "machine": "A program's mail is incomplete: {name}",
    "draft": "Nobody has completed: {name}",
    "refused": "A refused mail reads as an incident: {name}",
    "program": "A program writes to the list and is ignored: {name}",
    "complaint": "{name} calls the list's mails spam",
    "disk": "The disk of maild is nearly full ({name})",
    "canary": "maild's mail does not come back ({name})",
    "paused": "No copies for now: {name}",
}


def owner_word(head: Letterhead, notice: OwnerWord, now: datetime) -> Outgoing:
    """Tell the owner; the template has the name of what it is about, with "owner_" before it."""
    first = head.owner[0]
    return printed(
        head,
        Sheet(
            kind="owner",
            cause=(notice.about, notice.name, notice.mail, now.date()),
            to=Address("", first),
            subject=_SUBJECTS[notice.about].format(name=notice.name),
            template=f"owner_{notice.about}",
            model={
                "name": notice.name,
                "mail": notice.mail,
                "posting": head.identity.posting,
                "detail": notice.detail,
            },
            date=now,
            submitted="auto-generated",
            recipients=head.owner,
            mail=notice.mail,
            once=notice.once,
            ever=notice.ever,
        ),
    )


def forward(head: Letterhead, number: int, raw: RawMessage) -> Outgoing:
    """Hand a mail to the owner as it came; X-Loop on top knows it again should it come back."""
    made = message_id(head.domain, "forward", number)
    loop = printed_fields([("X-Loop", head.identity.posting)])
    return Outgoing(
        message_id=made,
        content=with_fields(raw.content, frozenset({"return-path", "delivered-to"}), loop),
        reverse_path=head.bounce(made),
        kind="forward",
        recipients=head.owner,
        mail=number,
    )
