"""The letters on copies that did not arrive: to the subscriber, to the commander, to the owner."""

from datetime import datetime

from maild.incident.entry import OwnerWord, Paused, Unreached
from maild.letters.layout import quoted, subject_of
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.letters.owner import owner_word
from maild.mail.message import Address, Outgoing


def undelivered_word(
    head: Letterhead, notice: Paused | Unreached | OwnerWord, now: datetime
) -> Outgoing:
    """Write one of the letters on what was not delivered."""
    match notice:
        case Paused():
            return _paused(head, notice, now)
        case Unreached():
            return _unreached(head, notice, now)
        case OwnerWord():
            return owner_word(head, notice, now)


def _paused(head: Letterhead, notice: Paused, now: datetime) -> Outgoing:
    sheet = Sheet(
        kind="paused",
        cause=(notice.address, now.date()),
        to=Address("", notice.address),
        subject=f"You get no copies of {head.identity.name} for now",
        template="paused",
        model={
            "address": notice.address,
            "list": head.identity.name,
            "why": quoted(notice.why) if notice.why else "",
            "owner": head.owner[0],
        },
        date=now,
        # To an address where anybody's mail is taken, whoever may post.
        reply_to=head.identity.request,
    )
    return printed(head, sheet)


def _unreached(head: Letterhead, notice: Unreached, now: datetime) -> Outgoing:
    incident = notice.incident
    address = notice.whom.address or ""
    sheet = Sheet(
        kind="unreached",
        cause=(incident.id, address, f"{now:%Y-%m-%d %H}"),
        to=notice.to or Address("", head.owner[0]),
        subject=f"Re: {subject_of(incident.summary, incident.id)}",
        template="unreached",
        model={
            "name": str(notice.whom),
            "address": address,
            "role": notice.role,
            "id": incident.id,
            "why": quoted(notice.why) if notice.why else "",
        },
        date=now,
        reply_to=head.incident_address(incident.id),
        recipients=None if notice.to else head.owner,
        incident=incident.id,
        once=f"unreached {incident.id} {address}",
    )
    return printed(head, sheet)
