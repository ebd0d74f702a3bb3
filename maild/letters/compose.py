"""From an entry's notices to the mails that we owe for it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import assert_never

from maild.incident.entry import (
    CommandAnswer,
    Copy,
    DryRun,
    Entry,
    Forward,
    Notice,
    OwnerWord,
    Paused,
    Question,
    Receipt,
    Unreached,
    Word,
)
from maild.letters.command_answer import command_answer
from maild.letters.copy import copy
from maild.letters.dry_run import dry_run
from maild.letters.letterhead import Letterhead
from maild.letters.owner import forward, owner_word
from maild.letters.receipt import receipt, word
from maild.letters.record import Archive, Reading
from maild.letters.undelivered import undelivered_word
from maild.letters.validation import validation
from maild.mail.message import Mail, Outgoing, RawMessage


def compose(
    head: Letterhead,
    entry: Entry,
    parent: Mail,
    original: Callable[[int], RawMessage],
    archive: Archive | None,
    root: str | None,
    now: datetime,
) -> Iterator[Outgoing]:
    """Write all letters of an entry.

    parent: the mail that made us write. original: gives the octets of a record. archive: what
    commands look up. root: the Message-ID of the incident's first copy, None while there is none.
    """
    for notice in entry.notices:
        letter = _letter(head, notice, parent, original, archive, root, now)
        if isinstance(notice, Copy) and root is None:
            # What follows the first copy in the same breath is already a reply to it.
            root = letter.message_id
        yield letter


def _letter(
    head: Letterhead,
    notice: Notice,
    parent: Mail,
    original: Callable[[int], RawMessage],
    archive: Archive | None,
    root: str | None,
    now: datetime,
) -> Outgoing:
    match notice:
        case Copy():
            return copy(head, notice, original(notice.mail), root, now)
        case Question():
            return validation(head, notice, parent, now)
        case Receipt():
            return receipt(head, notice, parent, now)
        case Word():
            return word(head, notice, parent, now)
        case OwnerWord():
            return owner_word(head, notice, now)
        case Paused() | Unreached():
            return undelivered_word(head, notice, now)
        case DryRun():
            return dry_run(head, notice, parent, now)
        case CommandAnswer():
            reading = Reading(head, archive, now) if archive is not None else None
            return command_answer(head, notice, parent, reading, now)
        case Forward():
            return forward(head, notice.mail, original(notice.mail))
        case _:
            assert_never(notice)
