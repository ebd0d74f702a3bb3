"""Phase: labelled ("Phase: Mitigate", "Status: Resolved"), or in prose ("we are in phase 2")."""

import re
from collections.abc import Iterator

from maild.reading.cues import Cues
from maild.reading.reading import Reading, Strength
from maild.reading.rules import NameRules, PhaseRules
from maild.reading.scale import Phrase, Scale, scale
from maild.reading.severity import old_value, read_phrase, readings, states, with_article
from maild.reading.statements import Labelled, Sentence, alternatives

_FOLLOWS = re.compile(
    r"\s*(?:$|[.,;:!?()|/\]–→&·•]|-\s|-{1,2}>|=>|\"|\n|(?:and|but|since|because|as|until|at|now|still|again|i|we|i'm|we're|so|with|from|by|"
    r"ic|sev|severity|incident|channel|bridge|slack|here|please|it|this|the incident|just|today|right|or|also|effective|while|given|then|for now|for the|for us|for our|confirmed|coordinating|join|my|everybody|everyone|of the incident|of the response|of this incident|of our|all)\b)",
    re.I,
)


class PhaseFinder:
    """Finds phases with the words of one rule set."""

    field = "phase"

    def __init__(self, rules: PhaseRules, names: NameRules, cues: Cues) -> None:
        self.rules = rules
        self.scale: Scale = scale(rules.step, rules.labels)
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
        going_on = alternatives(
            w for w in self.scale.words if w not in ("closed", "resolved", "review")
        )
        self.is_word = re.compile(
            rf"(?<![\w-])(?:{labels})\s+(?:is\s+now|is\s+still|is|now)\s+(?P<word>{going_on})(?![\w-])",
            re.I,
        )
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
        for match in self.ahead.finditer(plain):
            old = old_value(plain, match.start())
            phrase = self.scale.phrase(plain, match.end(), words=False, moving=old)
            if (
                phrase.empty
                or (old and not phrase.moved)
                or re.match(
                    r"\s*[-–]?\s*of\s+(?!the\s+(?:incident|response)|this|our)", plain[phrase.end :]
                )
            ):
                continue
            begin = with_article(plain, match.start(), match.end())
            if states(self.field, self.cues, plain, begin, phrase, _FOLLOWS):
                words = sentence.words(begin, phrase.end)
                yield from readings(self.field, phrase, words, Strength.PROSE, sentence.where)
        yield from self._in_a_word(sentence)
        for match in self.behind.finditer(plain):
            number = self.scale.words[re.sub(r"\s+", " ", match[1].lower())]
            phrase = Phrase((number,), "", match.end())
            if states(self.field, self.cues, plain, match.start(), phrase, _FOLLOWS):
                words = sentence.words(match.start(), match.end())
                yield Reading(self.field, number, words, Strength.PROSE, sentence.where)

    def _in_a_word(self, sentence: Sentence) -> Iterator[Reading]:
        """Read "Phase is containment"; "the phase is closed" may speak of the phase itself."""
        plain = sentence.plain
        for match in self.is_word.finditer(plain):
            number = self.scale.words[re.sub(r"\s+", " ", match["word"].lower())]
            phrase = Phrase((number,), "", match.end())
            begins = self.cues.states_at_start(plain, match.start())
            if begins and states(self.field, self.cues, plain, match.start(), phrase, _FOLLOWS):
                words = sentence.words(match.start(), match.end())
                yield Reading(self.field, number, words, Strength.PROSE, sentence.where)

    def tag(self, text: str) -> int | None:
        """Give the phase that a subject tag names, None where it is no word of the table."""
        return self.scale.words.get(re.sub(r"\s+", " ", text.strip().lower()))
