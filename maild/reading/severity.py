"""Severity: labelled ("Severity: High"), as a status ("SEV2 | ..."), or in prose ("this is a sev 1")."""

import re
from collections.abc import Iterable, Iterator

from maild.reading.cues import Cues
from maild.reading.grammar import alternatives, candidates
from maild.reading.reading import Reading, Strength
from maild.reading.rules import NameRules, SeverityRules
from maild.reading.scale import Phrase, Scale, scale
from maild.reading.statements import Labelled, Sentence, Where, in_quotes


class SeverityFinder:
    """Finds severities with the words of one rule set."""

    field = "severity"

    def __init__(self, rules: SeverityRules, names: NameRules, cues: Cues) -> None:
        self.rules = rules
        self.scale: Scale = scale(rules.step, rules.labels, cues.grammar, rules.short)
        self.labels = frozenset(rules.labels)
        self.nobody = frozenset(names.nobody)
        self.cues = cues
        words = alternatives(self.scale.words)
        labels = alternatives(rules.labels)
        short = "|".join(re.escape(letter) for letter in rules.short) or "(?!)"
        self.ahead = re.compile(
            rf"(?<![\w#@.-])(?<![^\d ]/)(?:{labels})(?:\.?[-_]?(?=\d)|\.?(?![\w-]))", re.I
        )
        self.behind = re.compile(rf"(?<![\w-])({words})[ \n-](?:{labels})(?![\w-])", re.I)
        self.short = re.compile(rf"(?:{short})-?\d")
        self.status = re.compile(rf"#?(?:{short})-?\d")
        self.follows = following((*rules.follows, *cues.kept), cues.words.closers)
        self.trigger = rules.labels

    def in_label(self, item: Labelled) -> tuple[list[Reading], int]:
        """Read a labelled value; the second is where the value ends in the text."""
        start = item.start + _leading_blanks(item.value)
        phrase = self.scale.labelled(item.text.plain, start, short=True)
        return read_phrase(self.field, item, phrase, start, self.nobody)

    def in_sentence(self, sentence: Sentence) -> Iterator[Reading]:
        """Find what a sentence states."""
        plain = sentence.plain
        for match in candidates(self.ahead, plain):
            at = match.start() if plain[match.end() : match.end() + 1].isdigit() else match.end()
            old = old_value(self.cues, plain, match.start())
            phrase = self.scale.phrase(plain, at, words=True, moving=old)
            begin = self.cues.with_article(plain, match.start(), match.end())
            if phrase.empty or (old and not phrase.moved):
                continue
            if self._states(sentence, begin, phrase):
                words = sentence.words(begin, phrase.end)
                yield from readings(self.field, phrase, words, Strength.PROSE, sentence.where)
        for match in candidates(self.behind, plain):
            number = self.scale.words[match[1].lower()]
            phrase = Phrase((number,), "", match.end())
            if not self.ahead.match(plain, match.start()) and self._states(
                sentence, match.start(), phrase
            ):
                words = sentence.words(match.start(), match.end())
                yield Reading(self.field, number, words, Strength.PROSE, sentence.where)

    def _states(self, sentence: Sentence, begin: int, phrase: Phrase) -> bool:
        plain = sentence.plain
        if sentence.start == 0 and begin == 0 and self._headline(plain, phrase):
            return self.cues.over(self.field, plain, begin, phrase.end) is None
        return states(self.field, self.cues, plain, begin, phrase, self.follows)

    def _headline(self, plain: str, phrase: Phrase) -> bool:
        """Whether a paragraph begins with "sev1 card payments dead": short, lower-case news."""
        first = plain[phrase.end :].split("\n")[0]
        return bool(phrase.numbers) and re.match(r"\s[a-z]", first) is not None and len(first) < 90


