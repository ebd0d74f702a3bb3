"""Whether somebody named is commander now: not where he has left, is on his way, or begins at six."""

import re
from collections.abc import Callable

from maild.mail.phrases import letters_of
from maild.reading.grammar import Grammar, alternatives
from maild.reading.rules import CommanderRules, NameRules, TitleSentences

# Tells of the words at which a time begins whether it lies ahead.
Ahead = Callable[[str], bool]

_BEFORE = 40
# A capitalised word with a small letter in it, which no zone has.
_NAME = r"[^\W\d_a-z](?=[\w'-]*[a-z])[\w'-]*"
_CAPITAL = re.compile(r"(?<!\w)(?=[^\W\d_a-z])\w+")


class Presence:
    """Finds what stands around a name and takes it away (reading rules, section 8.10)."""

    def __init__(self, names: NameRules, words: TitleSentences, grammar: Grammar) -> None:
        gone, says = alternatives(names.gone), alternatives(names.says)
        pronouns, begins = alternatives(names.pronouns), alternatives(words.begins)
        lead = rf"[\s,(–-]+(?:(?:{pronouns})\s+)*"
        gone = rf"{lead}(?:(?:{says})\s+)*(?:(?:{pronouns})\s+)*(?:{gone})(?!\w)"
        self.gone = re.compile(
            rf"[^,;(|\n]{{1,60}}?(?:{gone}|{lead}(?-i:{says})\s+(?!(?:{alternatives(names.in_charge)})(?!\w)))",
            re.I,
        )
        self.gone_behind = re.compile(gone, re.I)
        subjects = alternatives(names.subjects)
        self.gone_next = re.compile(
            rf"[\s.;!]*(?:[^\W\d_]+,?\s+)??(?P<who>[^\W\d_][\w-]*)(?![,\s]+(?:{subjects})\s)(?:'\w+)?{gone}",
            re.I,
        )
        self.subjects = frozenset(names.subjects)
        self.no_names = frozenset((*names.not_names, *words.gives, *words.makes))
        clock = r"\d[\d:.h]*(?:\s?[ap]\.?m\.?)?(?:\s(?-i:[A-Z]{2,5}))?"
        self.relieved = re.compile(
            rf"\s*[,;]\s*(?:{begins})\s+(?P<at>{clock})\s+(?P<name>@[\w.-]+|(?-i:{_NAME}(?:\s{_NAME})+))[.\s]*$",
            re.I,
        )
        self.begins = re.compile(rf"[\s,(]*(?<!\w)(?:{begins})\s+", re.I)
        self.led = re.compile(rf"(?:^|[\s,(])(?:{begins})\s+(?=[^.;]{{1,{_BEFORE}}}$)", re.I)
        self.later = re.compile(rf"[\s,(–-]*(?:{alternatives(words.later)})(?!\w)", re.I)
        self.past = re.compile(rf"(?<!\w)(?:{alternatives(words.past)})(?!\w)", re.I)

    def until_relieved(self, value: str, ahead: Ahead) -> str:
        """Give a label's value without who comes later: "me" of "me, from 18:00 Bob Lee"."""
        relief = self._relief(value)
        return value[: relief.start()] if relief and ahead(relief["at"]) else value

    def _relief(self, value: str) -> re.Match[str] | None:
        match = self.relieved.search(value)
        # "From 18:00 Pacific Time" nobody else comes.
        named = match is not None and self.no_names.isdisjoint(letters_of(match["name"]))
        return match if named else None

    def takes_away(self, value: str) -> bool:
        """Whether the value of a label says that its person is no commander now.

        "Bob has left", and "me, from 08:00 Bob Lee" at noon.
        """
        return self.gone.match(value) is not None or self._relief(value) is not None

    def begins_later(self, value: str, ahead: Ahead) -> bool:
        """Whether the value of a label says that its person begins later: "Bob from 18:00"."""
        first = re.split(r"[,;(|]", value, maxsplit=1)[0]
        found = (match for match in self.begins.finditer(value) if 0 < match.start() <= len(first))
        return any(ahead(value[match.end() :]) for match in found)

    def left(self, plain: str, end: int) -> bool:
        """Whether a sentence goes on from a name with its absence: "IC is Bob, who is on his way"."""
        return self.gone_behind.match(plain, end) is not None

    def leaves(self, text: str, start: int, end: int, name: str) -> bool:
        """Whether the sentence behind text[start:end] says that its only one has left.

        "IC: Bob Lee. He has left", but "Bob Lee takes over from Ana Ruiz. She has left."
        """
        absent = self.gone_next.match(text, end)
        if absent is None:
            return False
        own, who = letters_of(name), absent["who"].lower()
        others = set(letters_of(" ".join(_CAPITAL.findall(text, start, end)))).difference(own)
        return who in own or (who in self.subjects and others <= self.no_names)

    def lies_ahead(self, plain: str, start: int, end: int, ahead: Ahead) -> bool:
        """Whether plain[start:end] is a title for a time to come: "I am IC from 18:00"."""
        if self.past.search(plain, start, end):
            return False
        if self.later.match(plain, end):
            return True
        behind = self.begins.match(plain, end)
        if behind is not None and ahead(plain[behind.end() :]):
            return True
        led = self.led.search(plain[max(0, start - _BEFORE) : start])
        return led is not None and ahead(plain[max(0, start - _BEFORE) : start][led.end() :])


def team_pattern(rules: CommanderRules) -> re.Pattern[str]:
    """Compile what makes a name a team: "the database team" (reading rules, section 8.2)."""
    teams, collective = alternatives(rules.teams), alternatives(rules.collective)
    return re.compile(rf"(?<![\w-])(?:{teams})(?![\w-])|^(?:{collective})\s", re.I)
