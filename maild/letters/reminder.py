"""Reminders: an update, a handoff, a postmortem is due; and the word to the thread (letter 5)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from maild.incident.cadence import update_length
from maild.incident.digest import Post
from maild.incident.hours import WorkingHours
from maild.incident.model import Incident
from maild.incident.people import same_person
from maild.incident.reminder import Nudge
from maild.incident.stamp import listeners
from maild.letters.copy import state, state_fields
from maild.letters.layout import clock, person, quoted, span, subject_of
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.mail.message import Address, Outgoing
from maild.reading.reading import Person

MAX_POSTS = 4


def reminders(
    head: Letterhead,
    incident: Incident,
    nudge: Nudge,
    posts: Sequence[Post],
    hours: WorkingHours,
    root: str | None,
    now: datetime,
) -> Iterator[Outgoing]:
    """Write the letters of a nudge: to the commander, and where it is grave to the thread.

    posts: the mails of the incident. root: the Message-ID of its first copy. Where the commander's
    address is not known, the owner gets the letter.
    """
    model = _model(head, incident, nudge, posts, hours, now)
    address = reachable(incident.commander)
    names = {
        "update": f"Update due {model['due']}",
        "handoff": "Handoff",
        "postmortem": "Postmortem",
    }
    subject = subject_of(incident.summary, incident.id)
    box = Address(person(incident.commander), address or head.owner[0])
    sheet = Sheet(
        kind="reminder",
        cause=(incident.id, nudge.kind, nudge.cause, nudge.step),
        to=box,
        subject=f"{names[nudge.kind]}: {subject}",
        template={"update": "reminder"}.get(nudge.kind, nudge.kind),
        model=model,
        date=now,
        submitted="auto-generated",
        reply_to=head.incident_address(incident.id),
        in_reply_to=root,
        references=(root,) if root else (),
        fields=state_fields(incident, "reminder"),
        recipients=(address,) if address else head.owner,
        incident=incident.id,
    )
    yield printed(head, sheet)
    if nudge.to_list:
        to_list = replace(
            sheet,
            kind="overdue",
            cause=(incident.id, nudge.cause),
            to=head.sender,
            subject=subject,
            template="overdue",
            fields=(*head.identity.fields(), *sheet.fields),
            recipients=tuple(a for a in listeners(incident, None) if a != address),
            audience="updates",
        )
        yield printed(head, to_list)


def reachable(commander: Person | None) -> str | None:
    """Give the commander's address, None where there is none but a name or a handle."""
    address = commander.address if commander else None
    return address.lower() if address and "@" in address[1:] else None


def _model(
    head: Letterhead,
    incident: Incident,
    nudge: Nudge,
    posts: Sequence[Post],
    hours: WorkingHours,
    now: datetime,
) -> dict[str, object]:
    since = incident.last_update_at or incident.declared_at
    due = nudge.due.at if nudge.due else nudge.cause
    next_due = update_length(incident, now, head.rules, hours)
    zone = head.zone
    return {
        "id": incident.id,
        "summary": incident.summary,
        "step": nudge.step,
        "promised": nudge.due is not None and nudge.due.promised,
        "due": clock(due, zone, now),
        "late": span(now - due),
        "since": clock(since, zone, now),
        "waited": span(now - since),
        "severity": incident.severity,
        "record": _record(incident),
        "state": state(incident, head.rules),
        "commander": person(incident.commander),
        "in_command": span(now - (incident.commander_since or now)),
        "next_due": clock(next_due, zone, now),
        "later": clock(next_due + timedelta(minutes=20), zone, now),
        "again_at": clock(nudge.next_at, zone, now) if nudge.next_at else "",
        "other": _other(incident, posts),
        "phase_after": min((incident.phase or 0) + 1, head.rules.phase.last - 1),
        "posts": [_line(post, head) for post in posts if post.at > since][-MAX_POSTS:],
        "address": head.incident_address(incident.id),
        "lasted": span((incident.resolved_at or now) - incident.declared_at),
        "resolved": clock(incident.resolved_at, zone, now) if incident.resolved_at else "",
    }


def _record(incident: Incident) -> str:
    current = incident.current()
    parts = [f"{n} {current[n]}" for n in ("severity", "phase", "commander") if n in current]
    return ", ".join(parts)


def _line(post: Post, head: Letterhead) -> str:
    words = quoted(post.prose or "(nothing but the state)", 110).strip('"')
    return f"{clock(post.at, head.zone).split(' ')[0]} {post.author}: {words}"


def _other(incident: Incident, posts: Sequence[Post]) -> str:
    """Name somebody who could take over: who has written last, else anybody who is known."""
    commander = incident.commander
    names = [post.author for post in reversed(posts) if "@" not in post.author]
    names += [person.name for person in incident.people if person.name]
    strangers = (n for n in names if commander is None or not same_person(Person(n), commander))
    return next(strangers, "Bob Lee")
