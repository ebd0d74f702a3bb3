"""How our letters are set: 72 columns, rows with a label, times in words, quotations cut with "..."."""

import re
import textwrap
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from maild.reading.reading import Person, Value

WIDTH: Final = 72
LABEL: Final = 13
# Nobody is asked to type more than this at three in the morning.
MAX_TYPED: Final = 40
# White text on each is readable (contrast 4.5 and more); the words stand beside, always.
_COLOURS: Final = {1: "#b3261e", 2: "#b85400", 3: "#7d6600", 4: "#3a6ea5"}
_GREY: Final = "#5f6670"


def fill(text: str, indent: int = 0) -> str:
    """Fill a paragraph to 72 columns; addresses and URLs are longer rather than broken."""
    blank = " " * indent
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH,
        initial_indent=blank,
        subsequent_indent=blank,
        break_long_words=False,
        break_on_hyphens=False,
    )


def row(text: str, label: str = "") -> str:
    """Set a block beside its label: the label in column 3, the text from column 14 on.

    Lines of the text stay lines; each is filled by itself, its own indent kept.
    """
    lines = []
    for line in text.strip("\n").split("\n"):
        own = len(line) - len(line.lstrip())
        if len(line) + LABEL <= WIDTH:
            lines.append(" " * LABEL + line.rstrip())
        else:
            lines.append(fill(line, LABEL + own))
    head = f"  {label}".ljust(LABEL) if len(label) < LABEL - 2 else f"  {label} "
    if lines:
        lines[0] = head + lines[0].lstrip() if label else lines[0]
    return "\n".join(lines)


def quoted(words: str, limit: int = 160) -> str:
    """Give an author's words in double quotes, on one line, cut with "..." where they are long."""
    text = " ".join(words.split()).strip('"')
    if len(text) > limit:
        text = text[: limit - 4].rsplit(" ", 1)[0] + " ..."
    return f'"{text}"'


def clock(moment: datetime, zone: tzinfo, now: datetime | None = None) -> str:
    """Write a time of day with its zone, with the date where it is not that of `now`.

    Where the organisation's zone is not UTC, UTC stands behind it.
    """
    local = moment.astimezone(zone)
    day = ""
    if now is not None and local.date() != now.astimezone(zone).date():
        day = f"{local.day} {local:%B} "
    name = local.tzname() or ""
    if local.utcoffset() == timedelta():
        return f"{day}{local:%H:%M} {name if name and name[0] not in '+-' else 'UTC'}"
    named = name if name and name[0] not in "+-" else f"UTC{local:%z}"
    return f"{day}{local:%H:%M} {named} ({moment.astimezone(UTC):%H:%M} UTC)"


def span(length: timedelta) -> str:
    """Write a length of time: "1 h 28 min", "3 d 4 h"."""
    minutes = max(0, int(length.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min" if rest else "less than a minute"


def listed(words: list[str]) -> str:
    """Join words as one says them: "a", "a and b", "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def person(value: object) -> str:
    """Give a person's name, else the address."""
    return str(value) if isinstance(value, Person) else "nobody yet"


def shown(value: Value | None) -> str:
    """Write any value for people."""
    if value is None:
        return "not stated"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def colour(severity: int | None) -> str:
    """Give a severity's colour; grey where it is not stated or not among the first four."""
    return _COLOURS.get(severity or 0, _GREY)


def subject_of(summary: str, incident_id: str | None = None) -> str:
    """Write the subject of a thread: the same all the way through."""
    return f"[{incident_id}] {summary}" if incident_id else summary


def one_blank(text: str, most: int = 1) -> str:
    """Leave one blank line (or `most`) between blocks, none at the start, and end in a newline."""
    lines = [line.rstrip() for line in text.split("\n")]
    between = "\n" * (most + 1)
    return re.sub(rf"\n{{{most + 2},}}", between, "\n".join(lines)).strip("\n") + "\n"
