"""The -request mail: its lines to commands, and commands to what they change and what is answered.

One command a line; `#` begins a comment; a signature or quoted text ends the commands. The tables
below are the whole language: a verb, how the rest of its line is read, and how it is written.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from maild.roster.subscription import Choices, DigestKind, Mode

MAX_UNKNOWN: Final = 5
MAX_COMMANDS: Final = 20
MAX_LINE: Final = 200


@dataclass(frozen=True, slots=True)
class Help:
    """What can be written."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Put the author on the roster, with these choices."""

    choices: Choices


@dataclass(frozen=True, slots=True)
class Change:
    """Change what the author receives."""

    choices: Choices


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Take the author off the roster; token: proves that the mail is his, "" where he gives none."""

    token: str = ""


@dataclass(frozen=True, slots=True)
class Confirm:
    """The answer to our mail that asked whether a change is wanted."""


@dataclass(frozen=True, slots=True)
class WhoAmI:
    """Who the author is to us: his address, his choices, whether he may post."""


@dataclass(frozen=True, slots=True)
class Status:
    """The incidents that are open."""


@dataclass(frozen=True, slots=True)
class Show:
    """One incident as the digest tells it."""

    incident: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Every change of one incident."""

    incident: str


@dataclass(frozen=True, slots=True)
class Brief:
    """One incident on one screen."""

    incident: str


@dataclass(frozen=True, slots=True)
class DigestOf:
    """What has moved since a moment; None: since the last digest."""

    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Full text over what went to the list."""

    words: str


@dataclass(frozen=True, slots=True)
class OwnersOnly:
    """A command that only the people who run the list may use; verb: what was asked."""

    verb: str


@dataclass(frozen=True, slots=True)
class Misread:
    """A verb that we know, followed by what makes no sense behind it."""

    verb: str


Query = Status | Show | Timeline | Brief | DigestOf | Search
Command = Help | Subscribe | Change | Unsubscribe | Confirm | WhoAmI | Query | OwnersOnly | Misread


@dataclass(frozen=True, slots=True)
class Line:
    """A line as written, and its command; None where it is none."""

    text: str
    command: Command | None


Rest = Callable[[str, datetime], Command | None]

_CHOICE = re.compile(
    r"(?P<off>no digest|digest (?:none|off))"
    r"|(?:digest )?(?P<digest>daily|weekly)(?: digest)?"
    r"|(?:mode )?(?P<mode>immediate|updates|none)"
    r"|sev(?:erity)? ?(?:<=|=<|≤|=|:)? ?(?P<severity>\d|all)"
)
_BETWEEN = re.compile(r"(?:,| and )? ?|$")
_ID = re.compile(r"\[?(?:INC-)?(?:(\d{4})-)?(\d{1,9})\]?", re.I)
_AGO = re.compile(r"(\d{1,4})\s*(min|h|d)(?:\s+ago)?", re.I)
_UNITS: Final = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_QUOTES: Final = "\"'“”«»` "
_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")


def choices_of(text: str) -> Choices | None:
    """Read "updates weekly severity <= 2"; None where any of it is no choice, or two disagree."""
    words, at = " ".join(text.lower().split()), 0
    found: dict[str, str] = {}
    while at < len(words):
        match = _CHOICE.match(words, at)
        if match is None:
            return None
        pairs = {name: value for name, value in match.groupdict().items() if value}
        if "off" in pairs:
            pairs = {"digest": "none"}
        if any(found.get(name, value) != value for name, value in pairs.items()):
            return None
        found |= pairs
        between = _BETWEEN.match(words, match.end())
        end = between.end() if between else match.end()
        if end == match.end() < len(words):
            return None
        at = end
    severity = found.get("severity")
    return Choices(
        cast("Mode | None", found.get("mode")),
        cast("DigestKind | None", found.get("digest")),
        None if severity is None else 0 if severity == "all" else int(severity),
    )


def incident_of(text: str, year: int) -> str | None:
    """Read an incident's id, "INC-2026-0007", "2026-7" or, of this year, "7"."""
    match = _ID.fullmatch(text.strip())
    return f"INC-{match[1] or year}-{int(match[2]):04d}" if match else None


