"""Cues: what takes the force of a value, and what makes a statement of it.

The way of the ConText algorithm (Harkema et al. 2009): a value counts where it stands as a
statement, and not under a cue (negated, historical, hypothetical, another's, a question) whose
reach, given by the rules, covers it. Nothing here knows what a severity is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from maild.mail.phrases import Kinds
from maild.reading.grammar import MARKS, Grammar, alternatives
from maild.reading.rules import Cue, CueRules, StatementWords
from maild.reading.statements import REACH, clause_start
from maild.reading.unchanged import Unchanged

_CLAUSE_END = re.compile(r"[,;()–]|:(?!\d)|\s-\s")
# Fields beside each other are ours; but a row that begins with a ticket may be all its own.
_NEAR_END = re.compile(rf"{_CLAUSE_END.pattern}|[.!?]\s|[|·•]|\s/\s")
_MARKS = re.compile(MARKS)
_PLACE = re.compile(r"#\w[\w-]*|https?://\S+")
_FAR_END = re.compile(r";|:(?!\d)|–")


@dataclass(frozen=True, slots=True)
class _CompiledCue:
    kind: str
    reach: str
    pattern: re.Pattern[str]
    fields: frozenset[str]


class Cues:
    """The compiled cues of a rule set."""

    def __init__(self, rules: CueRules, grammar: Grammar, scales: Iterable[str]) -> None:
        self.words = words = rules.statement
        openers, frames = alternatives(words.openers), alternatives(words.frames)
        self.cues = tuple(_compiled(cue) for cue in rules.cue)
        # The cues whose words a text has: the patterns of all are slow, and most texts have none.
        self.told = Kinds({i: cue.words for i, cue in enumerate(rules.cue)})
        self.grammar = grammar
        self.stops = _phrases(words.stops)
        self.changes = _phrases(words.changes)
        self.harmless = _phrases(words.harmless)
        self.asking = _phrases(words.asking)
        self.openers = re.compile(
            rf"(?:(?:{openers}|(?:{alternatives(scales)})(?:[ .:-]?\d(?:[-–]\d)?|\s(?:{alternatives(grammar.numbers)})\b))[\s,:.&/|·•]*)*",
            re.I,
        )
        self.graded = re.compile(
            rf"(?P<value>(?<!\w)(?:{alternatives(scales)})(?:[ .:-]{{0,2}}\d|\s(?:{alternatives(grammar.numbers)})))[\s,:.&/|·•]*$",
            re.I,
        )
        self.frames = re.compile(
            rf"(?<!\w)(?P<frame>{frames})(?:\s+[\w'-]+){{0,3}}[\s\"'#:]*$", re.I
        )
        self.remark = re.compile(
            rf"(?<!\w)(?:{alternatives(scales)})[ .:-]{{0,2}}\d\s*(\([^()]*\))", re.I
        )
        self.unchanged = Unchanged(words, grammar)
        self._compile(words, grammar)

    def _compile(self, words: StatementWords, grammar: Grammar) -> None:
        """Compile the small words around a value."""
        self.news = re.compile(rf"[^\W\d_]\s+(?:{alternatives(words.news)})\s*$", re.I)
        self.prepositions = frozenset(words.prepositions)
        article = rf"(?:(?:{grammar.articles})\s+)?"
        # "I was commander until noon, at severity 2": behind its comma a preposition begins no new statement.
        self.by_preposition = re.compile(
            rf",\s*(?:{alternatives(words.prepositions)})\s+{article}$", re.I
        )
        self.kept = (*words.unchanged, *words.kept)
        self.stays = re.compile(rf"\s+(?:{alternatives(self.kept)})(?!\w)", re.I)
        self.reasons = re.compile(rf"\s(?:{alternatives(words.reasons)})\s", re.I)
        self.determiner = re.compile(rf"(?<!\w)(?:{alternatives(words.determiners)})\s+$", re.I)
        # "Severity 1 remains a worry", "the fear is still severity 1"
        worries, verbs = alternatives(words.worries), alternatives(words.verbs)
        determiners = rf"{alternatives(words.determiners)}|{grammar.articles}"
        self.feared_behind = re.compile(
            rf"\s+(?:(?:{verbs})|\w+\s+be)(?:\s+\w+)?\s+(?:{determiners})(?:\s+[\w-]+)?\s+(?:{worries})(?!\w)",
            re.I,
        )
        self.feared = re.compile(
            rf"(?<!\w)(?:{worries})\s+(?:{verbs})(?:\s+(?!(?:{grammar.join})\s)\w+){{0,2}}\s+$",
            re.I,
        )
        self.verb = re.compile(rf"\s+(?:{alternatives(words.verbs)})\b", re.I)

    def over(self, field: str, sentence: str, start: int, end: int, but: str = "") -> str | None:
        """Name the kind of the first cue that takes the force of sentence[start:end], None if none.

        but: a kind that does not count. The words of a frame that leads to the value are no cues:
        "I would call this severity 4"; a cue that begins before the frame is one: "we can move to
        phase 2".
        """
        if "#" in sentence or "://" in sentence:
            # "Channel #inc-alarm": the words of a place's name are no cues.
            sentence = _PLACE.sub(lambda found: "x" * len(found[0]), sentence)
        before, after = sentence[max(0, start - REACH) : start], sentence[end : end + REACH]
        frame = self.frames.search(" ".join(before.split()[-7:])) if before else None
        bare, at = before, 0
        if frame is not None and frame["frame"].count(" "):
            at = max(before.lower().rfind(frame["frame"].lower()), 0)
            # "We have left phase 1 and are now in phase 2": the "now" of a frame still stops a cue.
            stop = self.stops.search(frame["frame"])
            bare = before[:at] + (stop[0] if stop else "") + before[at + len(frame["frame"]) :]
        if self.feared_behind.match(after) or self.feared.search(before, max(0, len(before) - 60)):
            return "hypothetical"
        bare, before = self._without_harmless(bare), self._without_harmless(before)
        near = self._near(after)
        told, told_near = self.told.of(bare), self.told.of(near)
        if at:
            told |= self.told.of(before)
        for i, cue in enumerate(self.cues):
            if (cue.fields and field not in cue.fields) or cue.kind == but:
                continue
            if cue.reach == "sentence":
                reaches = cue.pattern.search(after[-3:]) is not None
            elif cue.reach == "next":
                reaches = cue.pattern.match(after.lstrip(" \n\"')")) is not None
            elif cue.reach == "backward":
                reaches = i in told_near and cue.pattern.search(near) is not None
            else:
                reaches = i in told and (
                    self._reaches(cue, bare) or (at > 0 and self._reaches(cue, before, at))
                )
            if reaches:
                return cue.kind
        return None

    def _near(self, after: str) -> str:
        """Give what stands behind a value in its own clause: so far a cue reaches backward."""
        near = _NEAR_END.split(after, maxsplit=1)[0]
        near = self.stops.split(near, maxsplit=1)[0]
        return self.reasons.split(near, maxsplit=1)[0].rstrip()

    def _without_harmless(self, text: str) -> str:
        """Blank what takes no force from what follows, and the remarks on other values."""
        if ")" in text:
            text = self.remark.sub(lambda found: found[0].replace(found[1], " "), text)
        return self.harmless.sub(lambda found: " " * len(found[0]), text)

    def _reaches(self, cue: _CompiledCue, before: str, begins_before: int | None = None) -> bool:
        found = _last(cue.pattern, before, begins_before) if before else None
        if cue.reach == "adjacent":
            next_to = found is not None and not before[found.end() :].strip(" \n\"'#")
            return next_to and self.graded.search(before) is None
        if found is None:
            return False
        if cue.kind in ("another", "historical") and _remarked(cue, before):
            return True
        between = self.by_preposition.sub("", before[found.end() :])
        ends = _FAR_END if cue.reach == "far" else _CLAUSE_END
        return ends.search(between) is None and self.stops.search(between) is None

    def states_at_start(self, field: str, sentence: str, at: int) -> bool:
        """Whether a value begins its clause: nothing but openers ("still", "I think") before it.

        Or news and a colon: "Tills down: severity 1", "Ben is right and Ana agrees: severity 1", but
        not "Vendor down: severity 1".
        """
        begin = clause_start(sentence, at, self.grammar)
        prefix = sentence[begin:at].strip(" \n\"'([*#>~.:-")
        if len(prefix) < 80 and self.openers.fullmatch(prefix) is not None:
            return True
        head, colon, rest = sentence[max(0, at - REACH) : at].rpartition(":")
        if not colon or len(rest) > 80:
            return False
        head = _MARKS.split(head)[-1]
        if head.count(" ") <= 3 and not self.news.search(head):
            return False
        openers = self.openers.fullmatch(rest.strip(" \n\"'"))
        return openers is not None and self.over(field, head, len(head), len(head)) is None

    def shares_silence(self, field: str, sentence: str, at: int) -> bool:
        """Whether a value goes on with one that states nothing: "the bank's call: severity 1, phase 2".

        What is denied of the one is not denied of the other: "not a severity 1, phase 2".
        """
        if not sentence[:at].rstrip().endswith(","):
            return False
        before = self.graded.search(sentence, max(0, at - 40), at)
        if before is None:
            return False
        start = before.start()
        if self.states_at_start(field, sentence, start):
            return False
        kind = self.over(field, sentence, start, before.end("value"))
        if kind is not None:
            return kind != "negated"
        return not (self.changed_to(sentence, start, at) or self.framed(sentence[:start]))

    def changed_to(self, sentence: str, start: int, end: int) -> bool:
        """Whether a change leads to the value: "was raised to severity 2" states 2."""
        near = " ".join(sentence[:start].split()[-6:])
        changed = _last(self.changes, near)
        if changed is not None and self.grammar.to_value.search(near, changed.end()):
            return True
        inside = _last(self.changes, sentence[start:end])
        return inside is not None

    def led_by_change(self, before: str) -> bool:
        """Whether a change stands right before: "escalated from severity 3 to", "raised from"."""
        near = " ".join(before.split()[-6:])
        changed = _last(self.changes, near)
        if changed is None or re.search(r"[,;:()]", near[changed.end() :]):
            return False
        either = (self.grammar.to_value, self.grammar.from_value)
        return any(pattern.search(near, changed.end()) for pattern in either)

    def framed(self, before: str, *, verbs: bool = False) -> bool:
        """Whether a frame ("this is a", "we treat it as") stands within a few words before.

        verbs: whether a bare preposition ("at") is none.
        """
        near = re.split(r"[;()–]|,\s", before[-REACH:])[-1]
        found = self.frames.search(" ".join(near.split()[-7:]))
        return found is not None and not (verbs and found["frame"].lower() in self.prepositions)

    def with_article(self, plain: str, begin: int, end: int) -> int:
        """Say where "the severity is set to 1" begins: with its article, if a verb follows the label."""
        article = self.determiner.search(plain, max(0, begin - 20), begin)
        return article.start() if article and self.verb.match(plain, end) else begin

    def bound(self, field: str, after: str) -> bool:
        """Whether a remark in parentheses takes the force off: "Severity 1 (if the backup fails)"."""
        remark = re.match(r"\s*\(([^()]{1,200})", after)
        return remark is not None and self.over(
            field, remark[1], len(remark[1]), len(remark[1])
        ) in ("another", "hypothetical")


def _last(
    pattern: re.Pattern[str], text: str, begins_before: int | None = None
) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(text):
        if begins_before is None or match.start() < begins_before:
            found = match
    return found


def _remarked(cue: _CompiledCue, before: str) -> bool:
    """Whether a value stands in a remark on what the cue speaks of: "their ticket (severity 1)"."""
    opened = before.rfind("(")
    if opened < 0 or ")" in before[opened:]:
        return False
    clause = re.split(r"[.,;:–)]\s", before[:opened])[-1]
    return cue.pattern.search(clause) is not None


def _phrases(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{alternatives(words)})(?!\w)", re.I)


def _compiled(cue: Cue) -> _CompiledCue:
    pattern = alternatives(cue.words)
    whole = pattern if cue.reach == "sentence" else rf"(?<![\w])(?:{pattern})(?!\w)"
    return _CompiledCue(cue.kind, cue.reach, re.compile(whole, re.I), frozenset(cue.fields))
