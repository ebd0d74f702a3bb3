"""Lists below a heading that tell of other times: "Timeline" of earlier states, "Plan" of later ones."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from maild.reading.grammar import alternatives
from maild.reading.rules import StatementWords
from maild.reading.statements import comparable

MAX_HEADING: Final = 80

_DAY = r"(?:\d{4}-\d{2}-\d{2}[T ,]*|\d{1,2}[./]\d{1,2}[./]?(?:\d{2,4})?,?\s+|(?:[^\W\d_]{3,9}\.?\s+\d{1,2}|\d{1,2}\.?\s+[^\W\d_]{3,9}),?\s+)?"
_POINT = re.compile(r"\s*(?:[-*•+>→]|\d{1,2}[.)]|\[[ x]\])\s")

Lines = Sequence[str]


class OtherTimes:
    """Leaves out of a text what stands below the headings of a rule set."""

    def __init__(self, words: StatementWords, minutes: Iterable[str]) -> None:
        self.timeline = _heading(words.timelines, words.timeline_remarks)
        self.plan = _heading(words.plans, words.timeline_remarks)
        self.timed = re.compile(
            rf"[\s>•·|(\[+-]*+{_DAY}"
            rf"(?:\d{{1,2}}[:.h]\d{{2}}(?!\d)|\d{{1,2}}\s?[ap]\.?m\b|[+-]\d{{1,3}}\s?(?:{alternatives(minutes)})|T\s?[+-]\s?\d)",
            re.I,
        )

    def without(self, lines: Lines) -> tuple[Lines, Lines]:
        """Take the timed lines of timelines and the points of plans out; the second are these."""
        told: list[str] = []
        short = [comparable(line).plain for line in lines if 0 < len(line) < MAX_HEADING]
        if any(map(self.timeline.fullmatch, short)):
            lines = self._without_timeline(lines, told.append)
        if any(map(self.plan.fullmatch, short)):
            lines = self._without_plan(lines, told.append)
        return lines, told

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
