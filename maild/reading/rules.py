"""The rule set as frozen data: scales, words, cues, requirements.

An organisation changes `rules/*.toml`, never code; one file there is one field here, and
`reading/checked.py` fills them in, with every mistake named. Nothing here is read from disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from maild.mail.words import MailWords, Words


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a scale: its number, its name, the words that mean it, and what it means."""

    number: int
    name: str
    words: Words
    meaning: str


@dataclass(frozen=True, eq=False)
class SeverityRules:
    """`rules/severity.toml`; step 1 is the worst."""

    labels: Words
    nouns: Words
    follows: Words
    step: tuple[Step, ...]
    short: tuple[str, ...] = ()

    def name(self, number: int) -> str:
        """Give the name of a step, "" where there is no such step."""
        return next((step.name for step in self.step if step.number == number), "")


@dataclass(frozen=True, eq=False)
class PhaseRules:
    """`rules/phase.toml`."""

    labels: Words
    status_labels: Words
    follows: Words
    links: Words
    unlinked: Words
    of: Words
    own: Words
    step: tuple[Step, ...]
    short: tuple[str, ...] = ()

    def name(self, number: int) -> str:
        """Give the name of a phase, "" where there is no such phase."""
        return next((step.name for step in self.step if step.number == number), "")

    @cached_property
    def last(self) -> int:
        """The phase in which an incident is over."""
        return max(step.number for step in self.step)


@dataclass(frozen=True, eq=False)
class CommanderRules:
    """The titles that mean commander, and how people hand command over."""

    titles: Words
    modifiers: Words
    handoff: Words
    becomes: Words
    becomes_adverbs: Words
    teams: Words
    collective: Words
    company: Words


@dataclass(frozen=True, eq=False)
class TitleSentences:
    """The sentences that give a title to somebody."""

    i_am: Words
    i: Words
    i_also: Words
    i_not: Words
    now_is: Words
    copulas: Words
    adverbs: Words
    scope: Words
    asides: Words
    relatives: Words
    ours: Words
    makes: Words
    as_title: Words
    gives: Words
    gives_words: Words
    duties: Words
    auxiliaries: Words
    moves: Words
    takes_command: Words
    planned: Words
    at_once: Words
    done: Words
    possessives: Words = ()
    begins: Words = ()
    later: Words = ()
    past: Words = ()
    not_but: Words = ()
    under: Words = ()
    i_am_first: Words = ()


@dataclass(frozen=True, eq=False)
class RoleRules:
    """The labels of one other role."""

    labels: Words


@dataclass(frozen=True, eq=False)
class NameRules:
    """What is part of a person's name, and what is none."""

    self: Words
    nobody: Words
    titles: Words
    particles: Words
    not_names: Words
    formerly: Words
    remarks: Words
    after: Words
    meantime: Words
    contact: Words
    offices: Words
    gone: Words = ()
    says: Words = ()
    in_charge: Words = ()
    pronouns: Words = ()
    subjects: Words = ()
    also_names: Words = ()


@dataclass(frozen=True, eq=False)
class PeopleRules:
    """`rules/people.toml`."""

    commander: CommanderRules
    sentences: TitleSentences
    roles: Mapping[str, RoleRules]
    names: NameRules


@dataclass(frozen=True, eq=False)
class ChannelRules:
    """`rules/channel.toml`: what introduces a place."""

    labels: Words
    introducers: Words
    weak_introducers: Words
    purposes: Words
    this_list: Words
    rooms: Words
    pins: Words
    extensions: Words
    weak_labels: Words
    no_place: Words
    no_place_follows: Words
    no_place_last: Words
    between: Words


@dataclass(frozen=True, eq=False)
class DayWords:
    """Words that are a day, an hour, or a direction."""

    yesterday: Words
    today: Words
    tomorrow: Words
    noon: Words
    midnight: Words
    ago: Words


