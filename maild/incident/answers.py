"""Who is answered at all: the cap on answers, programs, and the one more question of an address."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from maild.incident.entry import (
    Copy,
    Entry,
    Forward,
    Notice,
    OwnerWord,
    Paused,
    Unreached,
    Word,
    about,
)
from maild.incident.model import Archived, CommandTransferred, Declared, evolve
from maild.mail.message import Mail
from maild.reading.rules import Rules


def as_history(entry: Entry, at: datetime) -> Entry:
    """Let what an imported mail has opened be history, and its draft rest."""
    draft = replace(entry.draft, reminded=2) if entry.draft is not None else None
    if entry.incident is None or not any(isinstance(event, Declared) for event in entry.events):
        return replace(entry, draft=draft)
    ended = Archived(at, None, entry.incident.declared_by)
    after = evolve(entry.incident, ended)
    return replace(entry, draft=draft, incident=after, events=(*entry.events, ended))


def with_address_asked(entry: Entry, mail: Mail, number: int) -> Entry:
    """Ask for a new commander's address where there is none: reminders would reach nobody."""
    for event in entry.events:
        address = event.now.address if isinstance(event, CommandTransferred) else "known@"
        if not address or "@" not in address[1:]:
            name = str(entry.incident.commander) if entry.incident else ""
            word = Word("address", mail.author, number, entry.incident, name)
            return replace(entry, notices=(*entry.notices, word))
    return entry


def unanswered(entry: Entry, mail: Mail, number: int) -> Entry:
    """Answer no program; what it left out is for the owner (interface, `[posting] machines`)."""
    kept: tuple[Notice, ...] = tuple(n for n in entry.notices if isinstance(n, Copy | Forward))
    if entry.verdict == "rejected":
        name = mail.author.address
        kept += (OwnerWord("machine", name, number, entry.reason, f"machine {name}"),)
    return replace(entry, notices=kept)


def capped(
    entry: Entry,
    mail: Mail,
    number: int,
    answered: Mapping[str, int],
    answers: int,
    told: frozenset[str],
    rules: Rules,
) -> Entry:
    """Hold back answers above the cap; acceptance is never capped (design, section 6).

    answered: how many answers this author got in 24 h, by what they were about; answers: how many
    machine mails in the last hour. told: of what the owner has heard this hour.
    """
    limits = rules.policy.limits
    kept = tuple(
        notice
        for notice in entry.notices
        if isinstance(notice, Copy | OwnerWord | Forward | Paused | Unreached)
        or (
            answers < limits.answers_an_hour
            and answered.get(about(notice), 0) < limits.same_answer_a_day
        )
    )
    if len(kept) == len(entry.notices):
        return entry
    name = mail.author.address
    if f"cap {name}" in told:
        return replace(entry, notices=kept)
    word = OwnerWord("cap", name, number, once=f"cap {name}")
    return replace(entry, notices=(*kept, word))
