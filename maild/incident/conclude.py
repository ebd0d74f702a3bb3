"""The whole thought about one mail, in one pure function: the past comes in, an `Entry` goes out.

An opening opens; a reply to a held draft completes it; a mail in an incident's thread is an update
or a note. Nothing here knows a database, a clock or a network.
"""

from dataclasses import replace

from maild.incident.advice import advise, lacking
from maild.incident.answers import as_history, capped, unanswered, with_address_asked
from maild.incident.arrived import Arrived, Past, Policy
from maild.incident.decide import declare, late_fields, update
from maild.incident.draft import (
    by_of,
    completed,
    may_complete,
    publish,
    question,
    says_of_subject,
    withdrawn,
)
from maild.incident.entry import (
    Copy,
    Draft,
    Entry,
    Notice,
    Receipt,
    Word,
)
from maild.incident.model import Archived, Incident, fold
from maild.incident.people import same_person
from maild.incident.rooms import back, checked, commanded, stranger, to_owner
from maild.incident.snooze import snoozed
from maild.incident.stamp import followed, listeners, note, opening_stamp, update_stamp
from maild.incident.thread import incident_id
from maild.incident.undelivered import bounced
from maild.incident.unheeded import of_program, turned_away
from maild.incident.verdict import (
    VITAL,
    Background,
    Stated,
    counting,
    required,
    resolve,
)
from maild.mail.automatic import automatic, own_mail
from maild.reading.report import Report
from maild.roster.posting import COMMAND_ROOMS


def conclude(arrived: Arrived, past: Past, policy: Policy) -> Entry:
    """Think about one mail (reading rules, sections 4 to 6)."""
    if past.duplicate_of is not None:
        return Entry("duplicate", "", f"same Message-ID as mail {past.duplicate_of}")
    if arrived.mail.standing == "refused":
        return turned_away(arrived, past, policy)
    if arrived.canary is not None:
        return Entry("ignored", "canary", "our canary is back", canary=arrived.canary)
    if arrived.room == "canary":
        return Entry("ignored", "automatic", "written to the canary address, and no canary of ours")
    proved = past.sent is not None and bool(past.sent.deliveries)
    if arrived.room == "bounces" or (arrived.room == "owner" and proved):
        return bounced(arrived.mail.failures, past.sent, arrived.mail.received_at)
    if arrived.room == "owner":
        return to_owner(arrived.number, past.forwards, own_mail(arrived.mail, policy.ours))
    machine = arrived.mail.author.address.lower() in policy.machines
    reason = (
        own_mail(arrived.mail, policy.ours)
        if machine and arrived.mail.envelope.reverse_path
        else automatic(arrived.mail, policy.rules.mail.automatic, policy.ours)
    )
    if reason is not None:
        return of_program(Entry("ignored", "automatic", reason), arrived, past, policy)
    entry = with_address_asked(_thought(arrived, past, policy), arrived.mail, arrived.number)
    if arrived.genuine:
        entry = back(entry, arrived, past)
    if policy.history:
        return as_history(entry, arrived.mail.received_at)
    if machine:
        return unanswered(entry, arrived.mail, arrived.number)
    caps = (past.about, past.answers, past.told, policy.rules)
    return capped(entry, arrived.mail, arrived.number, *caps)


def _thought(arrived: Arrived, past: Past, policy: Policy) -> Entry:
    commands = arrived.room in COMMAND_ROOMS
    known = arrived.may_post or (commands and past.subscription is not None)
    if not known or not arrived.genuine:
        return stranger(arrived.room)
    if commands or past.confirmation is not None:
        return commanded(arrived, past, policy.rules)
    if arrived.room == "check":
        return checked(arrived.number, arrived.mail, arrived.report, policy.rules)
    if past.unknown is not None:
        return _unknown(arrived, past.unknown)
    if past.draft is not None and past.draft.state == "held":
        return _answered(arrived, past.draft, past, policy)
    if past.incident is not None:
        if past.late is not None and arrived.report.reply_word == "apply":
            return _updated(arrived, past.incident, past.late, past, policy)
        if past.reminded and arrived.report.reply_word in ("snooze", "stop"):
            return snoozed(arrived.number, arrived.report, arrived.writing(), past.incident)
        return _followed(arrived, past.incident, past, policy)
    return _opened(arrived, past, policy)


