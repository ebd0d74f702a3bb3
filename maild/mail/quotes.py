"""Which lines of a text are quoted or forwarded, and not the author's own.

In doubt a line is kept: a new word cut away is worse than an old one read twice. All patterns run
in linear time, line by line.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from maild.mail.message import Address
from maild.mail.words import QuotationWords

RULER = "-" * 72
"""The last line of our stamp, by which we know it in any quotation."""
MAX_ATTRIBUTION: Final = 400

_STAMP_ID = re.compile(r"\s*INC-\d{4}-\d{4,}(?:,|\s*$)")
_RULER_LINE = re.compile(r"^[>\s]*-{72}\s*$")
_DASHES = re.compile(r"^[\s>]*+[-_=*─—]{3}|(?<![-_=*])[-_=*]{3,}+\s*+$")
_HAS_ADDRESS = re.compile(r"(?<![^\s<>@])[^\s<>@]++@[^\s<>@]+\.\w+")
_HAS_TIME = re.compile(r"\d{1,2}[:.h時]\s?\d{2}|\b\d{4}\b|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_FIELD_LINE = re.compile(
    r"^[\s>]*[*_]*([^\W\d_][^:：*]{0,24}?)\s?[*_]*\s?[:：][*_]*(?:\s|$)\s*(.*)$"
)
_BOX = re.compile(
    r"^\s*[\"']?([^\"'<>@]*?)[\"']?\s*(?:\(?[<\[(](?:mailto:)?([^<>\s\]]+@[^<>\s\])]+))"
)


@dataclass(frozen=True, slots=True)
class Quotation:
    """Where a text stops being the author's.

    own: indices of the author's lines. cut: the first line of an unmarked quotation or forward (to
    the end), None where there is none. forward: lines below a forward's header block, one level of
    `>` taken off. forwarded_author: From of that block, None where it names none.
    """

    own: tuple[int, ...]
    cut: int | None
    forward: tuple[str, ...]
    forwarded_author: Address | None


def quotation(lines: Sequence[str], words: QuotationWords) -> Quotation:
    """Tell own lines from quoted ones: `>` marks, attribution lines, header blocks, our own stamp."""
    patterns = _compiled(words)
    whole = "\n".join(lines)
    marked = ">" in whole or "＞" in whole
    quoted = {i for i, line in enumerate(lines) if _marked(line)} if marked else set()
    cut, block_end, author = _header_block(lines, patterns)
    marker = _forward_marker(lines, patterns, cut)
    if marker is not None:
        cut = marker if cut is None else min(cut, marker)
    stamps = _stamps(lines) if RULER in whole else set()
    quoted |= stamps | _attributions(lines, quoted, patterns, cut)
    loose = _loose_attribution(lines, quoted, patterns, cut)
    if loose is not None:
        cut = loose
    end = len(lines) if cut is None else cut
    own = tuple(i for i in range(end) if i not in quoted)
    forward: tuple[str, ...] = ()
    if block_end is not None and loose is None:
        forward = tuple(_unmarked(lines[i]) for i in range(block_end, len(lines)))
    return Quotation(own, cut, forward, author)


@dataclass(frozen=True, slots=True)
class _Patterns:
    verbs: re.Pattern[str]
    labels: dict[str, str]
    forwarded: tuple[str, ...]


@lru_cache(maxsize=8)
def _compiled(words: QuotationWords) -> _Patterns:
    verbs = "|".join(re.escape(verb) for verb in sorted(words.verbs, key=len, reverse=True))
    labels: dict[str, str] = {}
    for kind in ("subject", "to", "sent", "authors"):
        labels |= dict.fromkeys(getattr(words, kind), kind)
    return _Patterns(re.compile(rf"(?<!\w)(?:{verbs})(?!\w)", re.I), labels, words.forwarded)


def _marked(line: str) -> bool:
    return line.lstrip(" \t").startswith(">") or line.startswith("＞")


def _unmarked(line: str) -> str:
    return re.sub(r"^\s*>\s?", "", line, count=1)


def _stamps(lines: Sequence[str]) -> set[int]:
    """Find our own stamp where it stands without quotation marks.

    It has no gap, 8 lines at the most, and an incident's id begins its last line above the ruler;
    a program that makes text of HTML may put a blank line in front of the ruler.
    """
    found: set[int] = set()
    for i, line in enumerate(lines):
        if RULER in line and _RULER_LINE.match(line):
            last = i - 1
            while last > max(0, i - 3) and not lines[last].strip():
                last -= 1
            if last >= 0 and _STAMP_ID.match(lines[last]):
                start = last
                while start > max(0, last - 7) and lines[start - 1].strip():
                    start -= 1
                found |= set(range(start, i + 1))
    return found


def _label(line: str, patterns: _Patterns) -> tuple[str, str] | None:
    match = _FIELD_LINE.match(line) if ":" in line or "：" in line else None
    if match is None:
        return None
    kind = patterns.labels.get(unicodedata.normalize("NFKC", match[1]).strip().lower())
    return (kind, match[2]) if kind else None


def _header_block(
    lines: Sequence[str], patterns: _Patterns
) -> tuple[int | None, int | None, Address | None]:
    """Find the block "From: Sent: To: Subject:" of an original: its first line, its end, its From."""
    for i, line in enumerate(lines):
        first = _label(line, patterns)
        if first is None or first[0] == "to":
            continue
        kinds, author, end = {first[0]}, first[1] if first[0] == "authors" else "", i + 1
        for j in range(i + 1, min(i + 12, len(lines))):
            found = _label(lines[j], patterns)
            if found is None:
                # A program that makes text of HTML may put a blank line between any two.
                blank = not lines[j].strip(" >")
                spaced = blank and _label("".join(lines[j + 1 : j + 2]), patterns) is not None
                if len(lines[j]) > 200 or (blank and not spaced):
                    break
                continue
            kinds.add(found[0])
            author = found[1] if found[0] == "authors" else author
            end = j + 1
        if {"authors", "sent"} <= kinds and len(kinds) >= 3:
            return _above(lines, i, patterns), end, _author(author)
    return None, None, None


def _author(text: str) -> Address | None:
    text = text.strip()[:MAX_ATTRIBUTION]
    match = _BOX.match(text)
    if match:
        return Address(match[1].strip(), match[2])
    bare = _HAS_ADDRESS.search(text)
    return Address("" if bare else text, bare[0] if bare else "") if text else None


def _above(lines: Sequence[str], start: int, patterns: _Patterns) -> int:
    """Take the line of dashes and the words of a forward that stand above a header block along."""
    at = start
    for j in range(start - 1, max(-1, start - 4), -1):
        line = lines[j].strip(" >\t*")
        if _DASHES.search(line) or _says_forwarded(line, patterns):
            at = j
        elif line:
            break
    return at


def _says_forwarded(line: str, patterns: _Patterns) -> bool:
    text = line.strip(" >-_=*:").lower()
    return len(text) < 80 and text.startswith(patterns.forwarded)


def _forward_marker(lines: Sequence[str], patterns: _Patterns, cut: int | None) -> int | None:
    """Find "-----Original Message-----" and the like; alone it counts only between dashes."""
    for i, line in enumerate(lines[:cut]):
        if (
            len(line) < 120
            and _says_forwarded(line, patterns)
            and (_DASHES.search(line.strip()) or line.rstrip().endswith(":"))
        ):
            return i
    return None


def _attributes(text: str, patterns: _Patterns) -> bool:
    text = unicodedata.normalize("NFKC", text).strip(" >")
    if not text.endswith(":") or len(text) > MAX_ATTRIBUTION:
        return False
    verb = patterns.verbs.search(text) is not None
    address = _HAS_ADDRESS.search(text) is not None
    return (verb or address) and (address or _HAS_TIME.search(text) is not None or len(text) < 60)


def _attributions(
    lines: Sequence[str], quoted: set[int], patterns: _Patterns, cut: int | None
) -> set[int]:
    """Find the attribution lines (one to four) above each marked quotation."""
    found: set[int] = set()
    for start in sorted(quoted):
        if start - 1 in quoted or (cut is not None and start >= cut):
            continue
        end = start
        while end > 0 and not lines[end - 1].strip():
            end -= 1
        for height in range(1, 5):
            first = end - height
            if first < 0 or not lines[first].strip() or first in quoted:
                break
            if _attributes(" ".join(lines[first:end]), patterns) and _opens(lines, first, patterns):
                found |= set(range(first, end))
                break
    return found


def _opens(lines: Sequence[str], first: int, patterns: _Patterns) -> bool:
    """Whether the attribution begins here: the line above does not run on into it."""
    above = lines[first - 1].strip() if first else ""
    return not above or not (_HAS_TIME.search(above) and not above.endswith((".", "!", "?", ":")))


def _loose_attribution(
    lines: Sequence[str], quoted: set[int], patterns: _Patterns, cut: int | None
) -> int | None:
    """Find an attribution whose quotation bears no mark: date, address and colon, text below.

    All below is then taken as quoted, so it must be beyond doubt.
    """
    end = len(lines) if cut is None else cut
    if not any("@" in line for line in lines[:end]):
        return None
    for i in range(end):
        for height in (1, 2, 3):
            text = " ".join(lines[i : i + height])
            if len(text) > MAX_ATTRIBUTION:
                break
            if "@" not in text:
                continue
            sure = _HAS_ADDRESS.search(text) and _HAS_TIME.search(text)
            if (
                i not in quoted
                and sure
                and patterns.verbs.search(text)
                and _attributes(text, patterns)
            ):
                below = range(i + height, end)
                if not any(j in quoted for j in below) and any(lines[j].strip() for j in below):
                    return i
                break
    return None
