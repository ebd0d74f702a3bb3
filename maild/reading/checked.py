"""Parsed rule files to the frozen rule set; every mistake is named, and none hides the next.

What `edge/files.py` reads from disk comes in as plain tables. A mistake says where it is by keys;
the line is found by who knows the text.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import reduce
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, get_args, get_origin
from zoneinfo import ZoneInfo

from maild.mail.words import Words
from maild.reading.rules import Cadence, Required, RoleRules, Rules, Step

ROLES: Final = (
    "customer_liaison", "business_liaison", "communications_lead", "technical_lead", "scribe", "experts",
)  # fmt: skip
FIELDS: Final = (
    "summary", "description", "severity", "phase", "commander", "channel", *ROLES, "next_update", "started_at",
)  # fmt: skip
UNITS: Final = ("minute", "hour", "day")
RULE_FILES: Final = tuple(field.name for field in fields(Rules))
_OFFSET: Final = re.compile(r"[+-]\d\d:\d\d")
_NAMES: Final = {int: "a whole number", float: "a number", str: "a text"}

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in a rule file. where: the file's name without .toml, then keys and indexes."""

    where: Where
    what: str


def checked(tables: Mapping[str, object]) -> tuple[Rules | None, tuple[Mistake, ...]]:
    """Make the rule set of parsed files, by name; None where there is any mistake.

    A file that is not among the tables is passed over: why it could not be parsed is known already.
    """
    filling = _Filling()
    found = {
        field.name: filling.value(field.type, tables[field.name], (field.name,))
        for field in fields(Rules)
        if field.name in tables
    }
    mistakes = (*filling.mistakes, *_inconsistent(found, filling.mistakes))
    whole = not mistakes and len(found) == len(RULE_FILES)
    return Rules(**found) if whole else None, mistakes


def meant(word: str, known: Iterable[str]) -> str:
    """Give "; is X meant?" where a known word is close, else ""."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f"; is {close[0]} meant?" if close else ""


class _Filling:
    """Fills dataclasses from tables by their declared types, and collects what does not fit."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def wrong(self, where: Where, what: str) -> None:
        self.mistakes.append(Mistake(where, what))

    def value(self, wanted: Any, said: object, where: Where) -> Any:
        if get_origin(wanted) is Annotated:
            return tuple(word.lower() for word in self.value(get_args(wanted)[0], said, where))
        if is_dataclass(wanted) and isinstance(wanted, type):
            return self.record(wanted, said, where)
        if get_origin(wanted) is tuple:
            return self.several(get_args(wanted)[0], said, where)
        if get_origin(wanted) is Literal:
            return self.choice(get_args(wanted), said, where)
        if get_origin(wanted) is Mapping:
            return self.mapping(get_args(wanted)[1], said, where)
        return self.plain(wanted, said, where)

    def record(self, wanted: type, said: object, where: Where) -> Any:
        if not isinstance(said, dict):
            self.wrong(where, f"must be a table, and is {_written(said)}")
            return None
        known = {field.name: field for field in fields(wanted)}
        for key in (key for key in said if key not in known):
            self.wrong((*where, key), f"is no key here{meant(key, known)}")
        missing = [n for n, field in known.items() if n not in said and field.default is MISSING]
        for name in missing:
            self.wrong((*where, name), "is missing")
        found = {
            name: self.value(field.type, said[name], (*where, name))
            for name, field in known.items()
            if name in said
        }
        return wanted(**dict.fromkeys(missing), **found)

    def several(self, wanted: Any, said: object, where: Where) -> tuple[Any, ...]:
        if not isinstance(said, list):
            self.wrong(where, f"must be a list, and is {_written(said)}")
        elif not said:
            self.wrong(where, "is empty; a list holds at least one entry")
        else:
            return tuple(self.value(wanted, one, (*where, i)) for i, one in enumerate(said))
        return ()

    def mapping(self, wanted: Any, said: object, where: Where) -> Mapping[str, Any] | None:
        if not isinstance(said, dict):
            self.wrong(where, f"must be a table, and is {_written(said)}")
            return None
        return MappingProxyType({k: self.value(wanted, v, (*where, k)) for k, v in said.items()})

    def choice(self, choices: Sequence[str], said: object, where: Where) -> Any:
        if said not in choices:
            quoted = ", ".join(f'"{choice}"' for choice in choices)
            self.wrong(where, f"must be one of {quoted}, and is {_written(said)}")
        return said

    def plain(self, wanted: type, said: object, where: Where) -> Any:
        fits = type(said) is wanted or (wanted is float and type(said) is int)
        if not fits:
            self.wrong(where, f"must be {_NAMES[wanted]}, and is {_written(said)}")
            return wanted()
        if isinstance(said, str) and not said.strip():
            self.wrong(where, "is empty; a word has at least one letter or sign")
        return said


def _written(said: object) -> str:
    """Say a value as it might stand in the file, shortened."""
    if isinstance(said, bool):
        return str(said).lower()
    if isinstance(said, str):
        return f'"{said[:40]}"'
    if isinstance(said, dict):
        return "a table"
    return f"{said}" if len(str(said)) <= 40 else f"{str(said)[:40]}..."


