"""Phase: labelled ("Phase: Mitigate", "Status: Resolved"), or in prose ("we are in phase 2")."""

import re
from collections.abc import Iterator

from maild.reading.grammar import alternatives, candidates
from maild.reading.reading import Reading, Strength
from maild.reading.rules import NameRules, PhaseRules
from maild.reading.scale import Phrase, Scale, scale
from maild.reading.severity import following, read_phrase, readings, states
from maild.reading.statements import Cues, Labelled, Sentence


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
        self.ahead = re.compile(rf"(?<![\w#/@.-])(?:{labels})(?![\w])(?!-\w)", re.I)
        self.behind = re.compile(rf"(?<![\w-])({words})[ \n-](?:{labels})(?![\w-])", re.I)
        self.follows = following(rules.follows)
        own = alternatives(rules.own)
        self.of_another = re.compile(rf"\s*[-–]?\s*(?:{alternatives(rules.of)})\s+(?!{own})", re.I)
        self.trigger = frozenset(word for label in rules.labels for word in label.split()[:1])

    def in_label(self, item: Labelled) -> tuple[list[Reading], int]:
        """Read a labelled value; the second is where the value ends in the text."""
        value = item.value
        start = item.start + len(value) - len(value.lstrip(" \t\n"))
        phrase = self.scale.phrase(item.text.plain, start, words=True)
        return read_phrase(self.field, item, phrase, start, self.nobody)

    def in_sentence(self, sentence: Sentence) -> Iterator[Reading]:
        """Find what a sentence states."""
        plain = sentence.plain
        for match in candidates(self.ahead, plain):
            phrase = self.scale.phrase(plain, match.end(), words=False)
            if phrase.empty:
                # "we are in phase monitoring", and not "at this phase monitoring helps"
                named = self.scale.phrase(plain, match.end(), words=True)
                phrase = named if self.follows.match(plain, named.end) else phrase
            if phrase.empty or self.of_another.match(plain, phrase.end):
                continue
            if states(self.field, self.cues, plain, match.start(), phrase, self.follows):
                words = sentence.words(match.start(), phrase.end)
                yield from readings(self.field, phrase, words, Strength.PROSE, sentence.where)
        for match in candidates(self.behind, plain):
            number = self.scale.words[re.sub(r"\s+", " ", match[1].lower())]
            phrase = Phrase((number,), "", match.end())
            if states(self.field, self.cues, plain, match.start(), phrase, self.follows):
                words = sentence.words(match.start(), match.end())
                yield Reading(self.field, number, words, Strength.PROSE, sentence.where)

    def tag(self, text: str) -> int | None:
        """Give the phase that a subject tag names, None where it is no word of the table."""
        return self.scale.words.get(re.sub(r"\s+", " ", text.strip().lower()))
