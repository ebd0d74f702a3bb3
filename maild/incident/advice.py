"""Rules beyond the required fields: advice, or one more field asked for (reading rules, section 7)."""

from dataclasses import dataclass
from functools import lru_cache

from maild.incident.people import same_person
from maild.incident.verdict import Finding, Kind, Stated, required
from maild.mail.phrases import words_of
from maild.reading.reading import Person
from maild.reading.rules import Rules


@dataclass(frozen=True, slots=True)
class Advised:
    """line: the one piece of advice that a letter may give, "" for none. required: more findings."""

    line: str
    required: tuple[Finding, ...] = ()


@lru_cache(maxsize=8)
def _words_of(text: str) -> frozenset[str]:
    """Give the words of a text, lower case; one mail is asked about several times."""
    return frozenset(words_of(text))


def advise(stated: Stated, text: str, rules: Rules) -> Advised:
    """Say what else would help: liaisons where they are due, a commander who is not also an expert."""
    advice = rules.policy.advice
    severity = stated.get("severity")
    lacking: list[str] = []
    grave = isinstance(severity, int) and severity <= advice.business_liaison_from_severity
    if grave and "business_liaison" not in stated.values:
        lacking.append("business_liaison")
    felt = _words_of(text) & frozenset(advice.customer_impact)
    if felt and "customer_liaison" not in stated.values:
        lacking.append("customer_liaison")
    levels = {
        "business_liaison": advice.business_liaison,
        "customer_liaison": advice.customer_liaison,
    }
    required = tuple(Finding(name, "missing") for name in lacking if levels[name] == "required")
    lines = [name for name in lacking if levels[name] == "advice"]
    commander = stated.get("commander")
    if advice.commander_is_expert == "advice" and isinstance(commander, Person):
        lines += ["commander_is_expert"] * any(same_person(commander, e) for e in stated.experts)
    return Advised(lines[0] if lines else "", required)


def lacking(stated: Stated, kind: Kind, rules: Rules, text: str = "") -> tuple[Finding, ...]:
    """Give all findings: of the required fields, and of what an opening's rules require besides.

    text: the author's own words, where they are at hand.
    """
    more = advise(stated, text, rules).required if kind == "opening" else ()
    return (*required(stated, kind, rules), *more)