def _unknown(arrived: Arrived, name: str) -> Entry:
    report = arrived.report
    stated = resolve(report.readings, report, report.author, Background())
    word = Word("unknown", arrived.mail.author, arrived.number, name=name)
    reason = f"{name} is not on record"
    return Entry("rejected", "update", reason, stated=stated, notices=(word,))


def _opened(arrived: Arrived, past: Past, policy: Policy) -> Entry:
    mail, report, rules = arrived.mail, arrived.report, policy.rules
    background = Background()
    stated = resolve(counting(report, "opening", background), report, report.author, background)
    findings = lacking(stated, "opening", rules, report.text)
    if findings:
        draft = Draft(
            arrived.token,
            arrived.number,
            "opening",
            None,
            mail.author,
            stated,
            report.subject,
            says_of_subject(report),
            mail.received_at,
        )
        return question(draft, findings, arrived.number, mail.author, "opening", None)
    writing = arrived.writing()
    new_id = incident_id(past.year, past.next_number)
    events = declare(
        new_id, stated, report.subject, says_of_subject(report), writing, rules.phase.last
    )
    incident = fold(events)
    if incident is None:
        raise ValueError("a declaration makes an incident")
    copy = Copy(arrived.number, opening_stamp(incident, writing, ""), listeners(incident, None))
    notices = (copy, *_receipt(arrived, incident, stated, past, policy))
    return Entry("accepted", "opening", "", incident, new_id, stated, (), events, None, notices)


def _receipt(
    arrived: Arrived, incident: Incident, stated: Stated, past: Past, policy: Policy
) -> tuple[Notice, ...]:
    """Tell the author of an opening its number, where receipts or advice say so."""
    advice = advise(stated, arrived.report.text, policy.rules).line
    if policy.receipts == "never" and not advice and not past.likely:
        return ()
    author, number = arrived.mail.author, arrived.number
    return (Receipt(author, number, incident, advice, past.likely, past.readers),)


def _followed(arrived: Arrived, incident: Incident, past: Past, policy: Policy) -> Entry:
    """Judge a follow-up: an update states all three, a note states none (section 1)."""
    mail, report, rules = arrived.mail, arrived.report, policy.rules
    background = background_of(incident)
    stated = resolve(counting(report, "update", background), report, report.author, background)
    by_commander = incident.commander is not None and same_person(
        incident.commander, arrived.author
    )
    strict = policy.follow_ups == "strict" or bool(past.reminded)
    if not (stated.asserted or by_commander or strict):
        return _noted(arrived, incident, stated)
    same = report.reply_word == "same" and past.reminded
    if policy.follow_ups == "carry" or _rest_as_before(stated, same, incident, past):
        stated = _carried(stated, incident)
    findings = required(stated, "update", rules)
    if findings:
        draft = Draft(
            arrived.token,
            arrived.number,
            "update",
            incident.id,
            mail.author,
            stated,
            report.subject,
            says_of_subject(report),
            mail.received_at,
            base=tuple(incident.current().get(name) for name in VITAL),
        )
        stale = same == "stale"
        return question(
            draft, findings, arrived.number, mail.author, "update", incident, changed=stale
        )
    return _updated(arrived, incident, stated, past, policy)


def unstated(incident: Incident) -> tuple[str, ...]:
    """Name what an incident that was published INCOMPLETE still lacks."""
    current = incident.current()
    return tuple(name for name in VITAL if name not in current)


def background_of(incident: Incident) -> Background:
    """Give what a follow-up of the incident is judged against."""
    return Background(incident.current(), incident.people, incident.subject, incident.subject_says)


def _rest_as_before(stated: Stated, same: str | bool, incident: Incident, past: Past) -> bool:
    """Whether what an update leaves out is known: by "same", by a handoff in reply to a reminder,
    or because an incident that went out INCOMPLETE gets what it lacked."""
    handed = past.reminded == "fresh" and "commander" in stated.values
    return same == "fresh" or handed or bool(unstated(incident) and stated.values)


def _carried(stated: Stated, incident: Incident) -> Stated:
    """Take what an update leaves out from the record (`follow_ups = "carry"`)."""
    troubled = {finding.field for finding in stated.findings}
    kept = {n: v for n, v in incident.current().items() if n in VITAL and n not in troubled}
    return replace(stated, values={**kept, **stated.values})


