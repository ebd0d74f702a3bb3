"""What a heading sets apart: "Timeline" of earlier states, "Plan" of later ones, "Example" of none."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from maild.reading.grammar import alternatives
from maild.reading.rules import StatementWords
from maild.reading.statements import comparable

MAX_HEADING: Final = 80

_DAY = r"(?:\d{4}-\d{2}-\d{2}[T ,]*|\d{1,2}[./]\d{1,2}[./]?(?:\d{2,4})?,?\s+|(?:[^\W\d_]{3,9}\.?\s+\d{1,2}|\d{1,2}\.?\s+[^\W\d_]{3,9}),?\s+)?"
_POINT = re.compile(r"\s*(?:[-*•+>→]|\d{1,2}[.)]|\[[ x]\])\s")

# What stands in front of the beginning of a line, a sentence, or a part behind a dash.
_BEGINS = re.compile(r"(?:\A|\n|[.;!?:|]\s|\s[-–]\s|[\[(])\s*$")

Lines = Sequence[str]


class OtherTimes:
    """Leaves out of a text what stands below the headings of a rule set, or behind them in their line."""

    def __init__(self, words: StatementWords, minutes: Iterable[str]) -> None:
        self.timeline = _heading(words.timelines, words.timeline_remarks)
        self.plan = _heading(words.plans, words.timeline_remarks)
        self.sample = _heading(words.samples, words.timeline_remarks)
        every = (*words.timelines, *words.plans, *words.samples)
        self.any = _heading(every, words.timeline_remarks)
        # "Template" tells of "incident template" too, and "incident" of too much.
        telling = {phrase for phrase in words.samples if " " not in phrase}
        others = (phrase.split() for phrase in words.samples)
        telling |= {max(pieces, key=len) for pieces in others if telling.isdisjoint(pieces)}
        self.telling = tuple((word, re.compile(rf"{re.escape(word)}(?!\w)")) for word in telling)
        samples = alternatives(words.samples)
        self.sampled = re.compile(
            rf"(?<!\w)(?:(?<=[\[(])(?:{samples})[\])]|(?:{samples})\s*(?:[:=,|–]|\s-\s))", re.I
        )
        self.timed = re.compile(
            rf"[\s>•·|(\[+-]*+{_DAY}"
            rf"(?:\d{{1,2}}[:.h]\d{{2}}(?!\d)|\d{{1,2}}\s?[ap]\.?m\b|[+-]\d{{1,3}}\s?(?:{alternatives(minutes)})|T\s?[+-]\s?\d)",
            re.I,
        )

    def without(self, lines: Lines) -> tuple[Lines, Lines]:
        """Take the timed lines of timelines and the points of plans out; the second are these."""
        told: list[str] = []
        short = [comparable(line).plain for line in lines if 0 < len(line) < MAX_HEADING]
        short = list(filter(self.any.fullmatch, short))
        if any(map(self.timeline.fullmatch, short)):
            lines = self._without_timeline(lines, told.append)
        if any(map(self.plan.fullmatch, short)):
            lines = self._without_plan(lines, told.append)
        if any(map(self.sample.fullmatch, short)):
            lines = self._without_sample(lines, told.append)
        return lines, told

    def may_hold_samples(self, text: str) -> bool:
        """Whether a text may hold an example: the pattern of all is slow, "in" is fast."""
        lower = text.lower()
        return any(word in lower and whole.search(lower) for word, whole in self.telling)

    def samples(self, plain: str) -> tuple[tuple[int, int], ...]:
        """Find the spans of a paragraph that begin as an example, up to the ends of their lines."""
        found = (
            (match.start(), plain.find("\n", match.end()))
            for match in self.sampled.finditer(plain)
            if _BEGINS.search(plain, max(0, match.start() - 10), match.start())
        )
        return tuple((start, end if end >= 0 else len(plain)) for start, end in found)

    def _without_sample(self, lines: Lines, tell: Callable[[str], None]) -> Lines:
        """Leave out what stands below the heading of an example, up to the next blank line."""
        kept: list[str] = []
        inside = begun = False
        for line in lines:
            heads = _heads(line, self.sample)
            if heads:
                inside, begun = True, False
            elif begun and not line.strip():
                inside = False
            left_out = inside and not heads
            begun = begun or (left_out and bool(line.strip()))
            kept.append("" if left_out else line)
            if left_out and line.strip():
                tell(line)
        return kept

    def _without_timeline(self, lines: Lines, tell: Callable[[str], None]) -> Lines:
        """Leave out the timed lines below a timeline's heading.

        The first line that neither is timed, nor goes on with one (indented, or without a blank
        line between), ends the timeline.
        """
        kept: list[str] = []
        inside = timed = False
        for line in lines:
            left_out = False
            if _heads(line, self.timeline):
                inside, timed = True, False
            elif inside and self.timed.match(comparable(line).plain):
                timed = left_out = True
            elif inside and line.strip():
                inside = left_out = timed and (line[:1] in " \t" or not _begins_anew(line))
            elif not line.strip():
                timed = False
            kept.append("" if left_out else line)
            if left_out:
                tell(line)
        return kept

    def _without_plan(self, lines: Lines, tell: Callable[[str], None]) -> Lines:
        """Leave out the bulleted, numbered or timed lines below a plan's heading."""
        kept: list[str] = []
        inside = False
        for line in lines:
            left_out = False
            if _heads(line, self.plan):
                inside = True
            elif inside and line.strip():
                point = _POINT.match(line) or self.timed.match(comparable(line).plain)
                inside = left_out = bool(point) or line[:1] in " \t"
            kept.append("" if left_out else line)
            if left_out:
                tell(line)
        return kept


def _heading(words: Iterable[str], remarks: Iterable[str]) -> re.Pattern[str]:
    """Compile the headings of a rule set: "Timeline", "## Timeline (UTC):"."""
    return re.compile(
        rf"[\s>#_=•|-]*(?:{alternatives(words)})\s*(?:\([^()]{{0,40}}\)|,?\s*(?:{alternatives(remarks)})|\[[^\[\]]{{0,40}}\])?\s*[:_=|-]*\s*",
        re.I,
    )


def _heads(line: str, heading: re.Pattern[str]) -> bool:
    return len(line) < MAX_HEADING and heading.fullmatch(comparable(line).plain) is not None


def _begins_anew(line: str) -> bool:
    """Whether a line is a field ("IC: me") rather than the rest of the line above."""
    plain = comparable(line).plain
    return re.match(r"\s*[^\W\d_][\w ()/-]{0,40}[:=|]", plain) is not None
