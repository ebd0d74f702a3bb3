"""Places: where the response is coordinated. A #name, an URL, a phone number with its PIN, a room."""

import re
from collections.abc import Iterator
from itertools import islice

from maild.reading.cues import Cues
from maild.reading.grammar import MAX_CANDIDATES, Grammar, alternatives, candidates
from maild.reading.reading import Reading, Strength
from maild.reading.rules import ChannelRules, NameRules
from maild.reading.statements import Labelled, Sentence, number_goes_on

_URL = r"https?://[^\s<>\"'`|]+"
_HASH = r"(?<![\w/#&])#(?=[\w.-]*[^\W\d_])[\w](?:[\w.:/-]*\w)?"
_BARE_HOST = r"(?<![\w@./])(?:[\w-]+\.)+(?:us|com|net|org|io|chat|app|dev|eu|de|me)/[^\s<>\"'|]+"


class PlaceFinder:
    """Finds channels with the words of one rule set."""

    field = "channel"

    def __init__(self, rules: ChannelRules, names: NameRules, cues: Cues) -> None:
        self.labels = frozenset(rules.labels)
        self.nobody = frozenset(names.nobody)
        self.cues = cues
        grammar = cues.grammar
        pins, extensions = alternatives(rules.pins), alternatives(rules.extensions)
        phone = (
            rf"(?<![\w#/.])(?:\+\s?\d|\(?0\d|\d{{3,4}}[\s-])[\d\s().\-/]{{4,}}\d(?:\s*(?:{extensions})\s*\d+)?"
            rf"(?:[\s,;(]*(?:{pins})[\s:#.is]*\d[\d \-]*\d?#?)?"
        )
        rooms = alternatives(rules.rooms)
        room = (
            rf"(?<!\w)(?:{rooms})\s+(?-i:[A-Z0-9][\w.\-]*|\d[\w.\-]*)(?:\s+(?-i:[A-Z0-9][\w.\-]*))?"
        )
        self.place = re.compile(
            rf"(?P<url>{_URL})|(?P<hash>{_HASH})|(?P<phone>{phone})|(?P<host>{_BARE_HOST})", re.I
        )
        self.place_or_room = re.compile(
            rf"(?P<url>{_URL})|(?P<hash>{_HASH})|(?P<phone>{phone})|(?P<host>{_BARE_HOST})|(?P<room>{room})",
            re.I,
        )
        self.labelled_item = re.compile(
            rf"(?:(?:{alternatives(rules.labels)})\s+)?((?:#|https?://)\S+)", re.I
        )
        self.this_list = re.compile(
            rf"(?<![\w-])(?:{alternatives(rules.this_list)})(?![\w-])", re.I
        )
        self.introducer = re.compile(rf"(?<!\w)(?:{alternatives(rules.introducers)})(?!\w)", re.I)
        self.weak = re.compile(rf"(?:{alternatives(rules.weak_introducers)})", re.I)
        self.trigger = (*rules.introducers, *rules.purposes)
        self.rooms = frozenset(rules.rooms)
        # "Town hall, 1st floor", "War room: the blue container behind gate C"
        self.floor = re.compile(rf",\s*(?:(?:\w+\s+){{0,2}}(?:{rooms})|{room})(?=[.,;)]|$)", re.I)
        # "Maintenance Office B": the words in front of a room's are part of its name.
        self.named = re.compile(r"\s*(?:[^\W\d_a-z][\w'-]*\s+){1,3}")
        self.described = re.compile(rf"(?:{grammar.articles})\s", re.I)
        self.sign = re.compile(r"[#/\d]")
        self.words = (*rules.rooms, *rules.this_list)
        self._compile(rules, grammar)

    def _compile(self, rules: ChannelRules, grammar: Grammar) -> None:
        """Compile what stands around a place."""
        self.weak_labels = frozenset(rules.weak_labels)
        self.parts = frozenset((*rules.pins, *rules.extensions))
        self.part = re.compile(rf"(?:{alternatives(self.parts)})\s*[:#.]?\s*\d", re.I)
        self.no_place = re.compile(
            rf"\b(?:{alternatives(rules.no_place)})[\s:(]*(?:(?:{grammar.prepositions})\s+)?$", re.I
        )
        self.elsewhere = re.compile(
            rf"[.;!?]\s|\b(?:{alternatives(rules.no_place_follows)})\b", re.I
        )
        self.between = re.compile(
            rf"[\s:]*(?:(?:{alternatives(rules.between)})[\s:]+)*[\s:]*", re.I
        )
        self.goes_on = re.compile(
            rf"(?:[,;/&]|\b(?:{grammar.join}|{alternatives(rules.pins)}|{grammar.prepositions}))\s*$",
            re.I,
        )
        between = rf"\(?(?:{alternatives(rules.between)}|(?:{grammar.prepositions})\s+\w+)\)?,?\s+"
        self.purpose = re.compile(
            rf",?\s*(?:{between}){{0,2}}(?:{alternatives(rules.purposes)})(?!\w)", re.I
        )
        no_last = alternatives(rules.no_place_last)
        self.last = re.compile(rf"\b(?!(?:{no_last})\s)\w+\s(#(?=\S*[^\W\d_])[\w.-]*\w)$", re.I)
        words = alternatives((*rules.rooms, *rules.pins, *rules.extensions))
        self.unended = re.compile(rf"(?<![\w#/])(?:{words})$", re.I)
        self.remark = re.compile(
            rf"[,;\n(]|\.(?=\s|$)|\s(?:{grammar.prepositions})\s|\s[-–]\s", re.I
        )

    def in_label(self, item: Labelled, list_address: str) -> tuple[list[Reading], int]:
        """Read "Channel: ..."; the second is where the value ends in the text."""
        value, end = self._value(item)
        words = item.text.words(item.at, end).strip()
        said = value.strip(" .,;").lower()
        if not said or said in self.nobody or value.strip() in self.nobody:
            return [Reading("channel", None, words, Strength.LABEL, item.where, "missing")], end
        places = list(self._places(item.text.plain, item.start, end))
        found = [self._written(item, place) for place in places]
        if (
            len(places) == 1
            and places[0]["room"]
            and self.named.fullmatch(value[: places[0].start() - item.start])
        ):
            found = self._free(item, value) or found
        if not found and self.this_list.search(value) and list_address:
            found = [list_address]
        if not found and item.label not in self.weak_labels:
            found = self._free(item, value)
        return [
            Reading("channel", place, words, Strength.LABEL, item.where) for place in found
        ], end

    def item(self, piece: str) -> str | None:
        """Read an item of a status line that is a place and nothing else: "#x", "channel #x"."""
        match = self.labelled_item.fullmatch(piece)
        place = self.place.fullmatch(match[1]) if match else None
        return piece[match.start(1) :] if match and place and not place["phone"] else None

    def ends(self, piece: str) -> str | None:
        """Read the #name at the end of an item of a status line: "IC Ramon Diaz #bgp-flap"."""
        match = self.last.search(piece)
        return match[1] if match else None

    def _free(self, item: Labelled, value: str) -> list[str]:
        """Take a place that is none of the known forms as written: a room's name, a meeting id."""
        start = item.start + len(value) - len(value.lstrip(" \t\n"))
        said = value.strip(" \t\n")
        head = self.remark.split(said, maxsplit=1)[0].strip()
        floor = self.floor.match(said, len(head))
        head = said[: floor.end()] if head and floor else head
        if not head or "@" in head or len(head) > 60 or head.count(" ") > 7:
            return []
        described = item.label in self.rooms and self.described.match(head)
        if head.count(" ") > 2 and not described and not re.search(r"\d", head):
            return []
        return [item.text.words(start, start + len(head)).strip(" .*")]

    def _value(self, item: Labelled) -> tuple[str, int]:
        """Give the value's line, and the next ones that go on with a place."""
        value = item.value
        lead = len(value) - len(value.lstrip(" \t\n"))
        at = lead
        while True:
            end = value.find("\n", at)
            sentence = re.search(r"[.!?]\s+(?-i:[A-Z])", value[at : end if end >= 0 else None])
            if sentence and not self.unended.search(value[at : at + sentence.start()]):
                return value[: at + sentence.start() + 1], item.start + at + sentence.start() + 1
            if end < 0:
                return value, item.end
            line, rest = value[at:end], value[end + 1 :].lstrip()
            wrapped = len(line) > 55 and not re.search(r"[.!?]\s*$", line)
            if not (
                self.goes_on.search(line)
                or self.place.match(rest)
                or self._goes_on(line, rest)
                or (wrapped and rest[:1].islower())
            ):
                return value[:end], item.start + end
            at = end + 1

    def _goes_on(self, line: str, rest: str) -> bool:
        """Whether a telephone number goes on in the next line: its digits, or its PIN."""
        more = rest[:1].isdecimal() or self.part.match(rest)
        return bool(more) and number_goes_on(line)

    def _places(self, plain: str, start: int, end: int) -> Iterator[re.Match[str]]:
        """List the places of a span; an URL shown twice, or behind a name in brackets, is one."""
        last_end, last = -1, None
        for match in self.place_or_room.finditer(plain, start, end):
            between = plain[last_end : match.start()] if last is not None else ""
            bracketed = match["url"] and re.fullmatch(r"\s*(?:[<(\[]|\]\()\s*", between)
            if last is not None and bracketed:
                last_end = match.end()
                continue
            if self.no_place.search(plain[max(start, match.start() - 24) : match.start()]):
                continue
            last_end, last = match.end(), match
            yield match

    def _written(self, item: Labelled | Sentence, match: re.Match[str], offset: int = 0) -> str:
        text = item.text.words(offset + match.start(), offset + match.end())
        return _trimmed(re.sub(r"\s+", " ", text), match)

    def in_sentence(self, sentence: Sentence, list_address: str) -> Iterator[Reading]:
        """Find the places that a sentence leads to with words such as "coordinating via"."""
        plain = sentence.plain
        last = -1
        for match in candidates(self.introducer, plain):
            if match.start() < last:
                continue
            if self.cues.over("channel", plain, match.start(), match.end()) is not None:
                continue
            weak = self.weak.fullmatch(match[0]) is not None
            found = list(self._led_to(plain, match.end(), weak))
            for place in found:
                words = sentence.words(match.start(), place.end())
                value = self._written(sentence, place, sentence.start)
                yield Reading("channel", value, words, Strength.PROSE, sentence.where)
            if found:
                last = found[-1].end()
                continue
            named = self.this_list.match(plain[match.end() :].lstrip(" :"))
            if named and not weak and list_address and last < 0:
                words = sentence.words(match.start(), match.end() + named.end() + 1)
                yield Reading("channel", list_address, words, Strength.PROSE, sentence.where)
                return
        if last < 0:
            yield from self._with_purpose(sentence)

    def _with_purpose(self, sentence: Sentence) -> Iterator[Reading]:
        """Find a place that the words behind it make the channel: "use #x for coordination"."""
        plain = sentence.plain
        for place in islice(self._places(plain, 0, len(plain)), MAX_CANDIDATES):
            purpose = self.purpose.match(plain, place.end())
            if purpose is None or place["room"]:
                continue
            if self.cues.over("channel", plain, place.start(), purpose.end()) is None:
                words = sentence.words(place.start(), purpose.end())
                value = self._written(sentence, place, sentence.start)
                yield Reading("channel", value, words, Strength.PROSE, sentence.where)

    def _led_to(self, plain: str, at: int, weak: bool) -> Iterator[re.Match[str]]:
        gap = 24 if weak else 60
        for match in self._places(plain, at, len(plain)):
            between = plain[at : match.start()]
            if len(between) > gap or self.elsewhere.search(between):
                return
            if weak and not self.between.fullmatch(between):
                return
            yield match
            at, gap, weak = match.end(), 60, False


def _trimmed(text: str, match: re.Match[str]) -> str:
    text = text.strip(" \t\n")
    if match["url"] or match["host"]:
        text = re.split(r"[\u200b\u200c\u2060\ufeff]", text)[0].rstrip(".,;:!?*_")
        while text.endswith(")") and text.count(")") > text.count("("):
            text = text[:-1]
    elif match["phone"]:
        text = text.strip(" .,;(")
        text = text.rstrip(")") if text.count(")") > text.count("(") else text
    return text.strip("*`\u200b\u200c\ufeff ").rstrip(".,;:")
