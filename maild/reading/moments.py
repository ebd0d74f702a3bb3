"""Moments: the promised next update, and the start.

A time without a zone is in the organisation's; one without a date is the nearest that makes sense
from the mail's Date (reading rules, sections 1 "Times" and 8.6).
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo

from maild.reading.grammar import Grammar, alternatives
from maild.reading.reading import Reading, Strength
from maild.reading.rules import TimeRules
from maild.reading.statements import REACH, Labelled, Sentence

JUST_BEGUN: Final = timedelta(minutes=30)

Direction = Literal["ahead", "behind"]


class MomentFinder:
    """Finds moments with the words of one rule set."""

    def __init__(self, rules: TimeRules, grammar: Grammar) -> None:
        self.rules = rules
        self.labels = {
            **dict.fromkeys(rules.next_update, "next_update"),
            **dict.fromkeys(rules.started, "started_at"),
        }
        self.units = _unit_words(rules)
        self.counts = rules.counts
        self.months = _numbered(rules.months, 1)
        self.weekdays = _numbered(rules.weekdays, 0)
        self.relative = _relative(rules, grammar)
        self.clock = _clock(rules)
        self.day = _day(rules)
        self.promise = _promise(rules)
        about, ahead = alternatives(rules.about), alternatives(rules.ahead)
        self.since = re.compile(
            rf"(?<!\w)(?:{alternatives(rules.prose_start)})\s+(?:(?:{about})\s*)?", re.I
        )
        self.no_start = re.compile(
            rf"(?<!\w)(?:{alternatives(rules.no_start)})(?:\s+[\w'-]+){{0,3}}\s*$", re.I
        )
        self.no_promise = re.compile(rf"\b(?:{alternatives(rules.no_promise)})\b", re.I)
        self.lead = re.compile(
            rf"[\s:–=-]*(?:(?:{ahead}|{about}|{alternatives(rules.due)})(?:\s+|(?<=~)))*", re.I
        )
        self.hour = re.compile(
            rf"(?:\d{{1,2}}|{alternatives(grammar.numbers)})\s*(?:[,.;)]|$)", re.I
        )
        self.ago = re.compile(rf"\s*(?:{alternatives(rules.words.ago)})\b", re.I)
        self.trigger = (*rules.prose_next_update, *rules.promised, *rules.prose_start)

    def in_label(
        self, item: Labelled, anchor: datetime, zone: tzinfo
    ) -> tuple[Reading | None, int]:
        """Read "Next update: ..." or "Started: ..."; None where it is no time that fits."""
        field = self.labels[item.label]
        line_end = item.line_end - item.start
        value = item.value if not item.value[:line_end].strip() else item.value[:line_end]
        at = self.moment(value, anchor, zone, "ahead" if field == "next_update" else "behind")
        end = item.start + len(value)
        if at is None:
            return None, end
        words = item.text.words(item.at, end).strip()
        return Reading(field, at, words, Strength.LABEL, item.where), end

    def in_sentence(self, sentence: Sentence, anchor: datetime, zone: tzinfo) -> Iterator[Reading]:
        """Find "next update in 30 min" and "since 22:14 UTC"."""
        plain = sentence.plain
        for match in self.promise.finditer(plain):
            at = self.moment(plain[match.end() : match.end() + 60], anchor, zone, "ahead")
            if at is not None and not self.no_promise.search(plain[: match.start()][-25:]):
                words = sentence.words(match.start(), min(len(plain), match.end() + 40))
                yield Reading("next_update", at, words, Strength.PROSE, sentence.where)
                return
        for match in self.since.finditer(plain):
            if self.no_start.search(" ".join(plain[: match.start()][-REACH:].split()[-4:])):
                continue
            rest = plain[match.end() : match.end() + 40]
            clock = self._clock(rest)
            day = self.day.match(rest)
            if (
                clock
                and clock.start() == 0
                and (clock["zone"] or clock["minute"] or clock["half"] or clock["packed"])
            ) or (day and clock):
                at = self.moment(rest, anchor, zone, "behind")
                if at is not None:
                    words = sentence.words(
                        match.start(), match.end() + (clock.end() if clock else 0)
                    )
                    yield Reading("started_at", at, words, Strength.PROSE, sentence.where)
                    return

    def lies_ahead(self, text: str, anchor: datetime, zone: tzinfo) -> bool:
        """Whether a text begins with a time to come; without a date the nearest counts, "six" is one.

        A time without a zone may be the list's or the author's: what has just begun in one of them
        has begun.
        """
        lead = self.lead.match(text)
        text = text[lead.end() if lead else 0 :][:40]
        relative = self.relative.match(text)
        if relative is not None:
            return self.ago.match(text, relative.end()) is None
        clock, day = self._clock(text), self.day.match(text)
        if day is not None and clock is None:
            said = self._day(day, anchor, "ahead")
            return said is not None and said > anchor.date()
        if day is None and (clock is None or clock.start()):
            return self.hour.match(text) is not None
        ahead = False
        for where in (zone, anchor.tzinfo or zone):
            later = self.moment(text, anchor, where, "ahead")
            earlier = self.moment(text, anchor, where, "behind")
            if later is None or earlier is None:
                continue
            if timedelta() <= anchor - earlier <= JUST_BEGUN:
                return False
            ahead = ahead or (
                later > anchor if later == earlier else later - anchor <= anchor - earlier
            )
        return ahead

    def moment(
        self, text: str, anchor: datetime, zone: tzinfo, direction: Direction
    ) -> datetime | None:
        """Read a moment from the start of a text; UTC, None where there is none.

        anchor: the mail's Date in its own zone. zone: the organisation's.
        """
        lead = self.lead.match(text)
        text = text[lead.end() :] if lead else text
        relative = self.relative.match(text)
        if relative and direction == "ahead":
            return self._relative(relative, anchor)
        if relative and self.ago.match(text, relative.end()):
            return anchor.astimezone(UTC) - (
                self._relative(relative, anchor) - anchor.astimezone(UTC)
            )
        return self._absolute(text, anchor, zone, direction)

    def _relative(self, match: re.Match[str], anchor: datetime) -> datetime:
        word = match["count"].lower()
        count = self.counts.get(re.sub(r"\s+", " ", word)) or float(word.replace(",", "."))
        unit = self.units[match["unit"].lower()]
        step = {
            "minute": timedelta(minutes=1),
            "hour": timedelta(hours=1),
            "day": timedelta(days=1),
        }[unit]
        more = (
            timedelta(minutes=int(match["more"]))
            if match["more"] and unit == "hour"
            else timedelta()
        )
        return anchor.astimezone(UTC) + step * count + more

    def _clock(self, text: str) -> re.Match[str] | None:
        for match in self.clock.finditer(text[:60]):
            sure = (
                match["minute"]
                or match["half"]
                or match["packed"]
                or match["word"]
                or match["zone"]
                or (match["clock"] and match["clock"].lower() not in self.units)
            )
            follows = text[match.end() : match.end() + 1]
            before = text[max(0, match.start() - 1) : match.start()]
            if (
                sure
                and follows not in ("-", "/", "%")
                and before not in ("-", "/", ".", ":", "#", "$")
            ):
                return match
        return None

    def _absolute(
        self, text: str, anchor: datetime, zone: tzinfo, direction: Direction
    ) -> datetime | None:
        day_match = self.day.search(text[:40])
        text_for_clock = text
        if day_match:
            text_for_clock = (
                text[: day_match.start()] + " " * len(day_match[0]) + text[day_match.end() :]
            )
        match = self._clock(text_for_clock)
        if match is None or match.start() > 40:
            return None
        at = self._time_of_day(match)
        where = self._zone(match["zone"] or "", anchor, zone)
        if at is None or where is None:
            return None
        local = anchor.astimezone(where)
        day = self._day(day_match, local, direction) if day_match else None
        base = day or local.date()
        try:
            moment = datetime(base.year, base.month, base.day, at[0] % 24, at[1], tzinfo=where)
        except ValueError:
            return None
        moment += timedelta(days=1) if at[0] == 24 else timedelta()
        if day is None:
            moment = _nearest(moment, anchor, direction)
        return moment.astimezone(UTC)

    def _time_of_day(self, match: re.Match[str]) -> tuple[int, int] | None:
        if match["word"]:
            return (0, 0) if match["word"].lower() in self.rules.words.midnight else (12, 0)
        if match["packed"]:
            return int(match["packed"][:2]), int(match["packed"][2:])
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        half = (match["half"] or "").lower().replace(".", "")
        if half:
            hour = hour % 12 + (12 if half == "pm" else 0)
        return (hour, minute) if hour <= 24 and minute < 60 else None

    def _zone(self, said: str, anchor: datetime, zone: tzinfo) -> tzinfo | None:
        """Say which zone an abbreviation means; None where several do and none fits."""
        said = said.strip(" ()")
        if not said:
            return zone
        match = re.fullmatch(r"(?P<name>[A-Za-z_/]*)\s?(?P<offset>[+-]\d{1,2}(?::?\d{2})?)?", said)
        if match is None:
            return zone
        if match["offset"]:
            return _offset(match["offset"])
        if "/" in said:
            return _named(said)
        meanings = self.rules.zones.get(said.upper(), ())
        zones = [_offset(m) if m[0] in "+-" else _named(m) for m in meanings]
        if len(zones) == 1:
            return zones[0]
        for reference in (anchor.utcoffset(), anchor.astimezone(zone).utcoffset()):
            for candidate in zones:
                if candidate is not None and anchor.astimezone(candidate).utcoffset() == reference:
                    return candidate
        return None

    def _day(self, match: re.Match[str], local: datetime, direction: Direction) -> date | None:
        today = local.date()
        try:
            if match["iso"]:
                return date.fromisoformat(match["iso"])
            if match["dmy"]:
                day, month, *year = (int(part) for part in match["dmy"].split(".") if part)
                return date(year[0] if year else today.year, month, day)
            if match["m1"] or match["m2"]:
                month = self.months[(match["m1"] or match["m2"]).lower()]
                said = int(match["y1"] or match["y2"] or today.year)
                return date(said, month, int(match["d1"] or match["d2"]))
        except ValueError:
            return None
        if match["weekday"]:
            ahead = (self.weekdays[match["weekday"].lower()] - today.weekday()) % 7
            return today + timedelta(
                days=ahead if direction == "ahead" else ahead - 7 if ahead else 0
            )
        if match["tomorrow"]:
            return today + timedelta(days=1)
        return today - timedelta(days=1) if match["yesterday"] else today


def _relative(rules: TimeRules, grammar: Grammar) -> re.Pattern[str]:
    """Compile "in about 2 hours and 30"."""
    count, unit = alternatives(rules.counts), alternatives(_unit_words(rules))
    minute = alternatives(rules.units.get("minute", ()))
    return re.compile(
        rf"(?:(?:{alternatives(rules.ahead)})\s+)?(?:(?:{alternatives(rules.about)})\s*)?"
        rf"(?P<count>\d{{1,4}}(?:[.,]\d+)?|{count})\s*-?(?P<unit>{unit})(?!\w)"
        rf"(?:\s*(?:(?:{grammar.join})\s+)?(?P<more>\d{{1,2}})\s*(?:{minute})?(?!\w))?",
        re.I,
    )


def _unit_words(rules: TimeRules) -> dict[str, str]:
    return {word: unit for unit, words in rules.units.items() for word in words}


def _clock(rules: TimeRules) -> re.Pattern[str]:
    """Compile a time of day: "14:30 UTC", "5pm PT", "1430 CET", "noon"."""
    zones = alternatives(rules.zones)
    words = alternatives((*rules.words.noon, *rules.words.midnight))
    return re.compile(
        rf"(?:(?P<hour>\d{{1,2}})(?:[:.h](?P<minute>\d{{2}}))?(?::\d{{2}})?\s*(?P<half>[ap]\.?m\.?)?|(?P<packed>[0-2]\d[0-5]\d)(?=\s*(?:h\b|hrs?\b|[A-Z]))|(?P<word>{words}))"
        rf"\s*(?:(?P<clock>{alternatives(rules.clock)})(?!\w))?\s*\(?(?P<zone>(?:(?-i:{zones})|utc|gmt|(?-i:[A-Z][a-z]+/[A-Z][A-Za-z_]+))?(?:\s?[+-]\d{{1,2}}(?::?\d{{2}})?(?!\d|-))?)(?![\w/])",
        re.I,
    )


def _day(rules: TimeRules) -> re.Pattern[str]:
    """Compile a day: "2026-03-14", "14.3.", "March 14th", "Monday", "tomorrow"."""
    month = alternatives(word for words in rules.months for word in words)
    weekday = alternatives(word for words in rules.weekdays for word in words)
    ordinal = rf"(?:{alternatives(rules.ordinals)})?"
    words = rules.words
    return re.compile(
        rf"(?<!\w)(?:(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})|(?P<dmy>\d{{1,2}}\.\d{{1,2}}\.(?:\d{{4}})?)|(?P<d1>\d{{1,2}}){ordinal}\.?\s+(?P<m1>{month})(?:\s+(?P<y1>\d{{4}}))?"
        rf"|(?P<m2>{month})\.?\s+(?P<d2>\d{{1,2}}){ordinal}(?:,?\s+(?P<y2>\d{{4}}))?|(?P<weekday>{weekday})"
        rf"|(?P<tomorrow>{alternatives(words.tomorrow)})|(?P<today>{alternatives(words.today)})|(?P<yesterday>{alternatives(words.yesterday)}))(?<!\s)(?!\w)",
        re.I,
    )


def _promise(rules: TimeRules) -> re.Pattern[str]:
    """Compile what promises the next update, up to its time."""
    fillers = rf"(?:\s+(?:{alternatives(rules.promise_fillers)}))*"
    links = alternatives((*rules.promise_links, *rules.promise_fillers))
    ahead, about = alternatives(rules.ahead), alternatives(rules.about)
    days = (*rules.words.tomorrow, *rules.words.today, *(w for day in rules.weekdays for w in day))
    day = rf"(?:{alternatives(days)})\.?,?\s+(?:(?:{ahead}|{about})\s+)?\d"
    return re.compile(
        rf"(?<!\w)(?:{alternatives(rules.prose_next_update)}|(?:{alternatives(rules.promises)}){fillers}\s+(?:{alternatives(rules.promised)}))"
        rf"(?:\s+(?:{links}))*[\s,:–-]*(?=(?:{ahead}|{about})\s|{day}|\d)",
        re.I,
    )


def _numbered(forms: tuple[tuple[str, ...], ...], first: int) -> dict[str, int]:
    return {word: number for number, words in enumerate(forms, first) for word in words}


def _nearest(moment: datetime, anchor: datetime, direction: Direction) -> datetime:
    if direction == "ahead" and moment < anchor - timedelta(minutes=1):
        return moment + timedelta(days=1)
    if direction == "behind" and moment > anchor + timedelta(minutes=1):
        return moment - timedelta(days=1)
    return moment


def _offset(text: str) -> tzinfo | None:
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    hours, minutes = (
        (int(digits[:2]), int(digits[2:] or 0))
        if len(digits) != 3
        else (int(digits[0]), int(digits[1:]))
    )
    return timezone(sign * timedelta(hours=hours, minutes=minutes)) if hours < 24 else None


def _named(name: str) -> tzinfo | None:
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
