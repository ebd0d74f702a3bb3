"""Which incident does a mail belong to? (reading rules, section 6)"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from maild.mail.message import Mail
from maild.reading.report import Report

_INCIDENT = re.compile(r"^(\d{4})-(\d{1,9})$")
_DRAFT = re.compile(r"^draft-([a-z0-9]{6,40})$")
_CONFIRM = re.compile(r"^confirm-([a-z0-9]{6,40})$")
_WORD = re.compile(r"\w+")
# Words shorter than this bind other words; longer ones than that weigh no more.
SHORT_WORD, LONG_WORD = 4, 8
# How much of the shorter subject, and of both together, two of them must share to be alike.
SHARED_OF_ONE, SHARED_OF_BOTH = 0.75, 0.5


@dataclass(frozen=True, slots=True)
class Keys:
    """By what a mail may find its thread, strongest first.

    incident: the id that its plus address names. draft: the token that it names. ids: In-Reply-To,
    then References from the last to the first. token: the id in its subject. confirm: the token of
    a change of the roster that it answers.
    """

    incident: str | None
    draft: str | None
    ids: tuple[str, ...]
    token: str | None
    confirm: str | None = None


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
    incident = draft = confirm = None
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
            elif match := _CONFIRM.match(detail):
                confirm = confirm or match[1]
    ids = tuple(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))
    token = report.tokens[0] if report.tokens else None
    return Keys(incident, draft, ids, token, confirm)


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


@lru_cache(maxsize=1_024)
def weighty(subject: str) -> Mapping[str, int]:
    """Give the words of a subject that say something, with their weight: the longer, the more."""
    words = _WORD.findall(subject.lower())
    return {
        word: min(max(len(word), SHORT_WORD), LONG_WORD)
        for word in words
        if len(word) >= SHORT_WORD or any(c.isdigit() for c in word)
    }


def alike(subject: str, other: str) -> bool:
    """Whether two subjects seem to name one thing: the same, or enough shared words of weight.

    "Checkout is down" is like "Checkout down in Europe"; it is not like "Search is down".
    """
    if subject == other:
        return bool(subject)
    mine, theirs = weighty(subject), weighty(other)
    shared = [(word, word) for word in mine.keys() & theirs.keys()]
    shared += [(w, t) for w in mine for t in theirs if w[0] == t[0] and w != t and _same_stem(w, t)]
    count = min(len({word for word, _ in shared}), len({word for _, word in shared}))
    weight = sum(min(mine[word], theirs[other]) for word, other in shared)
    less, more = sorted((sum(mine.values()), sum(theirs.values())))
    return (
        count > 1 and weight > SHARED_OF_ONE * less and 2 * weight >= SHARED_OF_BOTH * (less + more)
    )


def _same_stem(word: str, other: str) -> bool:
    """Whether two words differ by an ending: "payment" and "payments"."""
    short, long = (word, other) if len(word) < len(other) else (other, word)
    if not long.startswith(short) or len(long) - len(short) > 2 or len(short) < SHORT_WORD:
        return False
    return not any(c.isdigit() for c in long)


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
