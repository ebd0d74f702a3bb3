"""One value found in a mail, with its evidence."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final, Literal

from maild.reading.statements import Where


class Strength(IntEnum):
    """How a value is stated; a label is worth more than a status line, that more than prose."""

    PROSE = 1
    STATUS = 2
    LABEL = 3


@dataclass(frozen=True, slots=True)
class Person:
    """A person as named: name as written or None; address, or handle with its @, or None."""

    name: str | None
    address: str | None = None

    def __str__(self) -> str:
        return self.name or self.address or ""


Value = int | Person | str | tuple[str, ...] | tuple[Person, ...] | datetime

Outcome = Literal["value", "invalid", "missing", "current"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a field.

    outcome: "value"; "invalid" (value is the words that are off the scale or name a team);
    "missing" (a label that says TBD); "current" (unchanged, the incident's own value).
    words: the author's words as written.
    """

    field: str
    value: Value | None
    words: str
    strength: Strength
    where: Where
    outcome: Outcome = "value"

    @property
    def read_as(self) -> str:
        """Name the rule that read it: "field line", "prose", "subject tag"."""
        return READ_AS[self.where, self.strength]


READ_AS: Final = {
    ("subject", Strength.LABEL): "subject field",
    ("subject", Strength.STATUS): "subject tag",
    ("subject", Strength.PROSE): "subject",
    ("body", Strength.LABEL): "field line",
    ("body", Strength.STATUS): "status line",
    ("body", Strength.PROSE): "prose",
}
