"""The reading of a subject: tags, fields at its start and end, and the summary that is left."""

import re

from maild.reading.body import TextReading
from maild.reading.reading import Reading, Strength
from maild.reading.statements import Sentence, comparable, labelled, sentences


class SubjectReading:
    """The reading of one subject, whose marks of reply and forward are already off."""

    def __init__(self, run: TextReading, subject: str, tags: frozenset[str] = frozenset()) -> None:
        self.run, self.finders = run, run.finders
        self.subject, self.tags = subject, self.finders.tags | tags

    def read(self) -> str:
        """Collect the readings; give the summary."""
        subject = re.sub(r"\[([^\[\]]{1,60})\]", self._tag, self.subject).strip()
        text = comparable(subject)
        items = [
            item
            for item in labelled(text, self.finders.labels, self.finders.grammar, "subject")
            if item.label in self.finders.known
        ]
        other_times = self.finders.other_times
        if other_times.may_hold_samples(text.plain) and other_times.samples(text.plain):
            return re.sub(r"\s+", " ", subject).strip()
        end = len(text.plain)
        for item in items:
            if self.run.label(item) is not None:
                end = min(end, item.at) if item.at else end
        summary = text.words(0, end).strip(" |,;–—-(") if end else ""
        summary = summary.rstrip(" /")
        if summary.startswith("/") and not summary[1:2].isalnum():  # "/home is full" is no mark
            summary = summary.lstrip(" /")
        summary = self._ends(summary)
        text = comparable(summary)
        for sentence in sentences(text, 0, len(text.plain), self.finders.grammar, "subject"):
            found = [
                r
                for r in self.run.sentence(sentence)
                if r.field in ("severity", "phase", "commander", "channel")
            ]
            self.run.readings += found
        return re.sub(r"\s+", " ", summary).strip()

    def _tag(self, match: re.Match[str]) -> str:
        """Read a bracketed tag; a field's, the list's or an incident's is no part of the summary."""
        content = match[1].strip()
        if content.lower() in self.tags or re.fullmatch(r"INC-\d{4}-\d{4,}", content, re.I):
            return " "
        found = self._fields(content, tag=True)
        self.run.readings += found
        return " " if found else match[0]

    def _fields(self, content: str, *, tag: bool) -> list[Reading]:
        """Read a piece of the subject that consists of nothing but fields; else nothing."""
        found: list[Reading] = []
        for piece in re.split(r"\s*[|,;/·]\s*|\s+[-–]\s+", content):
            one = self._field(piece.strip(" :"), tag)
            if not one:
                return []
            found += one
        return found

    def _field(self, piece: str, tag: bool) -> list[Reading]:
        severity, phase = self.finders.severity, self.finders.phase
        plain = comparable(piece).plain
        ahead = severity.ahead.match(plain)
        if ahead or ((tag or plain.isupper()) and severity.status.match(plain)):
            at = ahead.end() if ahead and not plain[ahead.end() : ahead.end() + 1].isdigit() else 0
            read = severity.scale.phrase(plain, at, words=True, short=True)
            rest = plain[read.end :].strip(" :").lower()
            if not read.empty and rest in ("", *self.finders.rules.severity.nouns):
                return [
                    *(
                        Reading("severity", n, piece, Strength.STATUS, "subject")
                        for n in read.numbers
                    ),
                    *(
                        [
                            Reading(
                                "severity", read.off, piece, Strength.STATUS, "subject", "invalid"
                            )
                        ]
                        if read.off
                        else []
                    ),
                ]
        ahead = phase.ahead.match(plain)
        if ahead:
            read = phase.scale.phrase(plain, ahead.end(), words=True)
            if not read.empty and not plain[read.end :].strip():
                return [
                    *(Reading("phase", n, piece, Strength.STATUS, "subject") for n in read.numbers),
                    *(
                        [Reading("phase", read.off, piece, Strength.STATUS, "subject", "invalid")]
                        if read.off
                        else []
                    ),
                ]
        number = phase.tag(plain) if tag or plain.isupper() else None
        if number is not None:
            return [Reading("phase", number, piece, Strength.STATUS, "subject")]
        return self._person_or_place(piece)

    def _person_or_place(self, piece: str) -> list[Reading]:
        """Read "IC Anna Berg" or "#inc-gates" where that is all that a piece of the subject says."""
        text = comparable(piece)
        place = self.finders.places.item(text.plain)
        if place is not None:
            return [Reading("channel", place, piece, Strength.STATUS, "subject")]
        if "commander" not in self.finders.kinds_in(text.plain):
            return []
        whole = Sentence(text, 0, len(text.plain), "subject")
        named = self.finders.people.commander_in_sentence(whole, self.run.author, self.run.ahead)
        return [reading for reading in named if reading.words == piece][:1]

    def _ends(self, summary: str) -> str:
        """Take fields off the start ("SEV2: ...") and the end ("..., phase 1", "... (SEV2)")."""
        while True:
            found = self._fields(summary, tag=False) if summary else []
            if found:
                self.run.readings += found
                return ""
            match = re.match(r"^(.{1,40}?)(?:\s*[:|]\s+|\s+[–—-]\s+|,\s+)(?=\S)", summary)
            found = self._fields(match[1], tag=False) if match else []
            if match and found:
                self.run.readings += found
                summary = summary[match.end() :]
                continue
            match = re.search(
                r"(?:\s*[|,;]\s*|\s+[–—-]\s+|\s*\(|:\s+)([^|,;()]{1,40})\)?$", summary
            )
            found = self._fields(match[1], tag=match[0].strip().startswith("(")) if match else []
            if match and found:
                self.run.readings += found
                summary = summary[: match.start()]
                continue
            return summary
