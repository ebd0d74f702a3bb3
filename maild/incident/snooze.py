"""A reply to a reminder that asks for quiet: "snooze 30 min", "stop reminders"."""

import re
from datetime import timedelta
from typing import Final

from maild.incident.decide import Writing
from maild.incident.entry import Entry, Word
from maild.incident.model import Incident, RemindersSnoozed, evolve
from maild.mail.message import Address
from maild.reading.report import Report

DEFAULT: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=24)
_LENGTH = re.compile(r"(?:for\s+)?(\d{1,4})\s*(m|h)?", re.I)


def snoozed(number: int, report: Report, writing: Writing, incident: Incident) -> Entry:
    """Give the commander quiet: for a while (30 min where none is said, a day at most), or for good."""
    until = None if report.reply_word == "stop" else writing.at + length_of(report.rest)
    event = RemindersSnoozed(writing.at, number, writing.by, until)
    after = evolve(incident, event)
    author = Address(writing.by.name or "", writing.by.address or "")
    about = "snoozed" if until is not None else "stopped"
    word = Word(about, author, number, after, moment=until)
    return Entry("command", "command", about, after, incident.id, events=(event,), notices=(word,))


def length_of(words: str) -> timedelta:
    """Read a length of time such as "30 min", "2 h" or "45"."""
    match = _LENGTH.match(words.strip())
    if match is None:
        return DEFAULT
    count = int(match[1])
    hours = (match[2] or "").lower() == "h"
    return min(LONGEST, timedelta(hours=count) if hours else timedelta(minutes=count))
