"""The rule set as frozen data: scales, words, cues, requirements.

An organisation changes `rules/*.toml`, never code; one file there is one field here, and
`edge/files.py` fills them in, with every mistake named. Nothing here is read from disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from maild.mail.words import STRICT, MailWords, Words


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a scale: its number, its name, the words that mean it, and what it means."""

    __pydantic_config__ = STRICT
    number: int
    name: str
    words: Words
    meaning: str


@dataclass(frozen=True, eq=False)
class SeverityRules:
    """`rules/severity.toml`; step 1 is the worst."""

    __pydantic_config__ = STRICT
    labels: Words
    short: Words
    nouns: Words
    step: tuple[Step, ...]

    def name(self, number: int) -> str:
        """Give the name of a step, "" where there is no such step."""
        return next((step.name for step in self.step if step.number == number), "")


@dataclass(frozen=True, eq=False)
class PhaseRules:
    """`rules/phase.toml`."""

    __pydantic_config__ = STRICT
    labels: Words
    status_labels: Words
    nouns: Words
    step: tuple[Step, ...]

    def name(self, number: int) -> str:
        """Give the name of a phase, "" where there is no such phase."""
        return next((step.name for step in self.step if step.number == number), "")

    @property
    def last(self) -> int:
        """The phase in which an incident is over."""
        return max(step.number for step in self.step)


@dataclass(frozen=True, eq=False)
class CommanderRules:
    """The titles that mean commander, and how people hand command over."""

    __pydantic_config__ = STRICT
    titles: Words
    modifiers: Words
    handoff: Words
    becomes: Words
    adverbs: Words
    teams: Words


@dataclass(frozen=True, eq=False)
class RoleRules:
    """The labels of one other role."""

    __pydantic_config__ = STRICT
    labels: Words


@dataclass(frozen=True, eq=False)
class NameRules:
    """What is part of a person's name, and what is none."""

    __pydantic_config__ = STRICT
    self: Words
    nobody: Words
    titles: Words
    particles: Words
    not_names: Words


@dataclass(frozen=True, eq=False)
class PeopleRules:
    """`rules/people.toml`."""

    __pydantic_config__ = STRICT
    commander: CommanderRules
    roles: Mapping[str, RoleRules]
    names: NameRules


@dataclass(frozen=True, eq=False)
class ChannelRules:
    """`rules/channel.toml`: what introduces a place."""

    __pydantic_config__ = STRICT
    labels: Words
    introducers: Words
    weak_introducers: Words
    purposes: Words
    this_list: Words
    rooms: Words
    pins: Words


@dataclass(frozen=True, eq=False)
class TimeRules:
    """`rules/times.toml`: labels, units and zones of moments."""

    __pydantic_config__ = STRICT
    next_update: Words
    started: Words
    prose_start: Words
    no_start: Words
    prose_next_update: Words
    units: Mapping[str, Words]
    words: Mapping[str, Words]
    zones: Mapping[str, Words]


Reach = Literal["forward", "far", "backward", "sentence", "adjacent"]


@dataclass(frozen=True, eq=False)
class Cue:
    """Words that take the force of a statement, and how far they reach."""

    __pydantic_config__ = STRICT
    kind: str
    reach: Reach
    words: Words
    fields: Words = ()


@dataclass(frozen=True, eq=False)
class StatementWords:
    """What makes a statement of a value in prose."""

    __pydantic_config__ = STRICT
    openers: Words
    frames: Words
    changes: Words
    unchanged: Words
    stops: Words
    harmless: Words
    asking: Words
    timelines: Words
    plans: Words


@dataclass(frozen=True, eq=False)
class CueRules:
    """`rules/cues.toml`."""

    __pydantic_config__ = STRICT
    statement: StatementWords
    cue: tuple[Cue, ...]


@dataclass(frozen=True, eq=False)
class Required:
    """The fields that an opening and an update must state."""

    __pydantic_config__ = STRICT
    opening: Words
    update: Words


Level = Literal["advice", "required", "off"]


@dataclass(frozen=True, eq=False)
class Advice:
    """Rules beyond the required fields (section 7)."""

    __pydantic_config__ = STRICT
    business_liaison: Level
    business_liaison_from_severity: int
    customer_liaison: Level
    commander_is_expert: Level
    customer_impact: Words


@dataclass(frozen=True, eq=False)
class Cadence:
    """When something is due (section 7); `update` is in minutes by severity, 0 the next business day."""

    __pydantic_config__ = STRICT
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

    __pydantic_config__ = STRICT
    same_answer_a_day: int
    answers_an_hour: int


@dataclass(frozen=True, eq=False)
class PolicyRules:
    """`rules/policy.toml`."""

    __pydantic_config__ = STRICT
    required: Required
    advice: Advice
    cadence: Cadence
    limits: AnswerLimits


@dataclass(frozen=True, eq=False)
class Rules:
    """All rules; a field is a file of `rules/`."""

    __pydantic_config__ = STRICT
    severity: SeverityRules
    phase: PhaseRules
    people: PeopleRules
    channel: ChannelRules
    times: TimeRules
    cues: CueRules
    mail: MailWords
    policy: PolicyRules
