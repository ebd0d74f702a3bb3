"""A mail of ours did not reach somebody: what follows for the roster, and who must hear of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from maild.incident.entry import Entry, Fallout, Notice, OwnerWord, Paused, Unreached
from maild.incident.model import Incident
from maild.incident.people import same_person
from maild.incident.stamp import LIAISONS
from maild.mail.message import Address, Failure
from maild.reading.reading import Person
from maild.roster.bouncing import Bouncing, Gravity, counted, gravity_of

COPIES = ("opening", "update", "note")


@dataclass(frozen=True, slots=True)
class Owed:
    """One delivery on record, and what is known of its recipient.

    kind: the letter's. known: a failure of this delivery was counted before. subscribed: on the
    roster, with his bounces so far; paused: gets no copies already.
    """

    number: int
    recipient: str
    kind: str
    incident: Incident | None = None
    known: bool = False
    subscribed: bool = False
    bouncing: Bouncing | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """What a bounce address names: the deliveries that its report can be about.

    certain: it proves enough to pause somebody. batch: it names a whole batch; the report has to say
    whom it is about.
    """

    certain: bool
    deliveries: Sequence[Owed] = field(default=())
    batch: bool = False


def bounced(failures: Sequence[Failure], sent: Sent | None, now: datetime) -> Entry:
    """Conclude a mail to the bounce address; what bears no token of ours harms nobody."""
    if sent is None:
        return _ignored("a bounce without a token of ours; it counts for nobody")
    if not failures:
        return _ignored(
            "written to the bounce address, and no report that somebody was not reached"
        )
    found = list(_matched(failures, sent))
    if not found:
        return _ignored("a bounce about nobody to whom we sent that mail")
    words: list[str] = []
    fallout: list[Fallout] = []
    notices: list[Notice] = []
    for failure, owed in found:
        if failure.complaint:
            words.append(f"{owed.recipient} complains of it")
            if not owed.known:
                one, word = _complains(owed, failure.why, now, certain=sent.certain)
                fallout.append(one)
                notices.append(word)
            continue
        state = "delayed" if failure.delayed else "not reached"
        words.append(f"{owed.recipient} {state} ({failure.status})")
        if not failure.delayed and not owed.known:
            gravity = gravity_of(failure.status)
            one, heard = follows(owed, gravity, failure.why, now, certain=sent.certain)
            fallout.append(replace(one, reply=f"bounced {failure.status} {failure.why}".strip()))
            notices += heard
    entry = _ignored(f"bounce: {', '.join(words)}")
    return replace(entry, fallout=tuple(fallout), notices=tuple(notices))


def _ignored(reason: str) -> Entry:
    return Entry("ignored", "automatic", reason)


def _matched(failures: Sequence[Failure], sent: Sent) -> Iterable[tuple[Failure, Owed]]:
    """Pair failures with deliveries; a delivery's own token is proof, whatever address is named."""
    if not sent.batch:
        final = [failure for failure in failures if not failure.delayed]
        return [((final or list(failures))[0], owed) for owed in sent.deliveries]
    named = {address: failure for failure in failures for address in failure.addresses}
    return [
        (named[o.recipient.lower()], o) for o in sent.deliveries if o.recipient.lower() in named
    ]


def follows(
    owed: Owed, gravity: Gravity, why: str, now: datetime, *, certain: bool
) -> tuple[Fallout, tuple[Notice, ...]]:
    """Say what follows of one failed delivery: the count, a pause, and who must hear."""
    notices: list[Notice] = []
    after = owed.bouncing
    if owed.subscribed and gravity != "none":
        after = counted(owed.bouncing, gravity, now, certain=certain)
    pause = owed.subscribed and not owed.paused and after is not None and after.too_many
    if pause:
        notices.append(Paused(owed.recipient, why))
        notices.append(OwnerWord("paused", owed.recipient, detail=why))
    if unreached := _unreached(owed, why):
        notices.append(unreached)
    count = after if after is not owed.bouncing else None
    return Fallout(owed.number, owed.recipient, count, pause), tuple(notices)


def _complains(owed: Owed, kind: str, now: datetime, *, certain: bool) -> tuple[Fallout, OwnerWord]:
    """Send nothing more to who calls our mails spam, not even a word on that; tell the owner.

    Without proof that it is he, his next copies travel alone, so that his next complaint is proof.
    """
    after = None
    if owed.subscribed:
        after = counted(owed.bouncing, "complaint", now, certain=certain)
    pause = after is not None and after.too_many and not owed.paused
    once = f"complaint {owed.recipient.lower()}" if certain else "complaint"
    word = OwnerWord("complaint", owed.recipient, detail="paused" if pause else "", once=once)
    reply = f"complained of ({kind})"
    return Fallout(owed.number, owed.recipient, after, pause, reply, arrived=True), word


def _unreached(owed: Owed, why: str) -> Unreached | None:
    """Tell the commander of a liaison who has not got a copy; the owner, of the commander himself."""
    incident = owed.incident
    if incident is None or owed.kind not in COPIES:
        return None
    whom = Person(None, owed.recipient)
    commander = incident.commander
    for role, people in (*incident.roles, ("commander", (commander,) if commander else ())):
        person = next((p for p in people if p.address and same_person(p, whom)), None)
        if person is None or role not in (*LIAISONS, "commander"):
            continue
        to = _mailbox(commander) if commander and not same_person(commander, person) else None
        return Unreached(to, person, role.replace("_", " "), incident, why)
    return None


def _mailbox(person: Person) -> Address | None:
    if not person.address or person.address.startswith("@"):
        return None
    return Address(person.name or "", person.address)
