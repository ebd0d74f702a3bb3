"""Report x situation x rules to verdict: what counts, what is missing, invalid or in conflict.

Nothing is guessed. Two readings of one field are a question to the author (reading rules,
sections 1 to 4, and 8.1 to 8.7).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from maild.incident.people import merged, parts_of, same_person
from maild.mail.message import Address
from maild.reading.reading import Person, Reading, Strength, Value
from maild.reading.report import Report
from maild.reading.rules import Rules

Kind = Literal["opening", "update"]
Trouble = Literal["missing", "invalid", "conflict"]

VITAL: Final = ("severity", "phase", "commander")
PERSONAL: Final = (
    "customer_liaison",
    "business_liaison",
    "communications_lead",
    "technical_lead",
    "scribe",
)
SINGLE: Final = (*VITAL, *PERSONAL, "next_update", "started_at")


@dataclass(frozen=True, slots=True)
class Finding:
    """What is missing, invalid or in conflict in one field.

    words: the author's words for each reading, as written; values: what they were read as.
    """

    field: str
    trouble: Trouble
    words: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Stated:
    """What one mail (or a draft and its completions) states: one value a field, with its words.

    read_as: the rule that read it. left_open: the words of a field that is named without a value
    ("Commander: TBD").
    """

    values: Mapping[str, Value]
    words: Mapping[str, str]
    findings: tuple[Finding, ...] = ()
    asserted: frozenset[str] = field(default_factory=frozenset)
    summary: str = ""
    description: bool = False
    read_as: Mapping[str, str] = field(default_factory=dict)
    left_open: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Value | None:
        """Give the value of a field, None where it is not stated."""
        return self.values.get(name)

    @property
    def channels(self) -> tuple[str, ...]:
        """The places in the order written."""
        found = self.values.get("channel", ())
        return tuple(str(place) for place in found) if isinstance(found, tuple) else ()

    @property
    def experts(self) -> tuple[Person, ...]:
        """The experts in the order written."""
        found = self.values.get("experts", ())
        return tuple(p for p in found if isinstance(p, Person)) if isinstance(found, tuple) else ()

    def troubled(self, trouble: Trouble) -> tuple[Finding, ...]:
        """Give the findings of one kind."""
        return tuple(finding for finding in self.findings if finding.trouble == trouble)


@dataclass(frozen=True, slots=True)
class Background:
    """What is known when a mail is judged.

    current: the state a follow-up would change ("unchanged" means its value). known: people of the
    incident, to give a bare name its address. subject: the opening's subject, as `Report.subject`;
    tags it had are no statements.
    """

    current: Mapping[str, Value] = field(default_factory=dict)
    known: tuple[Person, ...] = ()
    subject: str | None = None
    subject_readings: tuple[tuple[str, Value | None], ...] = ()


def counting(report: Report, kind: Kind, background: Background) -> tuple[Reading, ...]:
    """Choose the readings that count: in a follow-up the body wins, old subjects say nothing."""
    if kind == "opening" and background.subject is None:
        return report.readings
    body = tuple(r for r in report.readings if r.where == "body")
    if report.subject == background.subject:
        return body
    stated = {r.field for r in body}
    old = set(background.subject_readings)
    new = tuple(
        r
        for r in report.readings
        if r.where == "subject" and r.field not in stated and (r.field, r.value) not in old
    )
    return body + new


def resolve(
    readings: Iterable[Reading], report: Report, author: Address, background: Background
) -> Stated:
    """Settle each field to one value, or to a finding; required fields are not looked at here."""
    values: dict[str, Value] = {}
    words: dict[str, str] = {}
    read_as: dict[str, str] = {}
    left_open: dict[str, str] = {}
    findings: list[Finding] = []
    by_field: dict[str, list[Reading]] = {}
    for reading in readings:
        by_field.setdefault(reading.field, []).append(_in_context(reading, author, background))
    for name, found in by_field.items():
        settled = _settle(name, found)
        if isinstance(settled, Finding):
            findings.append(settled)
        elif settled is not None and settled.value is not None:
            values[name], words[name] = settled.value, settled.words
            read_as[name] = settled.read_as
        else:
            left_open[name] = found[0].words
    return Stated(
        values,
        words,
        tuple(findings),
        frozenset(name for name in VITAL if name in by_field),
        report.summary,
        report.description,
        read_as,
        left_open,
    )


def _in_context(reading: Reading, author: Address, background: Background) -> Reading:
    if reading.outcome == "current":
        current = background.current.get(reading.field)
        outcome: Literal["value", "missing"] = "missing" if current is None else "value"
        return Reading(
            reading.field, current, reading.words, reading.strength, reading.where, outcome
        )
    if isinstance(reading.value, Person):
        person = known_as(reading.value, author, background.known)
        return Reading(
            reading.field, person, reading.words, reading.strength, reading.where, reading.outcome
        )
    return reading


def known_as(person: Person, author: Address, known: Sequence[Person]) -> Person:
    """Give a bare name or handle the address of the one person it means (section 8.1)."""
    writer = Person(author.name or None, author.address or None)
    if person.address and not person.address.startswith("@"):
        return person
    if person.name and same_person(person, writer) and author.address:
        return Person(person.name or writer.name, writer.address)
    fitting = {
        other.address: other for other in known if other.address and same_person(person, other)
    }
    if len(fitting) == 1:
        other = next(iter(fitting.values()))
        fuller = parts_of(person.name or "") < parts_of(other.name or "")
        return Person(other.name if fuller else person.name, other.address)
    return person


def _settle(name: str, found: list[Reading]) -> Finding | Reading | None:
    if name == "channel":
        return _places(found)
    if name == "experts":
        return _experts(found)
    valid = [r for r in found if r.outcome == "value" and r.value is not None]
    invalid = [r for r in found if r.outcome == "invalid"]
    if name == "phase" and valid:
        # `Status:` with a word outside the table states nothing beside a phase (section 7a).
        invalid = [r for r in invalid if r.strength is not Strength.PROSE]
    distinct = _distinct(valid)
    if len(distinct) + len({str(r.value).lower() for r in invalid}) > 1:
        if name in VITAL:
            chosen = [*distinct, *invalid]
            return Finding(
                name,
                "conflict",
                tuple(r.words for r in chosen),
                tuple(r.value for r in chosen if r.value is not None),
            )
        return distinct[0] if distinct else None
    if invalid:
        first = invalid[0]
        return Finding(name, "invalid", (first.words,), (str(first.value),))
    return distinct[0] if distinct else None


def _distinct(valid: Sequence[Reading]) -> list[Reading]:
    """Join equal values; of one person's several forms the fullest is kept (section 7a)."""
    kept: list[Reading] = []
    for reading in sorted(valid, key=lambda r: -r.strength):
        for i, other in enumerate(kept):
            if isinstance(reading.value, Person) and isinstance(other.value, Person):
                if same_person(reading.value, other.value):
                    person = merged(other.value, reading.value)
                    kept[i] = Reading(other.field, person, other.words, other.strength, other.where)
                    break
            elif reading.value == other.value:
                break
        else:
            kept.append(reading)
    return kept


