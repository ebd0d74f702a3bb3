"""The short letters to one author: his mail's number, who completed it, that it came late."""

from datetime import datetime

from maild.incident.entry import Receipt, Word, about
from maild.incident.model import Incident
from maild.letters.layout import clock, person, subject_of
from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.mail.message import Mail, Outgoing


def receipt(head: Letterhead, notice: Receipt, parent: Mail, now: datetime) -> Outgoing:
    """Tell an author his incident's number, with one piece of advice at most."""
    incident = notice.incident
    likely = [(i, summary, head.incident_address(i)) for i, summary in notice.likely]
    model = {**_state(incident), "advice": notice.advice, "likely": likely}
    model["readers"] = notice.readers
    return printed(head, _sheet(head, "receipt", notice, parent, incident, model, now))


def word(head: Letterhead, notice: Word, parent: Mail, now: datetime) -> Outgoing:
    """Write one of the short letters; its template has the name of what it is about."""
    model: dict[str, object] = {
        "name": notice.name,
        "posting": head.identity.posting,
        "owner": head.owner[0],
    }
    if notice.incident is not None:
        model |= _state(notice.incident)
    if notice.moment is not None:
        model["moment"] = clock(notice.moment, head.zone, now)
    return printed(head, _sheet(head, notice.about, notice, parent, notice.incident, model, now))


def _state(incident: Incident) -> dict[str, object]:
    return {
        "id": incident.id,
        "summary": incident.summary,
        "severity": incident.severity,
        "phase": incident.phase,
        "commander": person(incident.commander),
    }


def _sheet(
    head: Letterhead,
    template: str,
    notice: Receipt | Word,
    parent: Mail,
    incident: Incident | None,
    model: dict[str, object],
    now: datetime,
) -> Sheet:
    summary = incident.summary if incident else parent.subject or "(no subject)"
    subject = subject_of(summary, incident.id if incident else None)
    return Sheet(
        kind=template,
        cause=(notice.mail, notice.to.address),
        to=notice.to,
        subject=f"Re: {subject}",
        template=template,
        model=model,
        date=now,
        reply_to=head.incident_address(incident.id) if incident else None,
        in_reply_to=parent.message_id,
        references=(*parent.references, *filter(None, [parent.message_id])),
        incident=incident.id if incident else None,
        mail=notice.mail,
        about=about(notice),
    )
