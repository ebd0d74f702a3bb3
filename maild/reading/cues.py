"""Cues: what takes the force of a value, and what makes a statement of it.

The way of the ConText algorithm (Harkema et al. 2009): a value counts where it stands as a
statement, and not under a cue (negated, historical, hypothetical, another's, a question) whose
reach, given by the rules, covers it. Nothing here knows what a severity is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from maild.reading.rules import Cue, CueRules
from maild.reading.statements import alternatives, clause_start

# "He was commander until noon, at severity 2": behind its comma a preposition begins no new statement.
_BY_PREPOSITION = re.compile(r",\s*(?:at|with|as|in|of|under|on)\s+(?:an?\s+|the\s+)?$", re.I)


_PREPOSITIONS = frozenset({"at", "in", "as", "of", "with"})


@dataclass(frozen=True, slots=True)
class _CompiledCue:
    kind: str
    reach: str
    pattern: re.Pattern[str]
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cues:
    """The compiled cues of a rule set."""

    cues: tuple[_CompiledCue, ...]
    stops: re.Pattern[str]
    openers: re.Pattern[str]
    frames: re.Pattern[str]
    changes: re.Pattern[str]
    unchanged: re.Pattern[str]
    harmless: re.Pattern[str]
    asking: re.Pattern[str]

    def over(self, field: str, sentence: str, start: int, end: int, but: str = "") -> str | None:
        """Name the kind of the first cue that takes the force of sentence[start:end], None if none.

        but: a kind that does not count. The words of a frame that leads to the value are no cues:
        "I would call this severity 4".
        """
        before, after = sentence[:start], sentence[end:]
        frame = self.frames.search(" ".join(before.split()[-7:])) if before else None
        if frame is not None and frame["frame"].count(" "):
            at = before.lower().rfind(frame["frame"].lower())
            before = before[:at] + before[at + len(frame["frame"]) :] if at >= 0 else before
        before = self.harmless.sub(" ", before)
        for cue in self.cues:
            if (cue.fields and field not in cue.fields) or cue.kind == but:
                continue
            if self._reaches(cue, before, after):
                return cue.kind
        return None

    def _reaches(self, cue: _CompiledCue, before: str, after: str) -> bool:
        if cue.reach == "sentence":
            return cue.pattern.search(after[-3:]) is not None
        if cue.reach == "backward":
            near = re.split(r"[,;()–]|:(?!\d)|\s-\s", after, maxsplit=1)[0]
            near = self.stops.split(near, maxsplit=1)[0]
            near = re.split(r"\s(?:as|since)\s", near, maxsplit=1)[0]
            return cue.pattern.search(near) is not None
        if cue.reach == "adjacent":
            found = _last(cue.pattern, before)
            return found is not None and not before[found.end() :].strip(" \n\"'#")
        if cue.kind in ("another", "historical") and self._remarked(cue, before):
            return True
        found = _last(cue.pattern, before)
        if found is None:
            return False
        between = _BY_PREPOSITION.sub("", before[found.end() :])
        ends = r";|:(?!\d)|–" if cue.reach == "far" else r"[,;()–]|:(?!\d)|\s-\s"
        return re.search(ends, between) is None and self.stops.search(between) is None

    def _remarked(self, cue: _CompiledCue, before: str) -> bool:
        """Whether a value stands in a remark on what the cue speaks of: "their ticket (severity 1)"."""
        opened = before.rfind("(")
        if opened < 0 or ")" in before[opened:]:
            return False
        found = _last(cue.pattern, re.split(r"[.,;:–)]\s", before[:opened])[-1])
        return found is not None

    def states_at_start(self, sentence: str, at: int) -> bool:
        """Whether a value begins its clause: nothing but openers ("still", "I think") before it."""
        prefix = sentence[clause_start(sentence, at) : at].strip(" \n\"'([*#>~.:-")
        return len(prefix) < 80 and self.openers.fullmatch(prefix) is not None

    def changed_to(self, sentence: str, start: int, end: int) -> bool:
        """Whether a change leads to the value: "was raised to severity 2" states 2."""
        near = " ".join(sentence[:start].split()[-6:])
        changed = _last(self.changes, near)
        if changed is not None and re.search(r"\bto\s*(?:an?\s*)?$", near[changed.end() :]):
            return True
        inside = _last(self.changes, sentence[start:end])
        return inside is not None

    def led_by_change(self, before: str) -> bool:
        """Whether a change stands right before: "escalated from severity 3 to", "raised from"."""
        near = " ".join(before.split()[-6:])
        changed = _last(self.changes, near)
        if changed is None:
            return False
        tail = near[changed.end() :]
        return re.fullmatch(r"[^,;:()]*\b(?:to|from)(?:\s+an?)?\s*", tail, re.I) is not None

    def framed(self, before: str, *, verbs: bool = False) -> bool:
        """Whether a frame ("this is a", "we treat it as") stands within a few words before.

        verbs: whether a bare preposition ("at") is none.
        """
        near = re.split(r"[;()–]|,\s", before)[-1]
        words = near.split()
        found = self.frames.search(" ".join(words[-7:]))
        return found is not None and not (verbs and found["frame"].lower() in _PREPOSITIONS)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return found[-1] if found else None


def compiled_cues(rules: CueRules, scales: Iterable[str]) -> Cues:
    """Compile the cues of a rule set, once; scales: the labels in front of a number."""
    words = rules.statement
    openers = alternatives(words.openers)
    frames = alternatives(words.frames)
    return Cues(
        tuple(_compiled(cue) for cue in rules.cue),
        re.compile(rf"(?<!\w)(?:{alternatives(words.stops)})(?!\w)", re.I),
        re.compile(rf"(?:(?:{openers}|(?:{alternatives(scales)})[ .:-]?\d)[\s,:.&/]*)*", re.I),
        re.compile(rf"(?<!\w)(?P<frame>{frames})(?:\s+[\w'-]+){{0,3}}[\s\"'#:]*$", re.I),
        re.compile(rf"(?<!\w)(?:{alternatives(words.changes)})(?!\w)", re.I),
        re.compile(rf"(?:{alternatives(words.unchanged)})(?!\w)", re.I),
        re.compile(rf"(?<!\w)(?:{alternatives(words.harmless)})(?!\w)", re.I),
        re.compile(rf"(?<!\w)(?:{alternatives(words.asking)})(?!\w)", re.I),
    )


def _compiled(cue: Cue) -> _CompiledCue:
    pattern = alternatives(cue.words)
    whole = pattern if cue.reach == "sentence" else rf"(?<![\w])(?:{pattern})(?!\w)"
    return _CompiledCue(cue.kind, cue.reach, re.compile(whole, re.I), frozenset(cue.fields))
