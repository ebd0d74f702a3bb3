"""Letters to the owner: what needs a person, once per cause."""

from datetime import datetime

from maild.incident.entry import OwnerWord
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.mail.message import Address, Outgoing

_SUBJECTS = {
    "cap": "maild answers {name} no more today",
    "shunted": "maild could not process a mail of {name}",
    "draft": "Nobody has completed: {name}",
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
        ),
    )
