"""Lists below a heading that tell of other times: "Timeline" of earlier states, "Plan" of later ones."""

import re
from collections.abc import Iterable, Sequence

from maild.reading.statements import alternatives, comparable

_TIMED = re.compile(
    r"[\s>•·|(\[+-]*(?:\d{4}-\d{2}-\d{2}[T ,]*|\d{1,2}[./]\d{1,2}[./]?(?:\d{2,4})?,?\s+|(?:[a-z]{3,9}\.?\s+\d{1,2}|\d{1,2}\.?\s+[a-z]{3,9}),?\s+)?"
    r"(?:\d{1,2}[:.h]\d{2}(?!\d)|\d{1,2}\s?[ap]\.?m\b|[+-]\d{1,3}\s?min|T\s?[+-]\s?\d)",
    re.I,
)


_POINT = re.compile(r"\s*(?:[-*•+>→]|\d{1,2}[.)]|\[[ x]\])\s")


def headings(words: Iterable[str]) -> re.Pattern[str]:
    """Compile the headings of a rule set: "Timeline", "## Timeline (UTC):"."""
    return re.compile(
        rf"[\s>#*_=•|-]*(?:{alternatives(words)})\s*(?:\([^()]{{0,40}}\)|,?\s*all times [\w/ ]{{1,20}}|\[[^\[\]]{{0,40}}\])?\s*[:*_=|-]*\s*",
        re.I,
    )


def without_timeline(lines: Sequence[str], heading: re.Pattern[str]) -> tuple[Sequence[str], bool]:
    """Leave out the timed lines below a timeline's heading; say whether there were any.

    The first line that neither is timed, nor goes on with one (indented, or without a blank line
    between), ends the timeline.
    """
    kept: list[str] = []
    inside = timed = told = False
    for line in lines:
        plain = comparable(line).plain
        if len(plain) < 80 and heading.fullmatch(plain):
            inside, timed = True, False
        elif inside and _TIMED.match(plain):
            timed = told = True
            line = ""
        elif inside and plain.strip():
            inside = timed and (line[:1] in " \t" or not _begins_anew(plain))
            line = "" if inside else line
        elif not plain.strip():
            timed = False
        kept.append(line)
    return (kept, True) if told else (lines, False)


def without_plan(lines: Sequence[str], heading: re.Pattern[str]) -> tuple[Sequence[str], bool]:
    """Leave out the bulleted, numbered or timed lines below a plan's heading; say whether there were any."""
    kept: list[str] = []
    inside = told = False
    for line in lines:
        plain = comparable(line).plain
        point = _POINT.match(line) is not None or _TIMED.match(plain) is not None
        if len(plain) < 80 and heading.fullmatch(plain):
            inside = True
        elif plain.strip():
            inside = inside and (point or line[:1] in " \t")
            told = told or inside
            line = "" if inside else line
        kept.append(line)
    return (kept, True) if told else (lines, False)


def _begins_anew(plain: str) -> bool:
    """Whether a line is a field ("IC: me") rather than the rest of the line above."""
    return re.match(r"\s*[^\W\d_][\w ()/-]{0,40}[:=|]", plain) is not None