def _updated(
    arrived: Arrived, incident: Incident, stated: Stated, past: Past, policy: Policy
) -> Entry:
    writing = arrived.writing()
    late = bool(late_fields(incident, stated, writing))
    says = says_of_subject(arrived.report)
    events = update(incident, stated, writing, policy.rules.phase.last, says)
    if incident.archived and not policy.history:
        events = (Archived(writing.at, arrived.number, writing.by, over=False), *events)
    after = followed(incident, events)
    stamp = update_stamp(after, events, writing, late=late)
    notices: list[Notice] = [Copy(arrived.number, stamp, listeners(after, incident))]
    author = arrived.mail.author
    if late:
        notices.append(Word("late", author, arrived.number, after, moment=writing.dated_at))
    elif policy.receipts == "always":
        notices.append(Receipt(author, arrived.number, after, readers=past.readers))
    return Entry(
        "accepted", "update", "", after, incident.id, stated, (), events, None, tuple(notices)
    )


def _noted(arrived: Arrived, incident: Incident, stated: Stated) -> Entry:
    event, after, copy = note(arrived.number, arrived.writing(), incident)
    return Entry("accepted", "note", "", after, incident.id, stated, (), (event,), None, (copy,))


def _answered(arrived: Arrived, draft: Draft, past: Past, policy: Policy) -> Entry:
    """Judge a reply to a held draft (section 8.13)."""
    report, author = arrived.report, arrived.mail.author
    own = author.address.lower() == draft.author.address.lower()
    if report.reply_word == "withdraw" and own:
        return withdrawn(draft, arrived.number, author)
    if not may_complete(draft, own):
        return (
            _followed(arrived, past.incident, past, policy)
            if past.incident
            else _waits(arrived, draft)
        )
    background = background_of(past.incident) if past.incident else Background()
    background = replace(background, subject=draft.subject, subject_readings=draft.subject_says)
    readings = counting(report, "update", background)
    stated = resolve(readings, report, report.author, background)
    stated = replace(
        stated,
        summary="" if draft.stated.summary else report.titled,
        description=_describes(report, stated, draft, own, policy),
    )
    if report.reply_word == "same" and past.incident is not None and draft.kind == "update":
        return _same(arrived, draft, stated, past.incident, past, policy)
    if not (stated.values or stated.asserted or stated.summary or stated.description):
        return _waits(arrived, draft)
    return _completes(arrived, draft, stated, past, policy)


def _describes(report: Report, stated: Stated, draft: Draft, own: bool, policy: Policy) -> bool:
    """Whether prose from a draft's author is the description that it lacks (section 8.13)."""
    lacks = {finding.field for finding in lacking(draft.stated, draft.kind, policy.rules)}
    alone = lacks == {"description"}
    return own and report.description and "description" in lacks and (alone or bool(stated.values))


def _same(
    arrived: Arrived, draft: Draft, stated: Stated, incident: Incident, past: Past, policy: Policy
) -> Entry:
    """Read "same": the state that the letter showed, while that is still the record (section 5)."""
    base = tuple(incident.current().get(name) for name in VITAL)
    if base != draft.base:
        held = replace(draft, base=base, completions=(*draft.completions, arrived.number))
        findings = required(draft.stated, "update", policy.rules)
        author = arrived.mail.author
        return question(
            held, findings, arrived.number, author, "completion", incident, changed=True
        )
    kept = {name: value for name, value in incident.current().items() if name in VITAL}
    shown = replace(draft.stated, values={**kept, **draft.stated.values}, findings=())
    return _completes(arrived, replace(draft, stated=shown), stated, past, policy)


def _waits(arrived: Arrived, draft: Draft) -> Entry:
    kept = replace(draft, notes=(*draft.notes, arrived.number))
    return Entry("accepted", "note", "waits with the draft", None, draft.incident, draft=kept)


def _completes(arrived: Arrived, draft: Draft, stated: Stated, past: Past, policy: Policy) -> Entry:
    author, report = arrived.mail.author, arrived.report
    laid = completed(draft, stated, arrived.number, prose=report.description)
    findings = lacking(laid.stated, draft.kind, policy.rules)
    if findings:
        return question(laid, findings, arrived.number, author, "completion", past.incident)
    writing = replace(arrived.writing(), mail=draft.mail, by=by_of(draft.author))
    new_id = incident_id(past.year, past.next_number)
    entry = publish(laid, writing, past.incident, new_id, policy.rules, report.text)
    if author.address.lower() != draft.author.address.lower() and entry.incident is not None:
        name = str(arrived.author)
        word = Word("completed_by", draft.author, draft.mail, entry.incident, name)
        entry = replace(entry, notices=(*entry.notices, word))
    return entry
