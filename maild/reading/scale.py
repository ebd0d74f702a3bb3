"""Values on a scale, severity or phase: from the words behind a label to a number.

One grammar for both: "2", "SEV2", "High", "two", "II", "2 (major)", "3 -> 2", "from 3 to 2",
"2 (was 3)", "unchanged". The scales themselves are in the rules.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from maild.reading.grammar import Grammar
from maild.reading.rules import Step

ROMANS: Final = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}

_TOKEN = re.compile(
    r"(?P<blank>[ \t]+|\n(?!\n))|(?P<arrow>-{0,2}>|=>|→)|(?P<number>\d{1,4}(?!\w|:\d|[.,]\d|\s?%))"
    r"|(?P<word>[^\W\d_](?:[\w'-]*\w)?)|(?P<open>\()|(?P<close>\))|(?P<hedge>\?)|(?P<mark>[-:=#~–/&+\"'\[\]])"
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a run of words says on a scale.

    numbers: the steps it names, each once, in order. off: the words of a number off the scale.
    end: where the phrase ends. current: whether it says "unchanged" and no number. moved: whether
    it leads from one step to another.
    """

    numbers: tuple[int, ...]
    off: str
    end: int
    current: bool = False
    hedged: bool = False
    moved: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was said."""
        return not self.numbers and not self.off and not self.current


@dataclass(frozen=True, slots=True)
class Scale:
    """A compiled scale: its steps, the words for each, and the prefixes that may stand at a number."""

    numbers: frozenset[int]
    words: dict[str, int]
    glued: re.Pattern[str]
    short: re.Pattern[str]
    names: frozenset[str]
    small: Grammar

    def phrase(
        self, text: str, at: int, *, words: bool, short: bool = False, moving: bool = False
    ) -> Phrase:
        """Read the phrase that begins at `at`.

        words: whether the scale's words count ("High"). short: whether S2 and P2 do. moving:
        whether "from" stands before it.
        """
        return _Reading(self, text, at, words, short, moving).run()

    def labelled(self, text: str, at: int, *, short: bool = False) -> Phrase:
        """Read the phrase behind a label, with a second value further on: "2 until ten, now 3"."""
        phrase = self.phrase(text, at, words=True, short=short)
        more = self.small.second.match(text, phrase.end) if phrase.numbers else None
        number = int(more["later"] or more["each"]) if more else None
        if more is None or number not in self.numbers:
            return phrase
        return replace(
            phrase, numbers=tuple(dict.fromkeys((*phrase.numbers, number))), end=more.end()
        )


def scale(
    steps: Iterable[Step], prefixes: Iterable[str], small: Grammar, short: Iterable[str] = ()
) -> Scale:
    """Compile a scale from its steps in the rules."""
    steps = tuple(steps)
    named = {word.lower(): step.number for step in steps for word in (*step.words, step.name)}
    ahead = sorted((re.escape(p) for p in prefixes if " " not in p), key=len, reverse=True)
    glued = re.compile(rf"(?:{'|'.join(ahead)})\.?[-_ ]?(\d{{1,3}})", re.I)
    letters = "|".join(re.escape(letter) for letter in short) or r"\b\B"
    return Scale(
        frozenset(step.number for step in steps),
        named,
        glued,
        re.compile(rf"#?(?:{letters})-?(\d)", re.I),
        frozenset(p.lower() for p in prefixes),
        small,
    )


class _Reading:
    """One run over the tokens of a phrase."""

    def __init__(
        self, scale: Scale, text: str, at: int, words: bool, short: bool, moving: bool
    ) -> None:
        self.scale, self.text, self.at, self.words_count, self.short = scale, text, at, words, short
        self.small = scale.small
        self.values: list[int] = []
        self.off = ""
        self.end = at
        self.changed = self.history = self.current = self.hedged = False
        self.moving = moving
        self.depth = 0
        self.pending = False

    def run(self) -> Phrase:
        position = self.at
        while position < len(self.text) and position - self.at < 120:
            token = _TOKEN.match(self.text, position)
            if token is None or not self.take(token):
                break
            position = token.end()
        if self.depth and self.values:
            closing = self.text.find(")", self.end)
            self.end = closing + 1 if 0 <= closing - self.end < 40 else self.end
        numbers = tuple(dict.fromkeys(self.values))
        moved = self.changed and len(numbers) > 1
        if self.changed and numbers:
            numbers = numbers[-1:]
        current = self.current and not numbers and not self.off
        return Phrase(numbers, self.off, self.end, current, self.hedged, moved)

    def take(self, token: re.Match[str]) -> bool:
        kind = token.lastgroup
        if kind == "word":
            return self.word(token)
        if kind == "number":
            return self.value(int(token[0]), token)
        if kind == "arrow":
            self.changed = True
            return True
        if kind == "open":
            return self.parenthesis(token)
        if kind == "close":
            self.depth -= 1
            self.history = False
            self.end = token.end() if self.depth >= 0 and self.values else self.end
            return self.depth >= 0
        if kind == "hedge":
            self.hedged = True
            self.end = token.end()
            return bool(self.values or self.off)
        if kind == "mark" and token[0] in "/&":
            self.pending = True
        return True

    def parenthesis(self, token: re.Match[str]) -> bool:
        """Enter a parenthesis only if it begins with words of the scale or of its history."""
        inner = self.text[token.end() : token.end() + 40].lower()
        first = re.match(r"\s*[^\W_][\w'-]*", inner)
        word = first[0].strip() if first else ""
        known = (
            word in self.small.history
            or word in self.small.fillers
            or word in self.scale.words
            or word.isdigit()
        )
        if not known and not self.scale.glued.match(word):
            return False
        self.depth += 1
        return True

    def word(self, token: re.Match[str]) -> bool:
        word = token[0].lower()
        glued = self.scale.glued.fullmatch(token[0]) or (
            self.short and self.scale.short.fullmatch(token[0])
        )
        if glued:
            return self.value(int(glued[1]), token)
        if word in self.small.numbers:
            return self.value(self.small.numbers[word], token)
        if token[0] in ROMANS and (
            token[0] != "I" or not self.text[token.end() :].lstrip()[:1].isalpha()
        ):
            return self.value(ROMANS[token[0]], token)
        if self.words_count or self.depth:
            number = self.scale.words.get(word)
            if number is not None:
                return self.value(number, token)
        return self.filler(word, token)

    def filler(self, word: str, token: re.Match[str]) -> bool:
        small = self.small
        if word in small.history:
            self.history = True
            return bool(self.depth or not self.values)
        if word in small.old:
            self.moving = True
            return not self.values
        if word in small.new:
            after_change = self.moving or self.changed
            self.changed = True if after_change else self.changed
            self.pending = not after_change and bool(self.values)
            return True
        if word in small.joins:
            self.pending = True
            return bool(self.values)
        if word in small.current or word in small.steady:
            self.current = True
            if word in small.current:
                self.end = token.end()
        if word in small.changed:
            self.changed = True
            return True
        return word in small.fillers or word in self.scale.names

    def value(self, number: int, token: re.Match[str]) -> bool:
        if self.values and not (self.pending or self.depth or self.changed or self.moving):
            # "Severity 2 3 shops": only a conjunction, an arrow or a parenthesis goes on.
            glue = self.text[self.end : token.start()]
            if glue.strip() not in ("-", "/", "–", "->", ":", ""):
                return False
            if not glue.strip() and not self.words_count:
                return False
            if glue.strip() in ("-", "–") and glue != glue.strip() and token["number"]:
                return False
        if self.history and self.depth:
            return True
        self.pending = False
        if number in self.scale.numbers:
            if self.moving and not self.changed:
                self.moving, self.changed = True, False
            # "Was 3" says nothing of what it is.
            self.values += [] if self.history else [number]
        elif not self.values:
            self.off = self.off if self.history else token[0]
        else:
            return bool(self.depth)
        self.end, self.history = token.end(), False
        return True