def _inconsistent(found: Mapping[str, Any], mistakes: Sequence[Mistake]) -> Iterator[Mistake]:
    """Compare what several keys say of one thing; a check rests while a key that it needs is wrong."""
    for needed, check in _CHECKS:
        paths = [tuple(path.split(".")) for path in needed]
        if all(path[0] in found and not _touched(path, mistakes) for path in paths):
            yield from check(*(reduce(getattr, path[1:], found[path[0]]) for path in paths))


def _touched(path: tuple[str, ...], mistakes: Sequence[Mistake]) -> bool:
    return any(m.where[: len(path)] == path or path[: len(m.where)] == m.where for m in mistakes)


def _scale(name: str, steps: Sequence[Step]) -> Iterator[Mistake]:
    numbers = [step.number for step in steps]
    for i, step in enumerate(steps):
        at: Where = (name, "step", i)
        if step.number in numbers[:i]:
            yield Mistake((*at, "number"), f"is {step.number}, like that of an earlier step")
        elif i and step.number < numbers[i - 1]:
            yield Mistake((*at, "number"), f"is {step.number}; write the steps in rising order")
        for word in dict.fromkeys((step.name.lower(), *step.words)):
            others = [o.name for o in steps[:i] if word in (o.name.lower(), *o.words)]
            if others:
                yield Mistake((*at, "words"), f'holds "{word}", which means {others[0]} already')


def _required(required: Required) -> Iterator[Mistake]:
    for kind, names in (("opening", required.opening), ("update", required.update)):
        for i, name in enumerate(names):
            if name not in FIELDS:
                what = f'holds "{name}", which is no field{meant(name, FIELDS)}'
                yield Mistake(("policy", "required", kind, i), what)


def _on_scale(
    cadence: Cadence, severities: Sequence[Step], phases: Sequence[Step]
) -> Iterator[Mistake]:
    """Severities and phases that the cadence speaks of are on the scales."""
    steps = {step.number for step in severities}
    if len(cadence.update) != len(steps):
        what = f"has {len(cadence.update)} entries for {len(steps)} severities"
        yield Mistake(("policy", "cadence", "update"), what)
    for key in ("working_hours", "handoff_severities", "escalate_severities"):
        for i, number in enumerate(getattr(cadence, key)):
            if number not in steps:
                yield Mistake(("policy", "cadence", key, i), f"is {number}, which is no severity")
    if cadence.slower_phase not in {step.number for step in phases}:
        what = f"is {cadence.slower_phase}, which is no phase"
        yield Mistake(("policy", "cadence", "slower_phase"), what)


def _liaison(number: int, severities: Sequence[Step]) -> Iterator[Mistake]:
    if number not in {step.number for step in severities}:
        what = f"is {number}, which is no severity"
        yield Mistake(("policy", "advice", "business_liaison_from_severity"), what)


def _roles(roles: Mapping[str, RoleRules]) -> Iterator[Mistake]:
    for name in roles:
        if name not in ROLES:
            yield Mistake(("people", "roles", name), f"is no role{meant(name, ROLES)}")
    owners: dict[str, str] = {}
    for name, role in roles.items():
        for i, label in enumerate(role.labels):
            if owners.setdefault(label, name) != name:
                what = f'is "{label}", a label of {owners[label]} already'
                yield Mistake(("people", "roles", name, "labels", i), what)


def _units(units: Mapping[str, Words]) -> Iterator[Mistake]:
    for unit in units:
        if unit not in UNITS:
            what = f"is no unit{meant(unit, UNITS)}; known are {', '.join(UNITS)}"
            yield Mistake(("times", "units", unit), what)


def _calendar(key: str, count: int, forms: Sequence[Words]) -> Iterator[Mistake]:
    if len(forms) != count:
        yield Mistake(("times", key), f"has {len(forms)} entries, and must have {count}")


def _zones(zones: Mapping[str, tuple[str, ...]]) -> Iterator[Mistake]:
    for zone, meanings in zones.items():
        for i, meaning in enumerate(meanings):
            if not _is_zone(meaning):
                what = f'is "{meaning}", which is no zone; write "+01:00" or "Europe/Berlin"'
                yield Mistake(("times", "zones", zone, i), what)


def _is_zone(name: str) -> bool:
    if _OFFSET.fullmatch(name) or name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


_CHECKS: Final[tuple[tuple[tuple[str, ...], Callable[..., Iterator[Mistake]]], ...]] = (
    (("severity.step",), lambda steps: _scale("severity", steps)),
    (("phase.step",), lambda steps: _scale("phase", steps)),
    (("policy.required",), _required),
    (("policy.cadence", "severity.step", "phase.step"), _on_scale),
    (("policy.advice.business_liaison_from_severity", "severity.step"), _liaison),
    (("people.roles",), _roles),
    (("times.units",), _units),
    (("times.months",), lambda forms: _calendar("months", 12, forms)),
    (("times.weekdays",), lambda forms: _calendar("weekdays", 7, forms)),
    (("times.zones",), _zones),
)
