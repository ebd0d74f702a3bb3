"""Which incident does a mail belong to? (reading rules, section 6)"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from maild.mail.message import Mail
from maild.reading.report import Report

_INCIDENT = re.compile(r"^(\d{4})-(\d{1,9})$")
_DRAFT = re.compile(r"^draft-([a-z0-9]{6,40})$")


@dataclass(frozen=True, slots=True)
class Keys:
    """By what a mail may find its thread, strongest first.

    incident: the id that its plus address names. draft: the token that it names. ids: In-Reply-To,
    then References from the last to the first. token: the id in its subject.
    """

    incident: str | None
    draft: str | None
    ids: tuple[str, ...]
    token: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a known Message-ID belongs: to a draft, an incident, or (a completed draft) to both."""

    incident: str | None
    draft: str | None
    letter: str = ""


def incident_id(year: int | str, number: int | str) -> str:
    """Write an incident's id, "INC-2026-0007"."""
    return f"INC-{year}-{int(number):04d}"


def keys(mail: Mail, report: Report, posting_address: str) -> Keys:
    """Collect what a mail says of its thread."""
    incident = draft = None
    local, _, domain = posting_address.lower().partition("@")
    boxes = [*mail.envelope.recipients, *(box.address for box in (*mail.to, *mail.cc))]
    for box in boxes:
        name, _, host = box.lower().partition("@")
        if host == domain and name.startswith(f"{local}+"):
            detail = name.removeprefix(f"{local}+")
            if match := _INCIDENT.match(detail):
                incident = incident or incident_id(match[1], match[2])
            elif match := _DRAFT.match(detail):
                draft = draft or match[1]
    ids = tuple(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))
    return Keys(incident, draft, ids, report.tokens[0] if report.tokens else None)


def place_of(found: Keys, places: Mapping[str, Place]) -> Place | None:
    """Choose the place that the strongest key names; None where no key is known.

    places: what is on record, by Message-ID, incident id or draft token.
    """
    for key in (found.incident, found.draft):
        if key is not None:
            return places.get(key)
    for key in (*found.ids, found.token):
        if key is not None and key in places:
            return places[key]
    return None


def unknown(found: Keys, places: Mapping[str, Place]) -> str | None:
    """Give the incident or draft that a mail names outright and that is not on record."""
    for key in (found.incident, found.draft):
        if key is not None:
            return None if key in places else key
    if found.token is not None and place_of(found, places) is None:
        return found.token
    return None


def fingerprint(mail: Mail, aside: str = "") -> str:
    """Say what makes a later mail a duplicate of this one (design, section 4.6).

    Message-ID and author; without a Message-ID the author, the Date and the text. aside: the
    address it came to, where that is none for posting: a mail to the list and to the owner is two.
    """
    author = " ".join(filter(None, (mail.author.address.lower(), aside)))
    if mail.message_id is not None:
        return f"{mail.message_id} {author}"
    text = "\n".join((mail.subject, *(part.text for part in mail.parts)))
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
    return f"{digest} {mail.written_at} {author}"
