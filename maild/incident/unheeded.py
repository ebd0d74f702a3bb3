"""Mails on which nobody acts, and of which the owner hears: refused ones, and programs'."""

from maild.incident.arrived import Arrived, Past, Policy
from maild.incident.entry import Entry, OwnerWord
from maild.incident.verdict import VITAL, Background, counting, resolve
from maild.mail.automatic import automatic, is_program

# Whoever may write to us may make up names; the owner hears of so many an hour.
WORDS_AN_HOUR = 5
MAX_SUBJECT = 100


def turned_away(arrived: Arrived, past: Past, policy: Policy) -> Entry:
    """Tell the owner of a mail that was refused where nothing can be answered, if it reads as an incident.

    It does where it states two of severity, phase and commander. It changes nothing, and nobody
    else hears of it.
    """
    mail, report = arrived.mail, arrived.report
    entry = Entry("ignored", "refused", "refused: its author may not post, or is not proved")
    if automatic(mail, policy.rules.mail.automatic, policy.ours) is not None:
        return entry
    background = Background()
    stated = resolve(counting(report, "opening", background), report, report.author, background)
    if sum(name in stated.values for name in VITAL) < 2:
        return entry
    return _told(entry, arrived, past, "refused")


def of_program(entry: Entry, arrived: Arrived, past: Past, policy: Policy) -> Entry:
    """Tell the owner, once for ever, of a program that writes to the list and is ignored."""
    posts = arrived.room == "posting" and arrived.may_post and arrived.genuine
    if policy.history or not posts or not is_program(arrived.mail, policy.rules.mail.automatic):
        return entry
    return _told(entry, arrived, past, "program", ever=True)


def _told(entry: Entry, arrived: Arrived, past: Past, about: str, *, ever: bool = False) -> Entry:
    name = arrived.mail.author.address.lower()
    if not name or sum(cause.startswith(f"{about} ") for cause in past.told) >= WORDS_AN_HOUR:
        return entry
    subject = arrived.mail.subject[:MAX_SUBJECT]
    word = OwnerWord(about, name, arrived.number, subject, f"{about} {name}", ever)
    return Entry(entry.verdict, entry.kind, entry.reason, notices=(word,))
