"""From a text to its statements: labelled values and sentences. Nothing here knows what a severity is."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from maild.reading.grammar import Grammar, alternatives

Where = Literal["subject", "body"]

# How far a cue reaches, and how long a value is: what a person writes never gets there, and what
# is hostile costs no more than that.
REACH = 300
MAX_VALUE = 1_000

_TRANSLATE = {
    **dict.fromkeys("\u2018\u2019\u201b\u2032\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2212\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2013\u2014\u2015", "–"),
    **dict.fromkeys("\u2192\u21d2\u279c\u2794\u27a1\u21a6", "→"),
    **dict.fromkeys("\u2022\u25cf\u25aa\u25e6\u2023\u25b8\u2043", "•"),
}
_DROPPED = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad*`\ufe0f\u200e\u200f")


@dataclass(frozen=True, slots=True)
class Text:
    """A text made comparable (NFKC, plain quotes and dashes, no bold marks), with its way back.

    plain: what is matched. index: for each of its characters the place in `original`; None where
    the two are the same.
    """

    plain: str
    original: str
    index: tuple[int, ...] | None = None

    def words(self, start: int, end: int) -> str:
        """Give the author's words, as written, behind plain[start:end]."""
        if self.index is None:
            return self.original[start:end]
        if start >= end or start >= len(self.index):
            return ""
        return self.original[self.index[start] : self.index[min(end, len(self.index)) - 1] + 1]


def comparable(original: str) -> Text:
    """Normalise a text for matching (reading rules, sections 7a and 8.8)."""
    if original.isascii() and "*" not in original and "`" not in original:
        return Text(original, original)
    plain: list[str] = []
    index: list[int] = []
    for at, character in enumerate(original):
        if character in _DROPPED:
            continue
        changed = _TRANSLATE.get(character)
        if changed is None:
            plain_enough = character.isascii() or (character.isalnum() and character < "\u2000")
            changed = character if plain_enough else unicodedata.normalize("NFKC", character)
        plain.append(changed)
        index.extend([at] * len(changed))
    return Text("".join(plain), original, tuple(index))


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label and what stands behind it.

    label: lower case, inner blanks single. text.plain[start:end]: the value, up to the next label
    or the end of the paragraph. line_end: where the label's own line ends.
    """

    label: str
    text: Text
    at: int
    start: int
    end: int
    line_end: int
    heads_line: bool
    where: Where = "body"

    @property
    def value(self) -> str:
        """The value with its further lines."""
        return self.text.plain[self.start : self.end]

    def line(self) -> str:
        """Give the value's first line, or the next where that is blank."""
        first, _, rest = self.value.partition("\n")
        return first if first.strip() else rest.partition("\n")[0]


# A tuple, for a mail has many, and a frozen dataclass takes twice as long to make.
class Sentence(NamedTuple):
    """A sentence or a line that stands alone: text.plain[start:end]."""

    text: Text
    start: int
    end: int
    where: Where = "body"

    @property
    def plain(self) -> str:
        """The sentence as it is matched."""
        return self.text.plain[self.start : self.end]

    @property
    def first(self) -> int:
        """Where its first word begins in the text."""
        return self.end - len(self.plain.lstrip(' \n"'))

    def words(self, start: int, end: int) -> str:
        """Give the author's words for a span of the sentence."""
        return self.text.words(self.start + start, self.start + end).strip()


def first_line(item: Labelled, runs_on: re.Pattern[str]) -> str:
    """Give the value's line with what runs on into the next."""
    value = item.value
    at = len(value) - len(value.lstrip(" \t\n"))
    if "\n\n" in value[:at]:
        return ""
    while (end := value.find("\n", at)) >= 0:
        line = value[at:end]
        begins = item.text.plain.rfind("\n", 0, item.start + at) + 1
        wrapped = item.start + end - begins >= 60 and not re.search(r"[.!?]\s*$", line)
        if not (runs_on.search(line) or wrapped) or not value[end + 1 :].strip():
            return value[:end]
        at = end + 1
    return value


_BULLET = re.compile(r"^[ \t]*(?:[-•·+>→–]|\d{1,2}[.)]|#{1,6}|\[[ x]\])[ \t]+(?=\S)|^[ \t]+")
_EMOJI = re.compile(r"(?<!\w):[a-z][a-z0-9_+-]{2,}:|[\U0001f000-\U0001faff\u2600-\u27bf]")
_TABLE_RULE = re.compile(r"^[\s|:+=-]+$")
# "Severity ..... 2"
_LEADERS = re.compile(r"(?m)^([^\W\d_][\w /-]{0,40}?)[ \t]+\.{3,60}[ \t]+")
_SEPARATORS = (":", "=", "|", "–", " -", "\t-")
# Part fields in a status line, also without a blank behind them.
_TIGHT = ("/", ";", ",")
_LABEL = re.compile(
    r"(?P<lead>\A|\n|[.;,|·•!?)/:][ \t]++|[|·]|(?<=\w)[/;,]|::|[ \t][–-][ \t]|(?<=\d)[ \t]++)[ \t]*+"
    r"(?P<label>[^\W\d_](?:[\w \n/()'&-]|\.(?=\w)){0,45}?)[ \t]*"
    r"(?:[(\[][^()\[\]\n]{1,70}[)\]][ \t]*)?(?:[._]{2,60}[ \t]*)?"
    r"(?P<sep>:{1,2}(?!//)|=(?!=)|\||[ \t]-{1,2}(?=[ \t])|[ \t]?–(?=[ \t]))[ \t]*"
)


