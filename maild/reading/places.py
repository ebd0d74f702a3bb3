"""Places: where the response is coordinated. A #name, an URL, a phone number with its PIN, a room."""

import re
from collections.abc import Iterator

from maild.reading.cues import Cues
from maild.reading.reading import Reading, Strength
from maild.reading.rules import ChannelRules, NameRules
from maild.reading.statements import Labelled, Sentence, alternatives

_URL = r"https?://[^\s<>\"'`|]+"
_HASH = r"(?<![\w/#&])#(?=[\w.-]*[^\W\d_])[\w](?:[\w.:/-]*\w)?"
_BARE_HOST = r"(?<![\w@./])(?:[\w-]+\.)+(?:us|com|net|org|io|chat|app|dev|eu|de|me)/[^\s<>\"'|]+"
_STRONG_LABEL = re.compile(
    r"channel|bridge|room|slack|zoom|teams|meet$|webex|matrix|irc|mattermost|discord|chat|post|zulip|jitsi|huddle|line|dial|telephone|coordinat",
    re.I,
)


class PlaceFinder:
    """Finds channels with the words of one rule set."""

    field = "channel"

    def __init__(self, rules: ChannelRules, names: NameRules, cues: Cues) -> None:
        self.labels = frozenset(rules.labels)
        self.nobody = frozenset(names.nobody)
        self.cues = cues
        pins = alternatives(rules.pins)
        phone = (
            rf"(?<![\w#/.])(?:\+\s?\d|\(?0\d|\d{{3,4}}[\s-])[\d\s().\-/]{{4,}}\d(?:\s*(?:x|ext\.?)\s*\d+)?"
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
        self.purpose = re.compile(
            rf",?\s*(?:(?:\(?(?:channel|room|on\s+\w+|in\s+\w+)\)?,?)\s+){{0,2}}(?:{alternatives(rules.purposes)})(?!\w)",
            re.I,
        )
        self.trigger = frozenset(
            word for phrase in rules.introducers for word in phrase.split()[:1]
        ) | frozenset(word for phrase in rules.purposes for word in phrase.split()[-1:])

    def in_label(self, item: Labelled, list_address: str) -> tuple[list[Reading], int]:
        """Read "Channel: ..."; the second is where the value ends in the text."""
        value, end = self._value(item)
        words = item.text.words(item.at, end).strip()
        said = value.strip(" .,;").lower()
        if not said or said in self.nobody or value.strip() in self.nobody:
            return [Reading("channel", None, words, Strength.LABEL, item.where, "missing")], end
        found = [
            self._written(item, place) for place in self._places(item.text.plain, item.start, end)
        ]
        if not found and self.this_list.search(value) and list_address:
            found = [list_address]
        if not found and _STRONG_LABEL.search(item.label):
            found = self._free(item, value)
        return [
            Reading("channel", place, words, Strength.LABEL, item.where) for place in found
        ], end

    def item(self, piece: str) -> str | None:
        """Read an item of a status line that is a place and nothing else: "#x", "channel #x"."""
        match = self.labelled_item.fullmatch(piece)
        place = self.place.fullmatch(match[1]) if match else None
        return piece[match.start(1) :] if match and place and not place["phone"] else None

    def _free(self, item: Labelled, value: str) -> list[str]:
        """Take a place that is none of the known forms as written: a room's name, a meeting id."""
        start = item.start + len(value) - len(value.lstrip(" \t\n"))
        head = re.split(
            r"[,;\n(]|\.(?=\s|$)|\s(?:on|in|at|via)\s|\s[-–]\s", value.strip(" \t\n"), maxsplit=1
        )[0].strip()
        if not head or "@" in head or len(head) > 60 or head.count(" ") > 5:
            return []
        if head.count(" ") > 2 and not re.search(r"\d", head):
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
            if sentence and not re.search(
                r"(?i)\b(?:room|pin|ext)$", value[at : at + sentence.start()]
            ):
                return value[: at + sentence.start() + 1], item.start + at + sentence.start() + 1
            if end < 0:
                return value, item.end
            line, rest = value[at:end], value[end + 1 :].lstrip()
            wrapped = len(line) > 55 and not re.search(r"[.!?]\s*$", line)
            goes_on = re.search(r"(?:[,;/&]|\band|\bor|\bPIN|\bat)\s*$", line, re.I) is not None
            if not (goes_on or self.place.match(rest) or (wrapped and rest[:1].islower())):
                return value[:end], item.start + end
            at = end + 1

    def _places(self, plain: str, start: int, end: int) -> Iterator[re.Match[str]]:
        """List the places of a span; an URL shown twice, or behind a name in brackets, is one."""
        last_end, last = -1, None
        for match in self.place_or_room.finditer(plain, start, end):
            between = plain[last_end : match.start()] if last is not None else ""
            bracketed = match["url"] and re.fullmatch(r"\s*(?:[<(\[]|\]\()\s*", between)
            if last is not None and bracketed:
                last_end = match.end()
                continue
            before = plain[max(start, match.start() - 24) : match.start()]
            if re.search(
                r"(?:\bwas|\bnot|\binstead of|\bformerly|\bno longer(?: in| on)?|\bold|\bpreviously|\bdashboard|\bticket|\bstatus page|\brunbook|\bfrom)[\s:(]*(?:in |on |at )?$",
                before,
                re.I,
            ):
                continue
            last_end, last = match.end(), match
            yield match

    def _written(self, item: Labelled | Sentence, match: re.Match[str], offset: int = 0) -> str:
        text = item.text.words(offset + match.start(), offset + match.end())
        return _trimmed(re.sub(r"\s+", " ", text), match)

    def in_sentence(self, sentence: Sentence, list_address: str) -> Iterator[Reading]:
        """Find the places that a sentence leads to with words such as "coordinating via"."""
        plain = sentence.plain
        for match in self.introducer.finditer(plain):
            if self.cues.over("channel", plain, match.start(), match.end()) is not None:
                continue
            weak = self.weak.fullmatch(match[0]) is not None
            found = list(self._led_to(plain, match.end(), weak))
            for place in found:
                words = sentence.words(match.start(), place.end())
                value = self._written(sentence, place, sentence.start)
                yield Reading("channel", value, words, Strength.PROSE, sentence.where)
            if found:
                return
            named = self.this_list.match(plain[match.end() :].lstrip(" :"))
            if named and not weak and list_address:
                words = sentence.words(match.start(), match.end() + named.end() + 1)
                yield Reading("channel", list_address, words, Strength.PROSE, sentence.where)
                return
        yield from self._with_purpose(sentence)

    def _with_purpose(self, sentence: Sentence) -> Iterator[Reading]:
        """Find a place that the words behind it make the channel: "use #x for coordination"."""
        plain = sentence.plain
        for place in self._places(plain, 0, len(plain)):
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
            if len(between) > gap or re.search(
                r"[.;!?]\s|\b(?:dashboard|ticket|graph|runbook|status page|wiki|log|case)\b",
                between,
                re.I,
            ):
                return
            if weak and not re.fullmatch(
                r"[\s:]*(?:(?:the|us|our|me|a|an|now|all|channel|slack|teams|zoom|bridge|call|incident|meeting|to|at|on|in|via|dedicated|new|room|link|war|is|this)[\s:]+)*[\s:]*",
                between,
                re.I,
            ):
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
