"""The copy that goes to the list: the author's mail, unchanged, under the stamp (letter 3)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from maild.incident.entry import Copy, Stamp
from maild.incident.model import Incident
from maild.incident.people import same_person
from maild.incident.verdict import VITAL
from maild.letters.layout import clock, colour, fill, person, quoted, shown, span, subject_of
from maild.letters.letterhead import Letterhead
from maild.letters.validation import value_text
from maild.mail.build import (
    mailbox,
    may_keep,
    message_id,
    printed_fields,
    rewritten,
    short_references,
)
from maild.mail.headers import (
    PRIVATE_FIELDS,
    Field,
    addresses,
    author,
    first,
    message_ids,
    split_content,
    with_fields,
)
from maild.mail.headers import fields as header_fields
from maild.mail.message import Address, Outgoing, RawMessage
from maild.mail.quotes import RULER
from maild.mail.stamping import stamped
from maild.reading.rules import Rules

# What a copy does not carry on: private fields, and those that are ours to set.
_DROPPED = PRIVATE_FIELDS | frozenset(
    [
        "errors-to",
        "sender",
        "auto-submitted",
        "precedence",
        "x-loop",
        "subject",
        "reply-to",
        "references",
        "in-reply-to",
        "list-id",
        "list-post",
        "list-help",
        "list-subscribe",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "list-owner",
        "list-archive",
        "archived-at",
        "x-incident-id",
        "x-incident-severity",
        "x-incident-phase",
        "x-incident-commander",
        "x-incident-kind",
        "x-auto-response-suppress",
        "x-original-from",
        "authentication-results",
    ]
)
# An address that a header field can bear without encoding or quoting.
_PLAIN = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


def copy(
    head: Letterhead, notice: Copy, raw: RawMessage, root: str | None, now: datetime
) -> Outgoing:
    """Make the copy of a mail on record for everybody on the roster."""
    stamp, incident = notice.stamp, notice.stamp.incident
    model = stamp_model(head, stamp, now)
    text = head.render("stamp.txt", model) + "\n"
    content = stamped(
        raw.content,
        text,
        head.render("stamp.html", {**model, "colour": colour(incident.severity)}),
    )
    found = header_fields(split_content(raw.content)[0])
    ids = message_ids(found, "message-id")
    made = ids[0] if ids else message_id(head.domain, "copy", notice.mail)
    parents = (*message_ids(found, "references"), *message_ids(found, "in-reply-to"))
    references = short_references(i for i in (root, *parents) if i and i != made)
    ours = (*_fields(head, stamp, references, parents), *_from(head, incident.id, found))
    ours = (*_encoded(found, dict(ours)), *ours)
    if not ids:
        ours = (*ours, ("Message-ID", f"<{made}>"))
    if raw.authenticated.results:
        ours = (("Authentication-Results", _results(head, raw)), *ours)
    # What we write stands alone: a second From or Reply-To would be somebody's to choose.
    drop = _DROPPED | {name.lower() for name, _ in ours}
    content = with_fields(content, drop, printed_fields(ours))
    return Outgoing(
        message_id=made,
        content=content,
        reverse_path=head.bounce(made),
        kind=stamp.kind,
        recipients=notice.also,
        audience="notes" if stamp.kind == "note" else "updates",
        severity=incident.severity,
        incident=incident.id,
        mail=notice.mail,
    )


def _fields(
    head: Letterhead, stamp: Stamp, references: tuple[str, ...], parents: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    incident = stamp.incident
    found = [
        ("Subject", subject_of(incident.summary, incident.id)),
        *(
            [("In-Reply-To", f"<{parents[-1] if parents else references[-1]}>")]
            if references
            else []
        ),
        *([("References", " ".join(f"<{i}>" for i in references))] if references else []),
        *head.identity.fields(),
        *state_fields(incident, stamp.kind),
        ("X-Loop", head.identity.posting),
    ]
    return tuple(found)


def _encoded(found: Sequence[Field], ours: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Write anew who wrote to whom where names stand there as bare UTF-8 (RFC 2047 asks for words).

    Such a mail needs SMTPUTF8 on all its way; a relay without it may refuse it for everybody.
    """
    for name in ("From", "To", "Cc"):
        bare = any(key == name.lower() and not field.isascii() for key, field in found)
        boxes = addresses(found, name.lower())
        if bare and name not in ours and boxes and all(_PLAIN.fullmatch(b.address) for b in boxes):
            yield name, ", ".join(mailbox(box) for box in boxes)


