"""Phase: labelled ("Phase: Mitigate", "Status: Resolved"), or in prose ("we are in phase 2")."""

import re
from collections.abc import Iterator

from maild.reading.cues import Cues
from maild.reading.grammar import alternatives, candidates
from maild.reading.reading import Reading, Strength
from maild.reading.rules import NameRules, PhaseRules
from maild.reading.scale import Phrase, Scale, scale
from maild.reading.severity import following, old_value, read_phrase, readings, states
from maild.reading.statements import Labelled, Sentence


class PhaseFinder:
    """Finds phases with the words of one rule set."""

    field = "phase"

    def __init__(self, rules: PhaseRules, names: NameRules, cues: Cues) -> None:
        self.rules = rules
        self.scale: Scale = scale(rules.step, rules.labels, cues.grammar)
        self.labels = frozenset(rules.labels)
        self.status_labels = frozenset(rules.status_labels)
        self.nobody = frozenset(names.nobody)
        self.cues = cues
        labels = alternatives(rules.labels)
        words = alternatives(self.scale.words)
        self.ahead = re.compile(
            rf"(?<![\w#@.-])(?<![^\d ]/)(?:{labels})(?:(?=\d)|(?![\w])(?!-\w))", re.I
        )
        self.behind = re.compile(rf"(?<![\w-])({words})[ \n-](?:{labels})(?![\w-])", re.I)
        unlinked = alternatives(rules.unlinked)
        self.of_itself = re.compile(
            rf"\s+(?:{alternatives(rules.links)})\s+(?:{unlinked})(?!\w)", re.I
        )
        self.follows = following((*rules.follows, *cues.kept), cues.words.closers)
        own = alternatives(rules.own)
        self.of_another = re.compile(rf"\s*[-–]?\s*(?:{alternatives(rules.of)})\s+(?!{own})", re.I)
        short = alternatives(rules.short)
        self.short = re.compile(rf"(?<![\w#@.-])(?:{short})(?=[ .-]?\d(?!\w))")
        self.trigger = (*rules.labels, *rules.short)

    def in_label(self, item: Labelled) -> tuple[list[Reading], int]:
        """Read a labelled value; the second is where the value ends in the text."""
        value = item.value
        start = item.start + len(value) - len(value.lstrip(" \t\n"))
        phrase = self.scale.labelled(item.text.plain, start)
        return read_phrase(self.field, item, phrase, start, self.nobody)

    def in_sentence(self, sentence: Sentence) -> Iterator[Reading]:
        """Find what a sentence states."""
        plain = sentence.plain
        for match in (*candidates(self.ahead, plain), *self._behind_severity(plain)):
            old = old_value(self.cues, plain, match.start())
            phrase = self._phrase(plain, match.end(), old)
            if phrase.empty or (old and not phrase.moved):
                continue
            if self.of_another.match(plain, phrase.end):
                continue
            begin = self.cues.with_article(plain, match.start(), match.end())
            if states(self.field, self.cues, plain, begin, phrase, self.follows):
                words = sentence.words(begin, phrase.end)
                yield from readings(self.field, phrase, words, Strength.PROSE, sentence.where)
        for match in candidates(self.behind, plain):
            number = self.scale.words[re.sub(r"\s+", " ", match[1].lower())]
            phrase = Phrase((number,), "", match.end())
            if states(self.field, self.cues, plain, match.start(), phrase, self.follows):
                words = sentence.words(match.start(), match.end())
                yield Reading(self.field, number, words, Strength.PROSE, sentence.where)

    def _behind_severity(self, plain: str) -> Iterator[re.Match[str]]:
        """List the short labels that follow another value at once: "sev2 ph1"."""
        for match in candidates(self.short, plain):
            if self.cues.graded.search(plain, max(0, match.start() - 20), match.start()):
                yield match

    def _phrase(self, plain: str, at: int, old: bool) -> Phrase:
        """Read the phrase behind "phase": a number, or a word with which its clause ends.

        "We are in phase monitoring" and "phase is containment" count; "at this phase monitoring
        helps" does not, nor does "the phase is closed", which speaks of the phase itself.
        """
        phrase = self.scale.phrase(plain, at, words=False, moving=old)
        if not phrase.empty:
            return phrase
        named = self.scale.phrase(plain, at, words=True)
        counts = self.follows.match(plain, named.end) and not self.of_itself.match(plain, at)
        return named if counts else phrase

    def tag(self, text: str) -> int | None:
        """Give the phase that a subject tag names, None where it is no word of the table."""
        return self.scale.words.get(re.sub(r"\s+", " ", text.strip().lower()))
