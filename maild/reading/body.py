"""The reading of a text: its labels, its status lines, its sentences, and whether it says more."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import Final

from maild.mail.message import Address
from maild.mail.phrases import Kinds
from maild.reading.cues import Cues
from maild.reading.grammar import alternatives, compiled_grammar
from maild.reading.moments import MomentFinder
from maild.reading.people import PeopleFinder
from maild.reading.phase import PhaseFinder
from maild.reading.places import PlaceFinder
from maild.reading.reading import Reading, Strength
from maild.reading.rules import Rules
from maild.reading.severity import SeverityFinder
from maild.reading.statements import (
    Labelled,
    Labels,
    Sentence,
    Text,
    comparable,
    head_row,
    labelled,
    paragraphs,
    quotations,
    sentences,
    within,
)
from maild.reading.timeline import OtherTimes

MAX_SENTENCE: Final = 3_000
MAX_PARAGRAPH: Final = 200_000
MAX_SAID: Final = 40

_STATUS_SPLIT = re.compile(r"\s*[|,;·•]\s*|\s+(?:[/–]|-{1,2})\s+|/")
_ANY_WORD = re.compile(r"[^\W\d_][\w'-]*")
# More than any greeting has.
_FIVE_WORDS = re.compile(r"(?:[\W\d_]*+[^\W\d_][\w'-]*+){5}")
_EAST_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4}")
_URL_SLASH = re.compile(r"https?://[^\s|,;]+", re.I)
_ENDS_WITH_PLACE = re.compile(
    r"[ \t]*(?:[|,;/·]|[–-]{1,2}(?=\s)|\.(?=\s))[ \t]*(\S+)[ \t]*(?=\n|$|\|)"
)


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
        self.grammar = compiled_grammar(rules.grammar)
        cues = Cues(rules.cues, self.grammar, (*rules.severity.labels, *rules.phase.labels))
        people = rules.people.names
        self.severity = SeverityFinder(rules.severity, people, cues)
        self.phase = PhaseFinder(rules.phase, people, cues)
        fields = (*rules.severity.labels, *rules.phase.labels, *rules.channel.labels)
        self.people = PeopleFinder(
            rules.people,
            cues,
            [label for label in fields if label not in rules.channel.weak_labels],
        )
        self.places = PlaceFinder(rules.channel, people, cues)
        self.moments = MomentFinder(rules.times, self.grammar)
        self.cues = cues
        minutes = rules.times.units.get("minute", ())
        self.other_times = OtherTimes(rules.cues.statement, minutes)
        self.greetings = frozenset(rules.mail.words.greetings)
        self.greeted = self.greetings.union(rules.mail.words.greeted)
        self.labels = self._labels(rules.channel.weak_labels)
        self.known = self.labels.known
        # "Slack: #pay, scribe Bo Ek": behind its comma another field begins.
        self.field_behind = re.compile(rf"[,;]\s+(?:{alternatives(self.labels.short)})\s", re.I)
        self.unchanged = {
            "severity": cues.unchanged.of(self.severity.labels),
            "phase": cues.unchanged.of(self.phase.labels),
            "commander": cues.unchanged.of(self.people.commander_labels),
        }
        self.kinds = Kinds(
            {
                "severity": self.severity.trigger,
                "short": rules.severity.short,
                "phase": self.phase.trigger,
                "commander": self.people.trigger,
                "role": self.people.role_labels,
                "channel": self.places.trigger,
                "place": self.places.words,
                "moment": self.moments.trigger,
                "unchanged": cues.unchanged.trigger,
            }
        )
        self.tags = frozenset(tag.lower() for tag in names.tags)

    def _labels(self, weak: Iterable[str]) -> Labels:
        short = {
            *self.severity.labels, *self.phase.labels, *self.phase.status_labels,
            *self.people.commander_labels, *self.people.role_labels,
        }  # fmt: skip
        known = {*short, *self.places.labels, *self.moments.labels}
        tight = {*self.people.role_labels, *self.places.labels.difference(weak)}
        return Labels(frozenset(known), self.places.parts, frozenset(short), frozenset(tight))

    def kinds_in(self, plain: str) -> set[str]:
        """Give the kinds of statement that a text may make; "status": S2, #name, an URL."""
        kinds = self.kinds.of(plain)
        short = "short" in kinds and self.severity.short.search(plain)
        if short or "#" in plain or "http" in plain:
            kinds.add("status")
        return kinds


