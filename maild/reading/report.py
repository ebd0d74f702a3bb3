"""Mail to `Report`: every reading of every field, with its evidence, and what else the mail says.

A report judges nothing. Which of its readings count (an opening's subject, a follow-up's old one)
and whether two of them are in conflict depends on the thread: that is `incident/verdict.py`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from maild.mail.message import Address, Mail
from maild.mail.text import Written, clean_subject, written
from maild.mail.words import ReplyWords
from maild.reading.body import Finders, ListNames, TextReading
from maild.reading.grammar import alternatives
from maild.reading.reading import Reading
from maild.reading.rules import Rules
from maild.reading.statements import (
    comparable,
)
from maild.reading.subject import SubjectReading

MAX_OWN_CHARACTERS: Final = 100_000
MAX_READINGS: Final = 500

ReplyWord = Literal["", "same", "withdraw", "apply", "snooze", "stop"]

_TOKEN = re.compile(r"\[(INC-\d{4}-\d{4,})\]", re.I)


@dataclass(frozen=True, slots=True)
class Report:
    """What a mail says.

    readings: all that count as statements, subject first. summary: the cleaned subject.
    text: the author's own words. prose: those among them that are more than fields and greetings.
    reply_word: the word that the text begins with, if it means something in a reply to a letter of
    ours; rest: what follows it. titled: the value of a summary's label in the text, for an opening
    without a subject. tokens: incident ids in brackets in the subject, upper case.
    author: who the words are by (of a bare forward, the forwarded mail's author).
    subject: the subject as compared with the opening's, lower case, without reply marks and tokens.
    """

    readings: tuple[Reading, ...]
    summary: str
    text: str
    prose: str
    author: Address
    reply_word: ReplyWord = ""
    rest: str = ""
    titled: str = ""
    tokens: tuple[str, ...] = ()
    subject: str = ""
    replied: bool = False
    forwarded: bool = False

    @property
    def description(self) -> bool:
        """Whether the mail says more than fields."""
        return bool(self.prose)

    def of(self, field: str) -> tuple[Reading, ...]:
        """Give the readings of one field."""
        return tuple(reading for reading in self.readings if reading.field == field)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A mail that no reader could read: it took too long, too much memory, or broke us."""

    reason: str


Read = tuple[Mail, Report] | Unreadable


class Reader:
    """Reads mails with one rule set; compiled once, used for many mails."""

    def __init__(self, rules: Rules, names: ListNames) -> None:
        self.rules = rules
        self.finders = Finders(rules, names)
        labels = alternatives(rules.mail.words.summary)
        self.summary = re.compile(rf"\s*(?:{labels})\s*[:=]\s*(\S.*)", re.I)
        self.but = re.compile(rf"^(?:{alternatives(rules.mail.words.but)})\b\s*", re.I)
        self.reply_words = _reply_words(rules.mail.words)

    def read(self, mail: Mail) -> Report:
        """Read one mail (reading rules, sections 1 to 3 and 8)."""
        return self.read_written(mail, written(mail, self.rules.mail))

    def read_written(self, mail: Mail, own: Written) -> Report:
        """Read a mail whose own words are already known."""
        anchor = self._anchor(mail)
        run = TextReading(self.finders, own.author, anchor)
        subject, replied, _ = clean_subject(mail.subject, self.rules.mail.subject)
        summary = SubjectReading(run, subject, _list_tags(mail)).read()
        word, rest = self._reply_word(own.lines)
        alone = word == "same" and not self._names_a_field(own.text)
        lines = rest.split("\n") if alone else own.lines
        prose = run.body(_bounded(lines))
        return Report(
            readings=tuple(run.readings[:MAX_READINGS]),
            summary=summary,
            text=own.text,
            prose=prose,
            author=own.author,
            reply_word=word,
            rest=rest,
            titled=self._titled(own.lines),
            tokens=tuple(token.upper() for token in _TOKEN.findall(mail.subject)),
            subject=re.sub(r"\s+", " ", _TOKEN.sub("", subject)).strip().lower(),
            replied=replied,
            forwarded=own.forwarded,
        )

    def _names_a_field(self, text: str) -> bool:
        """Whether "same" or "no change" is said of a field: "No change in severity"."""
        plain = comparable(text[:80].lstrip()).plain
        return any(ahead.match(plain) for _, ahead in self.finders.unchanged.values())

    def _anchor(self, mail: Mail) -> datetime:
        """Say what relative times count from: the Date, unless it is missing or in the future."""
        written_at = mail.written_at
        if written_at is None or written_at > mail.received_at:
            zone = written_at.tzinfo if written_at is not None else None
            return mail.received_at.astimezone(zone) if zone else mail.received_at
        return written_at

    def _titled(self, lines: Sequence[str]) -> str:
        found = (self.summary.match(line) for line in lines if ":" in line or "=" in line)
        return next((match[1].strip() for match in found if match), "")

    def _reply_word(self, lines: Sequence[str]) -> tuple[ReplyWord, str]:
        """Find a word such as "same" or "withdraw" at the start of the text; and what follows it."""
        text = "\n".join(lines).strip()
        plain = comparable(text[:80]).plain
        for meaning, pattern in self.reply_words:
            if match := pattern.match(plain):
                rest = text[match.end() :].lstrip(" \t.,;:!\"'–-")
                if meaning in ("withdraw", "apply") and len(rest.split("\n")[0].split()) > 4:
                    break
                return meaning, self.but.sub("", rest)
        return "", text


def _reply_words(words: ReplyWords) -> tuple[tuple[ReplyWord, re.Pattern[str]], ...]:
    table: tuple[tuple[ReplyWord, Sequence[str]], ...] = (
        ("stop", words.stop_reminders),
        ("same", words.same),
        ("withdraw", words.withdraw),
        ("apply", words.apply),
        ("snooze", words.snooze),
    )
    return tuple(
        (meaning, re.compile(rf"[\"'>\s]*(?:{alternatives(phrases)})(?![\w-])", re.I))
        for meaning, phrases in table
    )


def _bounded(lines: Iterable[str]) -> list[str]:
    kept, room = [], MAX_OWN_CHARACTERS
    for line in lines:
        if room <= 0:
            break
        kept.append(line[:room])
        room -= len(line) + 1
    return kept


def _list_tags(mail: Mail) -> frozenset[str]:
    """Give the names that the list a mail came through may put into its subject, lower case."""
    listed = mail.mark("list-id").lower()
    names = re.findall(r"<([^<>.]+)", listed)
    return frozenset((*names, re.sub(r"<.*", "", listed).strip(' "')))