def following(words: Iterable[str], closers: Iterable[str]) -> re.Pattern[str]:
    """Compile what may follow a value that begins its clause: a word, a mark, or nothing.

    closers: what may stand between the value and the mark: "phase 1 already."
    """
    marks = r"$|[.,;:!?()|/\]–→&·•]|-\s|-{1,2}>|=>|\"|\n"
    closed = rf"(?:(?:{alternatives(closers)})\s*)?(?:{marks})"
    return re.compile(rf"\s*(?:{closed}|(?:{alternatives(words)})\b)", re.I)


def states(
    field: str, cues: Cues, plain: str, begin: int, phrase: Phrase, follows: re.Pattern[str]
) -> bool:
    """Whether a phrase of a sentence is a statement of the field (reading rules, section 3)."""
    if in_quotes(plain, begin, phrase.end):
        return False
    begins = cues.states_at_start(field, plain, begin)
    if begins and cues.shares_silence(field, plain, begin):
        return False
    hedge = phrase.hedged or plain[phrase.end :].strip(" .!)") == "?"
    if hedge and cues.asking.search(plain):
        return False
    end = phrase.end
    if begins and hedge and plain[end:].strip(" .!)?") == "":
        end = len(plain)
    elif phrase.hedged and not begins:
        # "Are we in phase 2?" is a question; "severity 2?" alone is a guess.
        end = plain.rfind("?", 0, phrase.end)
    changed = cues.changed_to(plain, begin, phrase.end)
    if cues.over(field, plain, begin, end, but="historical" if changed else "") is not None:
        return False
    if begins:
        rest = plain[phrase.end :]
        return (
            not cues.bound(field, rest) and follows.match(cues.harmless.sub(";", rest)) is not None
        )
    if cues.stays.match(plain, phrase.end):
        return True
    if changed or cues.led_by_change(plain[:begin]) or cues.framed(plain[:begin], verbs=True):
        return True
    # Behind a bare preposition only what ends there is a state: not "tripped at phase 3 overcurrent".
    return cues.framed(plain[:begin]) and follows.match(plain, phrase.end) is not None


def old_value(cues: Cues, plain: str, begin: int) -> bool:
    """Whether a value is the one that a change starts from: "from severity 3 to ..."."""
    return cues.grammar.from_value.search(plain, max(0, begin - 20), begin) is not None


def read_phrase(
    field: str, item: Labelled, phrase: Phrase, start: int, nobody: frozenset[str]
) -> tuple[list[Reading], int]:
    """Turn the phrase behind a label into readings: values, TBD, or words off the scale."""
    if not phrase.empty:
        words = item.text.words(item.at, phrase.end).strip()
        return list(readings(field, phrase, words, Strength.LABEL, item.where)), phrase.end
    head = head_words(item.text.plain[start : item.end])
    end = start + len(head)
    words = item.text.words(item.at, max(end, item.start)).strip()
    said = head.strip(" .,;()[]\"'").lower()
    if not said or said in nobody or head.strip() in nobody:
        return [Reading(field, None, words, Strength.LABEL, item.where, "missing")], end
    as_written = item.text.words(start, end).strip(" .,;")
    return [Reading(field, as_written, words, Strength.LABEL, item.where, "invalid")], end


def head_words(value: str) -> str:
    """Give the value up to the end of its first phrase."""
    return re.split(r"[.,;|\n(](?=\s|$)|[,;|\n(]|\s[-–]\s", value, maxsplit=1)[0]


def readings(
    field: str, phrase: Phrase, words: str, strength: Strength, where: Where
) -> Iterator[Reading]:
    """Give one reading for each value of a phrase; two of them are a conflict later on."""
    if phrase.current:
        yield Reading(field, None, words, strength, where, "current")
    for number in phrase.numbers:
        yield Reading(field, number, words, strength, where)
    if phrase.off:
        yield Reading(field, phrase.off, words, strength, where, "invalid")


def _leading_blanks(value: str) -> int:
    return len(value) - len(value.lstrip(" \t\n"))