def _places(found: Sequence[Reading]) -> Reading | None:
    given = [r for r in found if r.outcome == "value"]
    places = tuple(dict.fromkeys(str(r.value) for r in given))
    return replace(given[0], value=places) if given else None


def _experts(found: Sequence[Reading]) -> Reading | None:
    people: list[Person] = []
    for reading in found:
        for person in reading.value if isinstance(reading.value, tuple) else ():
            if isinstance(person, Person) and person not in people:
                people.append(person)
    return replace(found[0], value=tuple(people)) if people else None


def required(stated: Stated, kind: Kind, rules: Rules) -> tuple[Finding, ...]:
    """Give all findings, in the order in which the rules require the fields."""
    names = rules.policy.required.opening if kind == "opening" else rules.policy.required.update
    trouble = {finding.field: finding for finding in stated.findings}
    found = []
    for name in names:
        if name in trouble:
            found.append(trouble.pop(name))
        elif not _has(stated, name):
            found.append(Finding(name, "missing"))
    return (*found, *trouble.values())


def _has(stated: Stated, name: str) -> bool:
    if name == "summary":
        return bool(stated.summary)
    if name == "description":
        return stated.description
    return name in stated.values


def overlaid(draft: Stated, completion: Stated) -> Stated:
    """Lay a completion's fields over the draft's; what it does not state stays (section 5)."""
    said = {*completion.values, *(finding.field for finding in completion.findings)}
    values = {**draft.values, **completion.values}
    words = {**draft.words, **completion.words}
    for finding in completion.findings:
        values.pop(finding.field, None)
    kept = tuple(finding for finding in draft.findings if finding.field not in said)
    return Stated(
        values,
        words,
        (*kept, *completion.findings),
        draft.asserted | completion.asserted,
        draft.summary or completion.summary,
        draft.description or completion.description,
        {**draft.read_as, **completion.read_as},
        {**draft.left_open, **completion.left_open},
    )


def judged_at(written_at: datetime | None, received_at: datetime) -> datetime:
    """Say when a mail counts as written: its Date, unless that is missing or in the future."""
    return written_at if written_at is not None and written_at < received_at else received_at