class TextReading:
    """The reading of one mail: collects readings, and knows whether anything else was said."""

    def __init__(self, finders: Finders, author: Address, anchor: datetime) -> None:
        self.finders, self.author, self.anchor = finders, author, anchor
        self.ahead = partial(finders.moments.lies_ahead, anchor=anchor, zone=finders.names.zone)
        self.readings: list[Reading] = []
        self.said: list[str] = []
        self.sampling = False

    def body(self, lines: Sequence[str]) -> str:
        """Read the body; give what it says besides fields and greetings, "" for nothing."""
        lines, told = self.finders.other_times.without(lines)
        self.said += [" ".join(line.split()) for line in told[:MAX_SAID]]
        self.sampling = self.finders.other_times.may_hold_samples("\n".join(lines))
        for paragraph in paragraphs(lines):
            text = (
                head_row(paragraph, self.finders.known) if "|" in paragraph.original else paragraph
            )
            self.paragraph(text)
        return " ".join(self.said)

    def paragraph(self, text: Text) -> None:
        finders = self.finders
        items = labelled(text, finders.labels, finders.grammar)
        quoted = quotations(text)
        if self.sampling:
            quoted = tuple(sorted((*quoted, *finders.other_times.samples(text.plain))))
        at = 0
        for item in items:
            if item.label not in finders.known or within(quoted, item.at):
                continue
            end = self.label(item)
            if end is None:
                continue
            self.prose(text, at, item.at, quoted)
            at = self.place_behind(text, end)
        self.prose(text, at, len(text.plain), quoted)

    def place_behind(self, text: Text, at: int) -> int:
        """Read a #name or URL that ends a status line: "IC: me | #inc-1"."""
        match = _ENDS_WITH_PLACE.match(text.plain, at)
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
            found, end = finders.people.commander_in_label(item, self.author, self.ahead)
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
            behind = finders.field_behind.search(item.text.plain, item.start, end)
            end = behind.start() if behind else end
        self.readings += found
        return end

    def prose(
        self, text: Text, start: int, end: int, quoted: Sequence[tuple[int, int]] = ()
    ) -> None:
        """Read a stretch between fields; what stands between quotation marks states nothing."""
        end = min(end, start + MAX_PARAGRAPH)
        for sentence in sentences(text, start, end, self.finders.grammar):
            theirs = bool(quoted) and within(quoted, sentence.first)
            own = self._before_quotation(sentence, quoted) if quoted else sentence
            found = [] if theirs else self.sentence(own)
            self.readings += found
            if len(self.said) < MAX_SAID and (theirs or self.says_more(sentence, found)):
                said = " ".join(text.words(sentence.start, sentence.end).split())
                # A field at its start may leave the sentence with the field's full stop.
                self.said.append(said.lstrip(" .,;:|"))

    def _before_quotation(self, sentence: Sentence, quoted: Sequence[tuple[int, int]]) -> Sentence:
        """Cut a sentence where a quotation begins that goes on behind it."""
        cuts = (start for start, end in quoted if sentence.first < start < sentence.end < end)
        return sentence._replace(end=next(cuts, sentence.end))

    def sentence(self, sentence: Sentence) -> list[Reading]:
        """Find what a sentence states."""
        if sentence.end - sentence.start > MAX_SENTENCE:
            sentence = sentence._replace(end=sentence.start + MAX_SENTENCE)
        plain = sentence.plain
        kinds = self.finders.kinds_in(plain)
        return list(self._stated(sentence, plain, kinds)) if kinds else []

    def _stated(self, sentence: Sentence, plain: str, kinds: set[str]) -> Iterator[Reading]:
        finders = self.finders
        if "status" in kinds:
            yield from self.status_items(sentence, plain)
        if "severity" in kinds:
            yield from finders.severity.in_sentence(sentence)
        if "phase" in kinds:
            yield from finders.phase.in_sentence(sentence)
        if "commander" in kinds:
            yield from finders.people.commander_in_sentence(sentence, self.author, self.ahead)
        if "role" in kinds:
            yield from finders.people.roles_in_sentence(sentence, self.author)
        if "channel" in kinds and ("place" in kinds or finders.places.sign.search(plain)):
            yield from finders.places.in_sentence(sentence, finders.names.address)
        if "moment" in kinds:
            yield from finders.moments.in_sentence(sentence, self.anchor, finders.names.zone)
        if "unchanged" in kinds:
            yield from self.unchanged(sentence, plain)

    def status_items(self, sentence: Sentence, plain: str) -> Iterator[Reading]:
        """Read S2 and #name where they stand alone between separators of a status line."""
        if len(plain) > 200:
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
            if place is None and self._is_status(piece.lstrip()):
                place = self.finders.places.ends(piece)
            if place is not None:
                yield Reading("channel", place, piece, Strength.STATUS, sentence.where)

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
        if not self.finders.cues.unchanged.hint.search(plain):
            return
        if plain.rstrip().endswith("?"):
            return
        for field, (behind, ahead) in self.finders.unchanged.items():
            match = behind.search(plain) or ahead.search(plain)
            if match:
                quote = sentence.words(match.start(), match.end())
                yield Reading(field, None, quote, Strength.PROSE, sentence.where, "current")

    def says_more(self, sentence: Sentence, found: Sequence[Reading]) -> bool:
        """Whether a sentence says anything besides fields: the description."""
        plain = sentence.plain
        for reading in found:
            plain = plain.replace(comparable(reading.words).plain, " ", 1)
        if _FIVE_WORDS.match(plain):
            return True
        words = _ANY_WORD.findall(plain)
        if not words or self._greets(words):
            return False
        if _EAST_ASIAN.search(plain):
            return True
        # Beside a start alone the rest is news: "Every insert fails since 09:05."
        return len(words) >= (4 if {r.field for r in found} - {"started_at"} else 2)

    def _greets(self, words: Sequence[str]) -> bool:
        """Whether a few words greet: "Hi all", "Dear Anna"; "All barriers crashed" says something."""
        finders = self.finders
        phrases = (" ".join(words[:n]).lower() for n in (3, 2, 1))
        greeting = next((phrase for phrase in phrases if phrase in finders.greetings), "")
        rest = words[len(greeting.split()) :]
        return bool(greeting) and all(
            word[:1].isupper() or word.lower() in finders.greeted for word in rest
        )


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
