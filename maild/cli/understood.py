"""What `maild read` shows to a person: at a glance what was understood, what is missing, and why.

Lines of 80 columns; styles are click's, which are taken off where the output is no terminal.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import click

from maild.incident.verdict import PERSONAL, Finding, Stated
from maild.reading.reading import Person, Value
from maild.reading.rules import Rules, Step

WIDTH: Final = 80
ORDER: Final = (
    "summary", "description", "severity", "phase", "commander", "channel", *PERSONAL, "experts",
    "next_update", "started_at",
)  # fmt: skip
MAX_WORDS: Final = 300


@dataclass(frozen=True, slots=True)
class Understood:
    """What was understood of one mail, read as an opening; `reason` says why one is ignored."""

    file: str
    message_id: str | None
    verdict: Literal["accepted", "rejected", "ignored"]
    reason: str = ""
    stated: Stated | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    """One field: its mark (" " or "?"), its value, and what else there is to say of it."""

    field: str
    value: str
    remarks: tuple[str, ...] = ()
    open: bool = False


def in_words(found: Understood, rules: Rules) -> str:
    """Say what was understood, in styled lines."""
    name = "standard input" if found.file == "-" else found.file
    colour = {"accepted": "green", "rejected": "yellow", "ignored": "cyan"}[found.verdict]
    styled = [
        *(click.style(line, dim=True) for line in _wrapped(name, WIDTH)),
        *(click.style(line, bold=True, fg=colour) for line in _wrapped(_headline(found), WIDTH)),
    ]
    if found.stated is None:
        return "\n".join(styled)
    rows = list(_rows(found.stated, found.findings, rules))
    width = max((len(row.field) for row in rows), default=0) + 2
    return "\n".join([*styled, "", *(line for row in rows for line in _lines(row, width))])


def _headline(found: Understood) -> str:
    if found.verdict == "ignored":
        return f"ignored: {found.reason}"
    if not found.findings:
        return "accepted: nothing is missing"
    troubles = [
        f"{_name(f.field)} is {'missing' if f.trouble == 'missing' else 'unclear'}"
        for f in found.findings
    ]
    return f"rejected: {_joined(troubles)}"


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else "".join(parts)


def _rows(stated: Stated, findings: Iterable[Finding], rules: Rules) -> Iterator[_Row]:
    troubled = {finding.field: finding for finding in findings}
    others = [name for name in (*stated.values, *troubled) if name not in ORDER]
    for name in (*ORDER, *dict.fromkeys(others)):
        if name in troubled:
            yield _open(troubled[name], stated, rules)
        elif name == "summary" and stated.summary:
            yield _Row(name, stated.summary, ("from the subject",))
        elif name in stated.values:
            quote = f'{stated.read_as.get(name, "read from")}: "{_cut(stated.words[name])}"'
            yield _Row(name, _value(name, stated.values[name], rules), (quote,))


def _open(finding: Finding, stated: Stated, rules: Rules) -> _Row:
    """Show a field that needs the author: what is wrong with it, and what to write."""
    name, hint = finding.field, _hint(finding.field, rules)
    if finding.trouble == "missing":
        words = stated.left_open.get(name)
        why = f'the mail leaves it open: "{_cut(words)}"' if words else _unsaid(name)
        return _Row(name, "missing", (why, *hint), open=True)
    quotes = [f'"{_cut(words)}"' for words in finding.words]
    if finding.trouble == "invalid":
        what = "names no one person" if name == "commander" else "is not on the scale"
        return _Row(
            name, f'unclear: "{_cut(str(finding.values[0]))}" {what}', (*quotes, *hint), True
        )
    values = [_value(name, value, rules) for value in finding.values]
    said = [f"{value}: {words}" for value, words in zip(values, quotes, strict=False)]
    return _Row(name, "unclear: the mail says two things", tuple(said or quotes), open=True)


def _unsaid(name: str) -> str:
    if name == "description":
        return "the mail holds nothing but fields; say in a sentence what is wrong"
    if name == "summary":
        return "the subject is empty"
    return "nothing in the mail states it"


def _hint(name: str, rules: Rules) -> tuple[str, ...]:
    """Say what may be written, in the words of the rules."""
    if name == "severity":
        return _scale(rules.severity.labels[0], rules.severity.step)
    if name == "phase":
        return _scale(rules.phase.labels[0], rules.phase.step)
    if name == "commander":
        title, me = _capital(rules.people.commander.titles[0]), rules.people.names.self[0]
        return (f'write "{title}: Jane Smith", or "{title}: {me}"',)
    if name == "channel":
        return (f'write "{_capital(rules.channel.labels[0])}: #name", an URL or a phone number',)
    if name in rules.people.roles:
        return (f'write "{_capital(rules.people.roles[name].labels[0])}: Jane Smith"',)
    return ()


def _scale(label: str, steps: Sequence[Step]) -> tuple[str, ...]:
    lines = (f"{step.number} {step.name}: {step.meaning}" for step in steps)
    return (f'write "{_capital(label)}: {steps[-1].number}", or another of these', *lines)


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def _value(name: str, value: Value, rules: Rules) -> str:
    if name in ("severity", "phase") and isinstance(value, int):
        scale = rules.severity if name == "severity" else rules.phase
        return f"{value} ({scale.name(value)})" if scale.name(value) else f"{value}"
    if isinstance(value, Person):
        both = value.name and value.address and not value.address.startswith("@")
        return f"{value.name} <{value.address}>" if both else str(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, tuple):
        return ", ".join(_value("", one, rules) for one in value)
    return str(value)


def _lines(row: _Row, width: int) -> Iterator[str]:
    """Set one field: its name in a column of its own, remarks dim below the value."""
    room = WIDTH - width - 2
    mark = click.style("? ", fg="yellow", bold=True) if row.open else "  "
    name = click.style(_name(row.field).ljust(width), bold=True)
    colour = "yellow" if row.open else None
    for number, line in enumerate(_wrapped(row.value, room)):
        lead = mark + name if number == 0 else " " * (width + 2)
        yield lead + click.style(line, fg=colour, bold=row.open)
    for remark in row.remarks:
        for line in _wrapped(remark, room):
            yield " " * (width + 2) + click.style(line, dim=True)


def _name(field: str) -> str:
    return field.replace("_", " ")


def _cut(words: str) -> str:
    """Give an author's words on one line; a mail may hold anything, a terminal shall not."""
    line = " ".join(words.split())
    return line if len(line) <= MAX_WORDS else f"{line[:MAX_WORDS]}..."


def _wrapped(text: str, room: int) -> Iterator[str]:
    """Break a text into lines of so many columns; an ideograph takes two of them."""
    line = ""
    plain = "".join(c if c.isprintable() else " " for c in text)
    for word in plain.split() or [""]:
        if line and _columns(line) + 1 + _columns(word) > room:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while _columns(line) > room:
            head = _head(line, room)
            yield head
            line = line[len(head) :]
    if line:
        yield line


def _head(word: str, room: int) -> str:
    """Give as much of a long word as fits."""
    end = min(len(word), room)
    while end > 1 and _columns(word[:end]) > room:
        end -= 1
    return word[:end]


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