def _results(head: Letterhead, raw: RawMessage) -> str:
    """Tell those after us how the author was authenticated (RFC 8601); the ARC seal attests it."""
    return f"{head.authserv_id}; {raw.authenticated.results}"


def _from(
    head: Letterhead, incident_id: str, found: Sequence[Field]
) -> tuple[tuple[str, str], ...]:
    """Give Reply-To, and From where the author's cannot be signed for (as Mailman does for DMARC)."""
    boxes = addresses(found, "from")
    kept = bool(boxes) and all(may_keep(box.address, head.signs_for) for box in boxes)
    own = Address(head.identity.name, head.incident_address(incident_id))
    if head.rewrite_from == "never" or (kept and head.rewrite_from == "foreign"):
        return (("Reply-To", mailbox(own)),)
    by = author(found)
    answers = [own, by] if _PLAIN.fullmatch(by.address) else [own]
    return (
        ("From", mailbox(rewritten(by, head.sender))),
        ("Reply-To", ", ".join(mailbox(box) for box in answers)),
        ("X-Original-From", first(found, "from")),
    )


def state_fields(incident: Incident, kind: str) -> tuple[tuple[str, str], ...]:
    """Give the X-Incident-* fields; what is not stated yet has none."""
    values = {
        "X-Incident-Id": incident.id,
        "X-Incident-Severity": incident.severity,
        "X-Incident-Phase": incident.phase,
        "X-Incident-Commander": incident.commander,
        "X-Incident-Kind": kind,
    }
    return tuple((name, str(value)) for name, value in values.items() if value is not None)


def stamp_model(head: Letterhead, stamp: Stamp, now: datetime) -> dict[str, object]:
    """Give the lines of a stamp."""
    incident = stamp.incident
    return {
        "state": state(incident, head.rules),
        "special": special(head, stamp),
        "where": ", ".join(incident.channels),
        "about": about_line(head, incident, now),
        "ruler": RULER,
    }


def state(incident: Incident, rules: Rules) -> str:
    """Write the first line: "Severity 1 (critical), phase 1 (patching), commander Ana Silva"."""
    current = incident.current()
    parts = []
    for field in VITAL:
        value = current.get(field)
        text = value_text(field, value, rules) if value is not None else "NOT STATED YET"
        parts.append(f"{field} {text}")
    line = ", ".join(parts)
    return line[0].upper() + line[1:]


def special(head: Letterhead, stamp: Stamp) -> str:
    """Write what is special about this copy; "" where nothing is."""
    zone, at = head.zone, clock(stamp.at, head.zone)
    by = person(stamp.by)
    match stamp.special:
        case "new":
            return f"New incident, declared by {by} at {at}"
        case "completed":
            return fill(f"New incident. Completed {at} by {by}: {quoted(stamp.words, 100)}")
        case "incomplete":
            lacking = ", ".join(stamp.missing)
            return f"INCOMPLETE: {lacking} not stated yet; sent by {by}, nobody has completed it"
        case "changed":
            return fill("Changed: " + ", ".join(_changes(stamp)))
        case "confirmed":
            return f"No change, confirmed by {by} at {at}"
        case "note":
            since = stamp.incident.last_update_at or stamp.incident.declared_at
            return f"Severity, phase and commander as of {clock(since, zone, stamp.at)}; this mail states none"
        case "late":
            written = clock(stamp.dated_at, zone, stamp.at)
            return f"Late: written {written}, arrived {at}; changes nothing newer"
        case _:
            return ""


def _changes(stamp: Stamp) -> list[str]:
    lines = []
    for change in stamp.changes:
        was = "not stated" if change.was is None else shown(change.was)
        lines.append(f"{change.field} {was} -> {shown(change.now)}")
    commander = stamp.incident.commander
    if lines and commander is not None and not same_person(commander, stamp.by):
        lines[-1] += f" (written by {person(stamp.by)})"
    return lines


def about_line(head: Letterhead, incident: Incident, now: datetime) -> str:
    """Write the last line: "INC-2026-0007, open for 1 h 28 min, next update 02:10 UTC"."""
    last = head.rules.phase.last
    parts = [incident.id]
    if incident.is_open(last):
        age = now - incident.declared_at
        if age.total_seconds() >= 60:
            parts.append(f"open for {span(age)}")
    elif incident.resolved_at is not None:
        parts.append(f"over after {span(incident.resolved_at - incident.declared_at)}")
    if incident.next_update_at is not None and incident.is_open(last):
        parts.append(f"next update {clock(incident.next_update_at, head.zone, now)}")
    return ", ".join(parts)
