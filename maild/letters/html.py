"""The HTML part of a letter, made of its text: the same sentences in the same order.

What a letter offers to type (lines indented by four) becomes a button that opens a reply with the
words filled in; rows with a label become a table.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote

from maild.letters.layout import LABEL, MAX_TYPED, WIDTH


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a label, and its lines; of a scale's line what stands in front of the gap."""

    label: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph ("text"), words to type ("type") or to see ("shown"), or rows with labels ("rows").

    Or lines that stay as they are set ("set"): a command and what it has found, a story.
    """

    kind: str
    text: str = ""
    rows: tuple[Row, ...] = ()


def blocks(text: str) -> Iterator[Block]:
    """Cut a letter's text into blocks at its blank lines."""
    answers = False
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        answers = answers or lines[0].startswith("> ")
        if answers:
            yield Block("set", block)
        elif all(re.match(r" {4}\S", line) for line in lines):
            # Nobody is asked to type more than 40 characters: what is longer is only shown.
            for words in map(str.strip, lines):
                yield Block("type" if len(words) <= MAX_TYPED else "shown", words)
        elif all(line.startswith("  ") for line in lines):
            yield Block("rows", rows=tuple(_rows(lines)))
        else:
            yield Block("text", " ".join(" ".join(lines).split()))


def _rows(lines: list[str]) -> Iterator[Row]:
    label, kept = "", list[str]()
    for line in lines:
        if line[2:3].strip() and kept:
            yield Row(label, _joined(kept))
            kept = []
        if line[2:3].strip():
            label = line[2:LABEL].strip()
            kept.append(line[LABEL:].strip() or line.strip().removeprefix(label).strip())
        else:
            kept.append(line.strip())
    if kept:
        yield Row(label, _joined(kept))


def _joined(lines: list[str]) -> tuple[tuple[str, str], ...]:
    """Undo what filling broke: a break is soft where the next word would not have fitted."""
    whole = lines[:1]
    for before, line in pairwise(lines):
        if len(before) + 1 + len(line.split(" ", 1)[0]) > WIDTH - LABEL:
            whole[-1] += f" {line}"
        else:
            whole.append(line)
    split = [re.split(r"\s{2,}", line, maxsplit=1) for line in whole]
    return tuple((parts[0], parts[1]) if len(parts) > 1 else ("", parts[0]) for parts in split)


def write_to(address: str, subject: str) -> str:
    """Make the link that opens a mail to an address (RFC 6068)."""
    return f"mailto:{quote(address, safe='@+.-')}?subject={quote(subject, safe='')}"


def mailto(text: str, reply_to: str, subject: str, parent: str) -> str:
    """Make the link that opens a reply with the words filled in (RFC 6068)."""
    fields = {
        "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}",
        "body": text,
        "In-Reply-To": f"<{parent}>",
    }
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    return f"mailto:{quote(reply_to, safe='@+.-')}?{query}"