def paragraphs(lines: Sequence[str]) -> Iterator[Text]:
    """Group lines into paragraphs; bullets, bold marks and table pipes do not count."""
    block: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
        elif block:
            text = "\n".join(_tidy(block))
            yield comparable(_LEADERS.sub(r"\1: ", text) if " ..." in text else text)
            block = []


def _tidy(block: list[str]) -> list[str]:
    tidy: list[str] = []
    for line in block:
        if "|" in line:
            if _TABLE_RULE.match(line):
                continue
            line = line.strip().strip("|").strip()
        if ":" in line or not line.isascii():
            line = _EMOJI.sub("", line)
        if not line[:1].isalpha():
            # "We are in phase / 2. The pump runs": the number is no list's.
            above = tidy[-1] if tidy and line[:1].isdecimal() else ""
            if not (len(above) > 50 and above[-1].isalpha()):
                line = _BULLET.sub("", line, count=1)
        tidy.append(line)
    return tidy


def head_row(text: Text, known: frozenset[str]) -> Text:
    """Turn a table whose head row is all labels into lines "label: value"."""
    rows = [[cell.strip() for cell in line.split("|")] for line in text.original.split("\n")]
    if len(rows) < 2 or len(rows[0]) < 2 or len(rows[1]) != len(rows[0]):
        return text
    labels = [comparable(cell).plain.strip(" :").lower() for cell in rows[0]]
    if not all(label in known for label in labels):
        return text
    pairs = [f"{label}: {cell}" for label, cell in zip(rows[0], rows[1], strict=True)]
    return comparable("\n".join([*pairs, *("|".join(row) for row in rows[2:])]))


class Labels:
    """The labels of a rule set.

    known: those of fields. inner: those that end no value: the PIN below a bridge's number belongs
    to it. tight: those that may follow with nothing between behind one of `short`: "IC: Jo Park
    Bridge: #x"; a commander is none of them, for it may be the next one.
    """

    def __init__(
        self,
        known: frozenset[str],
        inner: frozenset[str] = frozenset(),
        short: frozenset[str] = frozenset(),
        tight: frozenset[str] = frozenset(),
    ) -> None:
        self.known, self.inner, self.short = known, inner, short
        self.next = re.compile(
            rf"(?<=[\w)])[ \t]++(?P<label>{alternatives(tight)})[ \t]*(?::(?!//)|=)[ \t]*", re.I
        )


def labelled(text: Text, labels: Labels, grammar: Grammar, where: Where = "body") -> list[Labelled]:
    """List the labels of a paragraph in order, unknown ones too, for they end a value."""
    known = labels.known
    if not any(map(text.plain.__contains__, _SEPARATORS)):
        return []
    found: list[tuple[re.Match[str], str, int]] = []
    at, last = 0, -1
    while match := _LABEL.search(text.plain, at):
        label, start = _known_tail(match, known, grammar)
        if label in known and (
            match["lead"] not in _TIGHT or _on_status_line(text.plain, match, last)
        ):
            found.append((match, label, start))
            last = at = match.end()
            continue
        new = _heads_line(match) and match["sep"] == ":" and "\n" not in match["label"]
        if new and label.count(" ") < 4 and label not in labels.inner:
            found.append((match, label, start))
        at = max(match.start("label"), match.start() + 1)
    begins = (match.start() if match["lead"] in _TIGHT else at for match, _, at in found[1:])
    nexts = [*begins, len(text.plain)][: len(found)]
    ends = [
        min(end, match.end() + MAX_VALUE) for (match, _, _), end in zip(found, nexts, strict=True)
    ]
    items = [
        Labelled(
            label,
            text,
            start,
            match.end(),
            end,
            _line_end(text.plain, match.end()),
            _heads_line(match),
            where,
        )
        for (match, label, start), end in zip(found, ends, strict=True)
    ]
    return [part for item in items for part in _parted(item, labels)]


def _parted(item: Labelled, labels: Labels) -> Iterator[Labelled]:
    """Part a label from the next ones in its line."""
    plain, end = item.text.plain, min(item.end, item.line_end)
    while item.label in labels.short:
        if plain.find(":", item.start, end) < 0 and plain.find("=", item.start, end) < 0:
            break
        match = labels.next.search(plain, item.start, end)
        if match is None:
            break
        yield replace(item, end=match.start())
        label = " ".join(match["label"].lower().split())
        at, start = match.start("label"), match.end()
        item = replace(item, label=label, at=at, start=start, heads_line=False)
    yield item


