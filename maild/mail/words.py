"""The vocabulary of mail programs, as frozen data: what `text`, `quotes` and `automatic` look for.

The words themselves are in `rules/mail.toml`; `edge/files.py` fills these in.
"""

from dataclasses import dataclass
from typing import Annotated

# Words of a rule file; letter case does not count in mails, so they are kept in lower case.
Words = Annotated[tuple[str, ...], "lower case"]


@dataclass(frozen=True, eq=False)
class SubjectWords:
    """Marks that reply, forward and gateway programs put into a subject, lower case."""

    reply: Words
    forward: Words
    gateway: Words


@dataclass(frozen=True, eq=False)
class QuotationWords:
    """How mail programs introduce a quotation or a forwarded original, lower case."""

    verbs: Words
    sent: Words
    to: Words
    subject: Words
    forwarded: Words
    authors: Words


@dataclass(frozen=True, eq=False)
class SignatureWords:
    """What begins and fills a signature block, lower case."""

    closings: Words
    contacts: Words
    rooms: Words
    footers: Words


@dataclass(frozen=True, eq=False)
class BoilerplateWords:
    """Phrases of legal notices and of gateways' banners, lower case."""

    notices: Words
    banners: Words


@dataclass(frozen=True, eq=False)
class AutomaticWords:
    """Senders and subjects of robots, lower case."""

    senders: Words
    sender_parts: Words
    subjects: Words
    whole_subjects: Words


@dataclass(frozen=True, eq=False)
class ReplyWords:
    """Words that mean something as the first of a reply to one of our letters, lower case."""

    same: Words
    but: Words
    withdraw: Words
    apply: Words
    snooze: Words
    stop_reminders: Words
    summary: Words
    greeted: Words
    greetings: Words


@dataclass(frozen=True, eq=False)
class MailWords:
    """All of `rules/mail.toml`."""

    subject: SubjectWords
    quotation: QuotationWords
    signature: SignatureWords
    boilerplate: BoilerplateWords
    automatic: AutomaticWords
    words: ReplyWords
