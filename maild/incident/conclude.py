"""The whole thought about one mail, in one pure function: the past comes in, an `Entry` goes out.

An opening opens; a reply to a held draft completes it; a mail in an incident's thread is an update
or a note. Nothing here knows a database, a clock or a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from maild.incident.advice import advise, lacking
from maild.incident.decide import Writing, declare, late_fields, update
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
    Forward,
    Notice,
    OwnerWord,
    Paused,
    Receipt,
    Unreached,
    Word,
    about,
)
from maild.incident.model import Incident, fold
from maild.incident.people import same_person
from maild.incident.rooms import back, checked, commanded, stranger, to_owner
from maild.incident.stamp import followed, listeners, note, opening_stamp, update_stamp
from maild.incident.thread import incident_id
from maild.incident.undelivered import Sent, bounced
from maild.incident.verdict import (
    VITAL,
    Background,
    Stated,
    counting,
    judged_at,
    required,
    resolve,
)
from maild.mail.automatic import automatic, own_mail
from maild.mail.message import Mail
from maild.mail.tokens import BounceName
from maild.reading.reading import Person
from maild.reading.report import Report
from maild.reading.rules import Rules
from maild.roster.posting import Room

FollowUps = Literal["updates", "strict", "carry"]
Receipts = Literal["openings", "always", "never"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How this list is run: the parts of the configuration that a thought depends on.

    ours: the list's own addresses, lower case. machines: authors that are programs, lower case.
    """

    rules: Rules
    address: str
    ours: frozenset[str]
    follow_ups: FollowUps = "updates"
    receipts: Receipts = "openings"
    machines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Past:
    """What is on record and matters for this mail.

    incident: of the thread, None for none. draft: the held draft that it answers. unknown: the
    incident or draft that it names and that is not on record. year, next_number: of a new incident.
    likely: open incidents with a like subject, (id, summary). about: how many answers this author
    got in 24 h, by what they were about; answers: machine mails to him in the last hour. forwards:
    mails handed to the owner in the last hour. late: what the late mail states that it is about, where
    it answers our letter on that. readers: how many on the roster get openings. sent: what a bounce
    address names, None where it bears no token of ours. paused: this author is a subscriber who gets
    no copies for now; "answered" where he answers our letter on that.
    version: of the incident, to see at the end whether somebody else has changed it meanwhile.
    """

    year: int
    next_number: int
    incident: Incident | None = None
    draft: Draft | None = None
    unknown: str | None = None
    duplicate_of: int | None = None
    likely: tuple[tuple[str, str], ...] = ()
    about: Mapping[str, int] = field(default_factory=dict)
    answers: int = 0
    forwards: int = 0
    late: Stated | None = None
    readers: int = 0
    sent: Sent | None = None
    paused: Literal["", "paused", "answered"] = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail that was read: its record's number, and a token for the draft it may become.

    room: which of our addresses it came to. may_post: whether its author may post. genuine: whether
    From is believed. bounce: what the bounce address that it came to names.
    """

    number: int
    mail: Mail
    report: Report
    token: str
    room: Room = "posting"
    may_post: bool = True
    genuine: bool = True
    bounce: BounceName | None = None

    @property
    def author(self) -> Person:
        """The author as a person."""
        return by_of(self.mail.author)

    def writing(self) -> Writing:
        """Give the moments of this mail as a statement."""
        received_at = self.mail.received_at
        dated_at = judged_at(self.mail.written_at, received_at)
        return Writing(self.number, self.author, received_at, dated_at)


def conclude(arrived: Arrived, past: Past, policy: Policy) -> Entry:
    """Think about one mail (reading rules, sections 4 to 6)."""
    if past.duplicate_of is not None:
        return Entry("duplicate", "", f"same Message-ID as mail {past.duplicate_of}")
    if arrived.room == "bounces":
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
        return Entry("ignored", "automatic", reason)
    entry = _thought(arrived, past, policy)
    if arrived.genuine:
        entry = back(entry, arrived.number, arrived.mail, past.paused)
    return _unanswered(entry, arrived) if machine else _capped(entry, arrived, past, policy)


def _unanswered(entry: Entry, arrived: Arrived) -> Entry:
    """Answer no program; what it left out is for the owner (interface, `[posting] machines`)."""
    kept: tuple[Notice, ...] = tuple(n for n in entry.notices if isinstance(n, Copy | Forward))
    if entry.verdict == "rejected":
        name = arrived.mail.author.address
        kept += (OwnerWord("machine", name, arrived.number, entry.reason, f"machine {name}"),)
    return replace(entry, notices=kept)


def _thought(arrived: Arrived, past: Past, policy: Policy) -> Entry:
    if not arrived.may_post:
        return stranger(arrived.room)
    if arrived.room == "check":
        return checked(arrived.number, arrived.mail, arrived.report, policy.rules)
    if arrived.room == "request":
        return commanded(arrived.number, arrived.mail)
    if past.unknown is not None:
        return _unknown(arrived, past.unknown)
    if past.draft is not None and past.draft.state == "held":
        return _answered(arrived, past.draft, past, policy)
    if past.incident is not None:
        if past.late is not None and arrived.report.reply_word == "apply":
            return _updated(arrived, past.incident, past.late, past, policy)
        return _followed(arrived, past.incident, past, policy)
    return _opened(arrived, past, policy)


def _capped(entry: Entry, arrived: Arrived, past: Past, policy: Policy) -> Entry:
    """Hold back answers above the cap; acceptance is never capped (design, section 6)."""
    limits = policy.rules.policy.limits
    kept = tuple(
        notice
        for notice in entry.notices
        if isinstance(notice, Copy | OwnerWord | Forward | Paused | Unreached)
        or (
            past.answers < limits.answers_an_hour
            and past.about.get(about(notice), 0) < limits.same_answer_a_day
        )
    )
    if len(kept) == len(entry.notices):
        return entry
    name = arrived.mail.author.address
    told = OwnerWord("cap", name, arrived.number, once=f"cap {name}")
    return replace(entry, notices=(*kept, told))


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
    if not (stated.asserted or by_commander or policy.follow_ups == "strict"):
        return _noted(arrived, incident, stated)
    if policy.follow_ups == "carry" or (unstated(incident) and stated.values):
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
        return question(draft, findings, arrived.number, mail.author, "update", incident)
    return _updated(arrived, incident, stated, past, policy)


def unstated(incident: Incident) -> tuple[str, ...]:
    """Name what an incident that was published INCOMPLETE still lacks."""
    current = incident.current()
    return tuple(name for name in VITAL if name not in current)


def background_of(incident: Incident) -> Background:
    """Give what a follow-up of the incident is judged against."""
    return Background(incident.current(), incident.people, incident.subject, incident.subject_says)


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