def _on_status_line(plain: str, match: re.Match[str], last: int) -> bool:
    """Whether a mark without a blank parts fields: "SEV2/phase 1/IC: Ana Ruiz/Slack: #pay".

    A digit stands before it, which is no URL's, or a field in the same line; last: where that
    field's label ends, -1 for none.
    """
    at = match.start()
    if plain[at - 1].isdecimal():
        return "://" not in plain[max(0, at - 80) : at].rpartition("\n")[2]
    return last >= 0 and at - last < REACH and "\n" not in plain[last:at]


def _heads_line(match: re.Match[str]) -> bool:
    return match["lead"] in ("", "\n")


def _known_tail(match: re.Match[str], known: frozenset[str], grammar: Grammar) -> tuple[str, int]:
    """Give the label and where it starts: "our current severity" is severity, "vendor severity" not."""
    label = " ".join(match["label"].lower().split())
    label = re.sub(r"\s*\([^()]*\)?$", "", label) if label not in known else label
    if label not in known:
        label = grammar.label_suffix.sub("", label.strip(" .-"))
    start = match.start("label")
    return _without_prefixes(label, known, grammar.label_prefixes) or label, start


def _without_prefixes(label: str, known: frozenset[str], prefixes: Sequence[str]) -> str | None:
    """Give the known label behind any prefixes, None where there is none."""
    if label in known:
        return label
    rests = (label.removeprefix(prefix) for prefix in prefixes if label.startswith(prefix))
    found = (_without_prefixes(rest, known, prefixes) for rest in rests)
    return next((rest for rest in found if rest is not None), None)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


# It begins with a set of characters, which the engine looks for faster than for a choice. Where the
# next line goes on with a small letter, most of them, `_line_stands_alone` need not be asked.
_SENTENCE_END = re.compile(
    r"[.!?\n](?:(?<=\n)(?![ \t]*[a-z])|(?<!\n)(?<![.!?][.!?])[.!?]*+[\"')\]]*+(?=\s))"
)

# What ends in a period in front of a small letter is more often "approx." than a sentence, unless it is a
# word of some length: "They use paper. phase 0."
_WORD_ENDS = re.compile(r"[a-z]{4}\.$")


def sentences(
    text: Text, start: int, end: int, grammar: Grammar, where: Where = "body"
) -> Iterator[Sentence]:
    """Split a span into sentences.

    A line end divides where the line above is short and complete and the next begins afresh;
    elsewhere it is a blank (reading rules, section 8.8).
    """
    at = start
    plain = text.plain
    for match in _SENTENCE_END.finditer(plain, start, end):
        stop, behind = match.span()
        sign = plain[stop]
        if sign == "\n":
            ends = _line_stands_alone(plain, at, stop, end, grammar)
        elif sign == ".":
            following = plain[behind : behind + 3].lstrip()
            tail = plain[max(at, stop - 12) : stop + 1]
            begins = not following[:1].islower() or _WORD_ENDS.search(tail) is not None
            ends = begins and not grammar.abbreviates(tail, following)
        else:
            ends = True
        if ends and plain[at:stop].strip():
            yield Sentence(text, at, behind, where)
            at = behind
    if plain[at:end].strip():
        yield Sentence(text, at, end, where)


def _line_stands_alone(plain: str, start: int, newline: int, end: int, grammar: Grammar) -> bool:
    following = plain[newline + 1 : min(end, newline + 40)].lstrip()
    begins = plain.rfind("\n", 0, newline) + 1
    line = plain[max(start, begins) : newline]
    if not following or not line.strip():
        return True
    if newline - begins >= 58 or following[0].islower():
        return False
    return not (following[0].isdecimal() and number_goes_on(line)) and not grammar.runs_on(line)


_INTERNATIONAL = re.compile(r"\+\d[\d ().-]{1,25}$")


def number_goes_on(line: str) -> bool:
    """Whether a line ends in a telephone number, which digits in the next line go on with."""
    return _INTERNATIONAL.search(line) is not None


def clause_start(sentence: str, at: int, grammar: Grammar) -> int:
    """Find where the clause of a place in a sentence begins."""
    begin = max(0, at - REACH)
    for match in grammar.boundary.finditer(sentence, begin, at):
        begin = match.end()
    # A colon ends a clause, but not the label of something else ("Vendor status: SEV1").
    colon = sentence.rfind(":", begin, at)
    if colon > 0 and len(sentence[begin:colon].split()) >= (3 if begin else 4):
        return colon + 1
    return begin


_QUOTED = re.compile(r'(?:(?<=[\s(])|^)"(?=\S)[^"]{25,2000}"', re.M)


def quotations(text: Text) -> tuple[tuple[int, int], ...]:
    """Find the spans of a paragraph between quotation marks that hold whole sentences, in order."""
    found = _QUOTED.finditer(text.plain) if '"' in text.plain else ()
    return tuple(match.span() for match in found)


def within(spans: Sequence[tuple[int, int]], at: int) -> bool:
    """Whether a place lies inside one of some spans, which are in order."""
    before = bisect_left(spans, (at + 1,)) - 1
    return before >= 0 and at < spans[before][1]


def in_quotes(plain: str, begin: int, end: int) -> bool:
    """Whether a span of a sentence stands between quotation marks: somebody else's words."""
    return plain.count('"', 0, begin) % 2 == 1 and '"' in plain[end:]