@dataclass(frozen=True, eq=False)
class TimeRules:
    """`rules/times.toml`: labels, units and zones of moments."""

    next_update: Words
    started: Words
    prose_start: Words
    no_start: Words
    prose_next_update: Words
    promise_links: Words
    promises: Words
    promise_fillers: Words
    promised: Words
    no_promise: Words
    ahead: Words
    about: Words
    due: Words
    clock: Words
    ordinals: Words
    months: tuple[Words, ...]
    weekdays: tuple[Words, ...]
    counts: Mapping[str, float]
    units: Mapping[str, Words]
    words: DayWords
    zones: Mapping[str, tuple[str, ...]]


Reach = Literal["forward", "far", "backward", "sentence", "adjacent", "next"]


@dataclass(frozen=True, eq=False)
class Cue:
    """Words that take the force of a statement, and how far they reach."""

    kind: str
    reach: Reach
    words: Words
    fields: Words = ()


@dataclass(frozen=True, eq=False)
class StatementWords:
    """What makes a statement of a value in prose."""

    openers: Words
    frames: Words
    prepositions: Words
    determiners: Words
    verbs: Words
    reasons: Words
    changes: Words
    unchanged: Words
    unchanged_ahead: Words
    unchanged_links: Words
    stops: Words
    harmless: Words
    asking: Words
    timelines: Words
    timeline_remarks: Words
    plans: Words
    samples: Words = ()
    closers: Words = ()
    kept: Words = ()
    news: Words = ()
    worries: Words = ()


@dataclass(frozen=True, eq=False)
class CueRules:
    """`rules/cues.toml`."""

    statement: StatementWords
    cue: tuple[Cue, ...]


@dataclass(frozen=True, eq=False)
class SentenceWords:
    """What sentences and labels are built of."""

    joins: Words
    conjunctions: Words
    articles: Words
    prepositions: Words
    conditions: Words
    abbreviations: Words
    numbering: Words
    open_ended: Words
    label_prefixes: Words
    label_suffixes: Words


@dataclass(frozen=True, eq=False)
class ValueWords:
    """What stands around a value on a scale."""

    fillers: Words
    changed: Words
    history: Words
    old: Words
    new: Words
    current: Words
    steady: Words
    later: Words
    each: Words


@dataclass(frozen=True, eq=False)
class GrammarRules:
    """`rules/grammar.toml`: the small words of the language."""

    sentence: SentenceWords
    value: ValueWords
    numbers: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Required:
    """The fields that an opening and an update must state."""

    opening: Words
    update: Words


Level = Literal["advice", "required", "off"]


@dataclass(frozen=True, eq=False)
class Advice:
    """Rules beyond the required fields (section 7)."""

    business_liaison: Level
    business_liaison_from_severity: int
    customer_liaison: Level
    commander_is_expert: Level
    customer_impact: Words


@dataclass(frozen=True, eq=False)
class Cadence:
    """When something is due (section 7); `update` is in minutes by severity, 0 the next business day."""

    update: tuple[int, ...]
    working_hours: tuple[int, ...]
    slower_phase: int
    slower_factor: int
    draft_reminder: int
    draft_publish: int
    handoff_hours: int
    handoff_severities: tuple[int, ...]
    postmortem_business_days: int
    escalate_severities: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class AnswerLimits:
    """How many answers one author may get (design section 6)."""

    same_answer_a_day: int
    answers_an_hour: int


@dataclass(frozen=True, eq=False)
class PolicyRules:
    """`rules/policy.toml`."""

    required: Required
    advice: Advice
    cadence: Cadence
    limits: AnswerLimits


@dataclass(frozen=True, eq=False)
class Rules:
    """All rules; a field is a file of `rules/`."""

    severity: SeverityRules
    phase: PhaseRules
    people: PeopleRules
    channel: ChannelRules
    times: TimeRules
    cues: CueRules
    grammar: GrammarRules
    mail: MailWords
    policy: PolicyRules