def since_of(text: str, at: datetime) -> datetime | None:
    """Read "24 h", "3 d", "09:00", "2026-03-15" or "2026-03-15 09:00", in the zone of `at`."""
    words = text.strip()
    if ago := _AGO.fullmatch(words):
        return at - int(ago[1]) * _UNITS[ago[2].lower()]
    if clock := _CLOCK.fullmatch(words):
        today = at.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        return today if today <= at else today - timedelta(days=1)
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        return None
    aware = found if found.tzinfo else found.replace(tzinfo=at.tzinfo)
    return aware.astimezone(UTC)


def _alone(command: Command) -> Rest:
    return lambda rest, _: None if rest else command


def _subscribe(rest: str, _: datetime) -> Command | None:
    choices = choices_of(rest)
    return Subscribe(choices) if choices is not None else None


def _set(rest: str, _: datetime) -> Command | None:
    choices = choices_of(rest)
    return Change(choices) if choices not in (None, Choices()) and choices else None


def _unsubscribe(rest: str, _: datetime) -> Command | None:
    return Unsubscribe(rest.lower()) if re.fullmatch(r"[A-Za-z2-7]{12}|", rest) else None


def _one(kind: Callable[[str], Command]) -> Rest:
    def read(rest: str, at: datetime) -> Command | None:
        found = incident_of(rest, at.year)
        return kind(found) if found else None

    return read


def _digest(rest: str, at: datetime) -> Command | None:
    if not rest:
        return DigestOf()
    word, _, moment = rest.partition(" ")
    found = since_of(moment, at) if word.lower() == "since" else None
    return DigestOf(found) if found else None


# A verb, how the rest of its line is read, and how the line is written.
VERBS: Final[Mapping[str, tuple[Rest, str]]] = {
    "help": (lambda *_: Help(), "help"),
    "subscribe": (_subscribe, "subscribe updates weekly severity <= 2"),
    "unsubscribe": (_unsubscribe, "unsubscribe"),
    "set": (_set, "set updates, no digest, severity <= 2"),
    "confirm": (_alone(Confirm()), "confirm"),
    "whoami": (_alone(WhoAmI()), "whoami"),
    "status": (_alone(Status()), "status"),
    "show": (_one(Show), "show INC-2026-0007"),
    "timeline": (_one(Timeline), "timeline INC-2026-0007"),
    "brief": (_one(Brief), "brief INC-2026-0007"),
    "digest": (_digest, "digest since 24 h"),
    "search": (lambda rest, _: Search(rest) if rest else None, "search checkout down"),
}
SYNONYMS: Final = {"join": "subscribe", "leave": "unsubscribe", "yes": "confirm", "ok": "confirm"}
OWNERS: Final = frozenset({"void", "merge", "redact", "roster", "who"})
STOPS: Final = frozenset({"quit", "stop", "end", "thanks", "thank you"})


def parse(subject: str, text: str, at: datetime) -> tuple[Line, ...]:
    """Read a mail to the command address; a subject that is a command counts as the first line.

    text: the author's own words. at: when the mail came, in the list's zone. Reading ends at a
    signature, at quoted text, and after too many lines that are no commands.
    """
    head = _line(_tidy(subject), at)
    known = head.command is not None and not isinstance(head.command, Misread)
    lines: list[Line] = [head] if known else []
    unknown = 0
    for words in _written(text):
        line = _line(words, at)
        if lines == [head] and line.command == head.command:
            continue
        lines.append(line)
        unknown += line.command is None
        if unknown == MAX_UNKNOWN or len(lines) == MAX_COMMANDS:
            break
    if not lines and head.text and not re.match(r"re\s*:", head.text, re.I):
        lines.append(head)
    return tuple(lines)


def _written(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if line.rstrip() == "--" or line.lstrip().startswith(">"):
            return
        words = _tidy(line)
        if words.lower().rstrip(".,") in STOPS:
            return
        if words and not words.startswith("#"):
            yield words


def _tidy(line: str) -> str:
    words = " ".join(line.split())[:MAX_LINE]
    return words.strip(_QUOTES) if words[:1] in _QUOTES else words


def _line(words: str, at: datetime) -> Line:
    verb, _, rest = words.rstrip(".;,").partition(" ")
    name = verb.lower()
    name = SYNONYMS.get(name, name)
    if name in OWNERS:
        return Line(words, OwnersOnly(name))
    if name not in VERBS:
        return Line(words, None)
    if name in ("subscribe", "unsubscribe") and _ADDRESS.search(rest):
        return Line(words, OwnersOnly(name))
    return Line(words, VERBS[name][0](rest.strip(), at) or Misread(name))
