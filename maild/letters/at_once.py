"""A digest of one incident, at once: to who wants to hear when one is raised, or resolved."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from maild.incident.arrived import Arrived
from maild.incident.digest import History, Post, digest
from maild.incident.entry import Entry
from maild.incident.hours import WorkingHours
from maild.incident.model import Happening, PhaseChanged, SeverityChanged
from maild.letters.copy import state_fields
from maild.letters.digest import model
from maild.letters.layout import span, subject_of
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.mail.message import Address, Outgoing
from maild.roster.subscription import Occasion

GRAVE: Final = 2


def occasions(events: Iterable[Happening]) -> list[Occasion]:
    """Say what of this somebody may want to hear at once: raised to severity 1 or 2, resolved."""
    found: dict[Occasion, None] = {}
    for event in events:
        if isinstance(event, SeverityChanged):
            worse = event.was is None or event.now < event.was
            if worse and event.now <= GRAVE:
                found["raised"] = None
        elif isinstance(event, PhaseChanged) and event.last:
            found["resolved"] = None
    return list(found)


def with_entry(past: History, entry: Entry, arrived: Arrived | None) -> History:
    """Give the history with an entry that is about to be written, and its mail's own words."""
    history = replace(past, events=(*past.events, *entry.events))
    if arrived is None or entry.draft is not None:
        return history
    mail = arrived.mail
    post = Post(
        number=arrived.number,
        ids=(mail.message_id,) if mail.message_id else (),
        parent=next(iter((*mail.in_reply_to, *reversed(mail.references))), None),
        author=str(mail.author),
        at=mail.received_at,
        prose=arrived.report.prose,
        kind=entry.kind,
    )
    return replace(history, posts=(*past.posts, post))


def ids_of(letters: Iterable[Outgoing]) -> list[str]:
    """Give the ids of those letters that are copies to the list."""
    return [one.message_id for one in letters if one.incident and one.audience]


def at_once(
    head: Letterhead,
    history: History,
    occasion: Occasion,
    thread: Sequence[str],
    hours: WorkingHours,
    now: datetime,
) -> Outgoing:
    """Tell one incident from its beginning, in its own thread; a reply goes to its address."""
    since = history.events[0].at - timedelta(microseconds=1)
    told = digest([history], since, now, head.rules, hours)
    incident = told.stories[0].incident
    took = incident.resolved_at - incident.declared_at if incident.resolved_at else None
    first = (
        f"{incident.id} is resolved after {span(took)}."
        if occasion == "resolved" and took is not None
        else f"{incident.id} is severity {incident.severity} now."
    )
    shown = {
        **model(head, told),
        "needs": first,
        "calm": occasion == "resolved",
        "counts": "",
        "table": [],
        "title": subject_of(incident.summary, incident.id),
    }
    return printed(
        head,
        Sheet(
            kind="at-once",
            cause=(occasion, incident.id, history.events[-1].mail, now),
            to=Address(head.identity.name, head.identity.posting),
            subject=subject_of(incident.summary, incident.id),
            template="digest",
            html="digest",
            model=shown,
            date=now,
            submitted="auto-generated",
            reply_to=head.incident_address(incident.id),
            in_reply_to=thread[0] if thread else None,
            references=tuple(thread),
            fields=(*head.identity.fields(), *state_fields(incident, "digest")),
            recipients=(),
            audience=occasion,
            incident=incident.id,
        ),
    )
