"""The life of a held draft: asked about, completed, withdrawn, published (reading rules, 5 and 8.13)."""

from dataclasses import replace
from datetime import datetime

from maild.incident.advice import lacking
from maild.incident.cadence import Step
from maild.incident.decide import Writing, declare, late_fields, update
from maild.incident.entry import Copy, Draft, Entry, MailKind, Notice, OwnerWord, Question, Word
from maild.incident.model import Happening, Incident, fold
from maild.incident.stamp import followed, listeners, note, opening_stamp, update_stamp
from maild.incident.verdict import Finding, Stated, overlaid
from maild.mail.message import Address
from maild.reading.reading import Person, Value
from maild.reading.report import Report
from maild.reading.rules import Rules


def says_of_subject(report: Report) -> tuple[tuple[str, Value | None], ...]:
    """List what an opening's subject states, so that it states nothing in a follow-up."""
    return tuple((r.field, r.value) for r in report.readings if r.where == "subject")


def question(
    draft: Draft,
    findings: tuple[Finding, ...],
    number: int,
    to: Address,
    kind: MailKind,
    incident: Incident | None,
    *,
    changed: bool = False,
) -> Entry:
    """Reject a mail kindly: hold the draft and ask for what is missing or unclear."""
    letter = Question(draft, findings, to, number, incident, changed)
    return Entry(
        verdict="rejected",
        kind=kind,
        reason=", ".join(f"{finding.field} {finding.trouble}" for finding in findings),
        incident=incident,
        incident_id=draft.incident,
        stated=draft.stated,
        findings=findings,
        draft=draft,
        notices=(letter,),
    )


def may_complete(draft: Draft, own: bool) -> bool:
    """Anyone may complete the draft of an opening, only its author that of a follow-up."""
    return own or draft.kind == "opening"


def completed(draft: Draft, stated: Stated, number: int, *, prose: bool) -> Draft:
    """Lay what a reply states over a draft."""
    return replace(
        draft,
        stated=overlaid(draft.stated, stated),
        completions=(*draft.completions, number),
        prose=(*draft.prose, number) if prose else draft.prose,
    )


def withdrawn(draft: Draft, number: int, author: Address) -> Entry:
    """Discard a draft at its author's word; it stays on record."""
    word = Word("withdrawn", author, number, name=draft.stated.summary)
    kept = replace(draft, state="withdrawn")
    return Entry(
        "command",
        "command",
        "withdraws a draft",
        incident_id=draft.incident,
        draft=kept,
        notices=(word,),
    )


def publish(
    draft: Draft,
    writing: Writing,
    incident: Incident | None,
    new_id: str,
    rules: Rules,
    words: str,
    missing: tuple[str, ...] = (),
) -> Entry:
    """Send a draft out: declare its incident or update it, then what waited with it, as notes.

    words: what completed it, as written. missing: the fields that an incomplete opening lacks.
    """
    last = rules.phase.last
    events: tuple[Happening, ...]
    if draft.kind == "opening" or incident is None:
        events = declare(
            new_id, draft.stated, draft.subject, draft.subject_says, writing, last, missing
        )
        after = fold(events)
        if after is None:
            raise ValueError("a declaration makes an incident")
        stamp = opening_stamp(after, writing, words, "incomplete" if missing else "new")
        stamp = replace(stamp, missing=missing)
    else:
        events = update(incident, draft.stated, writing, last, draft.subject_says)
        after = followed(incident, events)
        late = bool(late_fields(incident, draft.stated, writing))
        stamp = update_stamp(after, events, writing, late=late)
    notices: list[Notice] = [Copy(draft.mail, stamp, listeners(after, incident))]
    for waiting in (*draft.prose, *draft.notes):
        event, after, copy = note(waiting, writing, after)
        events += (event,)
        notices.append(copy)
    closed = replace(draft, state="published" if missing else "completed", incident=after.id)
    return Entry(
        verdict="accepted",
        kind="completion",
        incident=after,
        incident_id=after.id,
        stated=draft.stated,
        events=events,
        draft=closed,
        notices=tuple(notices),
    )


def by_of(author: Address) -> Person:
    """Give an address as a person."""
    return Person(author.name or None, author.address or None)


def stepped(
    draft: Draft, step: Step, incident: Incident | None, new_id: str, now: datetime, rules: Rules
) -> Entry:
    """Act on a draft that nobody has completed: ask again, send it out as INCOMPLETE, tell the owner.

    incident: of a follow-up's draft. new_id: for an incident that is published.
    """
    kept = replace(draft, reminded=draft.reminded + 1)
    findings = lacking(draft.stated, draft.kind, rules)
    missing = tuple(finding.field for finding in findings)
    if step == "publish":
        writing = Writing(draft.mail, by_of(draft.author), now, draft.created_at)
        entry = publish(kept, writing, None, new_id, rules, "", missing)
        told = Question(entry.draft or kept, findings, draft.author, draft.mail, entry.incident)
        return replace(entry, notices=(*entry.notices, told))
    owner = OwnerWord(
        "draft", draft.stated.summary or str(draft.author), draft.mail, ", ".join(missing)
    )
    letter = Question(kept, findings, draft.author, draft.mail, incident)
    notices: tuple[Notice, ...] = (letter,) if step == "ask" else (owner,)
    if step == "ask" and draft.kind == "opening":
        notices = (letter, owner)
    reason = ", ".join(f"{finding.field} {finding.trouble}" for finding in findings)
    return Entry(
        "rejected", draft.kind, reason, incident, draft.incident, draft=kept, notices=notices
    )
