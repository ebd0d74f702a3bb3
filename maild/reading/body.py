"""The reading of a text: its labels, its status lines, its sentences, and whether it says more."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from maild.mail.message import Address
from maild.reading.cues import compiled_cues
from maild.reading.moments import MomentFinder
from maild.reading.people import PeopleFinder
from maild.reading.phase import PhaseFinder
from maild.reading.places import PlaceFinder
from maild.reading.reading import Reading, Strength
from maild.reading.rules import Rules
from maild.reading.severity import SeverityFinder
from maild.reading.statements import (
    Labelled,
    Sentence,
    Text,
    comparable,
    head_row,
    labelled,
    paragraphs,
    quoted,
    sentences,
)
from maild.reading.timeline import headings, without_plan, without_timeline

MAX_SENTENCE: Final = 3_000
MAX_PARAGRAPH: Final = 200_000

_WORD = re.compile(r"\w+")
_URL_SLASH = re.compile(r"https?://[^\s|,;]+", re.I)
_LAST_PLACE = re.compile(
    r"\b(?!(?:see|in|ticket|case|issue|dashboard|runbook|re|cf|from|to|on|not)\s)\w+\s(#(?=\S*[^\W\d_])[\w.-]*\w)$",
    re.I,
)
_STATUS_SIGN = re.compile(r"[#SPsp]|http")
_STATUS_SPLIT = re.compile(r"\s*[|,;·•]\s*|\s+(?:[/–]|-{1,2})\s+|/")


@dataclass(frozen=True, slots=True)
class ListNames:
    """What reading must know of the list: its address, the tags it puts into subjects, its zone."""

    address: str
    tags: tuple[str, ...]
    zone: tzinfo


class Finders:
    """The finders of one rule set; compiled once, used for many mails."""

    def __init__(self, rules: Rules, names: ListNames) -> None:
        self.rules, self.names = rules, names
        cues = compiled_cues(rules.cues, (*rules.severity.labels, *rules.phase.labels))
        people = rules.people.names
        self.severity = SeverityFinder(rules.severity, people, cues)
        self.phase = PhaseFinder(rules.phase, people, cues)
        self.people = PeopleFinder(rules.people, cues)
        self.places = PlaceFinder(rules.channel, people, cues)
        self.moments = MomentFinder(rules.times)
        self.cues = cues
        self.timelines = headings(rules.cues.statement.timelines)
        self.plans = headings(rules.cues.statement.plans)
        self.known = frozenset(
            {
                *self.severity.labels, *self.phase.labels, *self.phase.status_labels,
                *self.people.commander_labels, *self.people.role_labels,
                *self.places.labels, *self.moments.labels,
            }
        )  # fmt: skip
        self.tags = frozenset(tag.lower() for tag in names.tags)


class TextReading:
    """The reading of one mail: collects readings, and knows whether anything else was said."""

    def __init__(self, finders: Finders, author: Address, anchor: datetime) -> None:
        self.finders, self.author, self.anchor = finders, author, anchor
        self.readings: list[Reading] = []

    def body(self, lines: Sequence[str]) -> bool:
        """Read the body; say whether it holds more than fields and greetings."""
        lines, said = without_timeline(lines, self.finders.timelines)
        lines, planned = without_plan(lines, self.finders.plans)
        said = said or planned
        for paragraph in paragraphs(lines):
            text = (
                head_row(paragraph, self.finders.known) if "|" in paragraph.original else paragraph
            )
            said = self.paragraph(text) or said
        return said

    def paragraph(self, text: Text) -> bool:
        items = labelled(text, self.finders.known)
        said, at = False, 0
        for item in items:
            if item.label not in self.finders.known or quoted(text, item.at):
                continue
            end = self.label(item)
            if end is None:
                continue
            said = self.prose(text, at, item.at) or said
            at = self.place_behind(text, end)
        return self.prose(text, at, len(text.plain)) or said

    def place_behind(self, text: Text, at: int) -> int:
        """Read a #name or URL that ends a status line: "IC: me | #inc-1"."""
        match = re.compile(
            r"[ \t]*(?:[|,;/·]|[–-]{1,2}(?=\s)|\.(?=\s))[ \t]*(\S+)[ \t]*(?=\n|$|\|)"
        ).match(text.plain, at)
        place = self.finders.places.place.fullmatch(match[1]) if match else None
        if match is None or place is None or place["phone"]:
            return at
        words = text.words(match.start(1), match.end(1))
        self.readings.append(Reading("channel", words, words, Strength.STATUS, "body"))
        return match.end()

    def label(self, item: Labelled) -> int | None:
        """Read one labelled value; where it ends, or None where it was no field after all."""
        finders, label = self.finders, item.label
        if label in finders.severity.labels:
            found, end = finders.severity.in_label(item)
        elif label in finders.phase.labels or label in finders.phase.status_labels:
            found, end = finders.phase.in_label(item)
            if label in finders.phase.status_labels:
                found = [_status(reading) for reading in found]
        elif label in finders.people.commander_labels:
            found, end = finders.people.commander_in_label(item, self.author)
        elif label in finders.people.role_labels:
            one, end = finders.people.role_in_label(item, self.author)
            found = [one] if one else []
        elif label in finders.moments.labels:
            one, end = finders.moments.in_label(item, self.anchor, finders.names.zone)
            found = [one] if one else []
            if one is None and not item.heads_line:
                return None
        else:
            found, end = finders.places.in_label(item, finders.names.address)
            if not found:
                return None
        self.readings += found
        return end

    def prose(self, text: Text, start: int, end: int) -> bool:
        said = False
        for sentence in sentences(text, start, min(end, start + MAX_PARAGRAPH)):
            if quoted(text, sentence.start + _leading(sentence.plain)):
                said = True
                continue
            found = list(self.sentence(sentence))
            self.readings += found
            said = said or self.says_more(sentence, found)
        return said

    def sentence(self, sentence: Sentence) -> Iterator[Reading]:
        """Find what a sentence states; one without any word of the rules is passed over at once."""
        finders = self.finders
        if sentence.end - sentence.start > MAX_SENTENCE:
            sentence = Sentence(
                sentence.text, sentence.start, sentence.start + MAX_SENTENCE, sentence.where
            )
        plain = sentence.plain
        words = set(_WORD.findall(plain.lower()))
        stems = {re.sub(r"\d+$", "", word) for word in words}
        yield from self.status_items(sentence, plain)
        if stems & finders.severity.trigger:
            yield from finders.severity.in_sentence(sentence)
        if stems & finders.phase.trigger:
            yield from finders.phase.in_sentence(sentence)
        if words & finders.people.trigger:
            yield from finders.people.commander_in_sentence(sentence, self.author)
        if words & finders.people.role_trigger:
            yield from finders.people.roles_in_sentence(sentence, self.author)
        if words & finders.places.trigger:
            yield from finders.places.in_sentence(sentence, finders.names.address)
        if words & finders.moments.trigger:
            yield from finders.moments.in_sentence(sentence, self.anchor, finders.names.zone)
        yield from self.unchanged(sentence, plain)

    def status_items(self, sentence: Sentence, plain: str) -> Iterator[Reading]:
        """Read S2 and #name where they stand alone between separators of a status line."""
        if len(plain) > 200 or not _STATUS_SIGN.search(plain):
            return
        line = _line_of(sentence)
        pieces = [p for p in (p.strip(" .\n") for p in _pieces(plain)) if p]
        severity = self.finders.severity
        short = [piece for piece in pieces if severity.status.fullmatch(piece)]
        others = any(self._is_status(p.strip()) for p in _pieces(line))
        for piece in short if others or len(pieces) == len(short) else ():
            phrase = severity.scale.phrase(piece, 0, words=False, short=True)
            for number in phrase.numbers:
                yield Reading("severity", number, piece, Strength.STATUS, sentence.where)
            if phrase.off:
                yield Reading("severity", piece, piece, Strength.STATUS, sentence.where, "invalid")
        for piece in pieces if others else ():
            place = self.finders.places.item(piece)
            if place is not None:
                yield Reading("channel", place, piece, Strength.STATUS, sentence.where)
                continue
            last = _LAST_PLACE.search(piece)
            if last is not None and self._is_status(piece.lstrip()):
                yield Reading("channel", last[1], piece, Strength.STATUS, sentence.where)

    def _is_status(self, piece: str) -> bool:
        piece = piece.lower()
        finders = self.finders
        words = piece.split()
        return bool(
            finders.severity.ahead.match(piece) or finders.phase.ahead.match(piece)
            or (words and words[0].strip(":") in finders.people.commander_labels)
        )  # fmt: skip

    def unchanged(self, sentence: Sentence, plain: str) -> Iterator[Reading]:
        """Read "severity unchanged", "same IC", "phase as before" (section 8.11)."""
        if not self.finders.cues.unchanged.search(plain):
            return
        for field, words in (
            ("severity", self.finders.severity.labels),
            ("phase", self.finders.phase.labels),
            ("commander", self.finders.people.commander_labels),
        ):
            names = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
            several = rf"(?:(?:{names})|severity|phase|commander|ic)(?:\s*(?:,|and|&|/)\s*(?:the\s+)?\w+){{0,3}}"
            behind = re.search(
                rf"(?<![\w-])(?:{names})(?:\s*(?:,|and|&|/)\s*(?:the\s+)?[\w]+(?:\s[\w]+)?){{0,3}}?\s*[:=–-]?\s*(?:is\s+|are\s+|all\s+|both\s+|still\s+)*(?:unchanged|the\s+same|same|as\s+before|not\s+changed|has\s+not\s+changed|have\s+not\s+changed|stays?\s+(?:the\s+same|as\s+(?:it\s+is|they\s+are|before))|remains?\s+(?:the\s+same|unchanged|as\s+before)|no\s+change)(?!\w)",
                plain, re.I,
            )  # fmt: skip
            ahead = re.search(
                rf"(?<!\w)(?:same|unchanged|no\s+change\s+(?:in|to|of))\s+(?:the\s+)?(?:[\w]+\s*(?:,|and|&|/)\s*(?:the\s+|same\s+)*){{0,3}}(?:{names})(?![\w-])",
                plain, re.I,
            )  # fmt: skip
            match = behind or ahead
            if match and not plain.rstrip().endswith("?") and several:
                quote = sentence.words(match.start(), match.end())
                yield Reading(field, None, quote, Strength.PROSE, sentence.where, "current")

    def _greets(self, words: Sequence[str]) -> bool:
        """Whether a few words greet: "Hi all", "Dear Anna"; "All barriers crashed" says something."""
        greetings = self.finders.rules.mail.words.greetings
        first = next((n for n in (3, 2, 1) if " ".join(words[:n]).lower() in greetings), 0)
        rest = words[first:]
        return first > 0 and all(
            word[:1].isupper() or word.lower() in (*greetings, "there", "to", "and")
            for word in rest
        )

    def says_more(self, sentence: Sentence, found: Sequence[Reading]) -> bool:
        """Whether a sentence says anything besides fields: the description."""
        plain = sentence.plain
        for reading in found:
            plain = plain.replace(comparable(reading.words).plain, " ", 1)
        words = re.findall(r"[^\W\d_][\w'-]*", plain)
        if not words:
            return False
        if len(words) <= 4 and self._greets(words):
            return False
        if re.search(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4}", plain):
            return True
        # Beside a start alone the rest is news: "Every insert fails since 09:05."
        return len(words) >= (4 if {r.field for r in found} - {"started_at"} else 2)


def _leading(plain: str) -> int:
    return len(plain) - len(plain.lstrip(' \n"'))


def _pieces(line: str) -> list[str]:
    """Split a status line at its separators; the slashes of an URL are none."""
    whole = _URL_SLASH.sub(lambda url: url[0].replace("/", "\0"), line)
    return [piece.replace("\0", "/") for piece in _STATUS_SPLIT.split(whole)]


def _line_of(sentence: Sentence) -> str:
    """Give the physical line in which a sentence begins, whole."""
    plain = sentence.text.plain
    at = sentence.start + len(sentence.plain) - len(sentence.plain.lstrip(" \n.,;|/"))
    begin = plain.rfind("\n", 0, at) + 1
    end = plain.find("\n", at)
    return plain[begin : end if end >= 0 else len(plain)][:400]


def _status(reading: Reading) -> Reading:
    """Mark a reading behind `Status:` whose word is none of the table (section 7a)."""
    if reading.outcome == "invalid":
        return Reading(
            reading.field, reading.value, reading.words, Strength.PROSE, reading.where, "invalid"
        )
    return reading
