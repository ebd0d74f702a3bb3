"""The HTML part of a letter, made of its text: the same sentences in the same order.

What a letter offers to type (lines indented by four) becomes a button that opens a reply with the
words filled in; rows with a label become a table.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from maild.letters.layout import LABEL


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a label ("" for a row that goes on) and its lines."""

    label: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph ("text"), something to type ("type") or rows with labels ("rows")."""

    kind: str
    text: str = ""
    rows: tuple[Row, ...] = ()


def blocks(text: str) -> Iterator[Block]:
    """Cut a letter's text into blocks at its blank lines."""
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        if all(re.match(r" {4}\S", line) for line in lines):
            yield from (Block("type", line.strip()) for line in lines)
        elif all(line.startswith("  ") for line in lines):
            yield Block("rows", rows=tuple(_rows(lines)))
        else:
            yield Block("text", " ".join(" ".join(lines).split()))


def _rows(lines: list[str]) -> Iterator[Row]:
    label, kept = "", list[str]()
    for line in lines:
        if line[2:3].strip() and kept:
            yield Row(label, tuple(kept))
            kept = []
        if line[2:3].strip():
            label = line[2:LABEL].strip()
            kept.append(line[LABEL:].strip() or line.strip().removeprefix(label).strip())
        else:
            kept.append(line.strip())
    if kept:
        yield Row(label, tuple(kept))


def mailto(text: str, reply_to: str, subject: str, parent: str) -> str:
    """Make the link that opens a reply with the words filled in (RFC 6068)."""
    fields = {
        "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}",
        "body": text,
        "In-Reply-To": f"<{parent}>",
    }
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    return f"mailto:{quote(reply_to, safe='@+.-')}?{query}"
