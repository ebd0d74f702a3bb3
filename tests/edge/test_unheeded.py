"""What the owner hears of mails on which nobody acts: refused ones by IMAP, and programs'."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest

from maild.incident.entry import Entry
from maild.incident.unheeded import WORDS_AN_HOUR
from tests.office import Office, text_of

INCIDENT = "Half of the payments fail. Severity 1, phase 1. I am incident commander. #pay"
OWNER = "oncall-leads@example.com"


def refused(
    here: Office, text: str = INCIDENT, author: str = "mallory@example.net", **fields: str
) -> tuple[Entry, list[EmailMessage]]:
    """Let the desk see a mail that the mailbox's door has refused."""
    return here.take(text, "Payments fail", author, refused=True, **fields)


@pytest.fixture
def here(office: Callable[..., Office]) -> Office:
    return office()


def test_the_owner_hears_of_a_refused_mail_that_reads_as_an_incident(here: Office) -> None:
    entry, (letter,) = refused(here)
    assert (entry.verdict, entry.kind, entry.events) == ("ignored", "refused", ())
    assert letter["To"] == OWNER
    assert "Look whether this is an incident" in text_of(letter)
    assert "Payments fail" in text_of(letter)


def test_a_refused_mail_that_reads_as_anything_else_is_told_to_nobody(here: Office) -> None:
    for text in ("Buy our watches.", "Phase 1 of our sale begins.", "Severity 1 discounts!"):
        assert refused(here, text)[1] == []
    assert refused(here, INCIDENT, Auto_Submitted="auto-generated")[1] == []


def test_who_may_post_but_is_not_proved_is_told_to_the_owner_and_declares_nothing(
    here: Office,
) -> None:
    entry, (letter,) = refused(here, author="kevin@example.com")
    assert (entry.verdict, letter["To"]) == ("ignored", OWNER)
    assert here.connection.execute("SELECT count(*) FROM incident").fetchone()[0] == 0


def test_a_refused_sender_is_told_once_an_hour_and_many_of_them_five_times(here: Office) -> None:
    assert [len(refused(here)[1]) for _ in range(3)] == [1, 0, 0]
    many = [len(refused(here, author=f"m{n}@example.net")[1]) for n in range(30)]
    assert sum(many) == WORDS_AN_HOUR - 1
    here.now += timedelta(hours=1)
    assert len(refused(here)[1]) == 1


def test_a_refused_mail_that_is_let_in_later_is_no_duplicate(here: Office) -> None:
    refused(here, author="kevin@example.com", Message_ID="<again@example.com>")
    entry, _ = here.take(INCIDENT, Message_ID="<again@example.com>")
    assert entry.verdict == "accepted"


def test_a_refused_mail_is_not_found_by_search(here: Office) -> None:
    refused(here)
    _, (answer,) = here.take("search payments", to="incidents-request@example.com")
    assert "mallory" not in text_of(answer)


MONITOR = "Nagios <nagios@example.com>"


def test_the_first_mail_of_a_program_is_told_to_the_owner_and_no_other(here: Office) -> None:
    entry, (letter,) = here.take(INCIDENT, "CRITICAL: payments", MONITOR)
    assert (entry.verdict, letter["To"]) == ("ignored", OWNER)
    assert "A program's mails declare no incident: nagios@example.com" in " ".join(
        text_of(letter).split()
    )
    for _ in range(3):
        here.now += timedelta(days=40)
        assert here.take(INCIDENT, "CRITICAL: payments", MONITOR)[1] == []


def test_what_marks_itself_as_made_by_a_program_counts_as_its_first_mail(here: Office) -> None:
    _, letters = here.take("disk full", author="db7@example.com", Auto_Submitted="auto-generated")
    assert len(letters) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"X_Autoreply": "yes"},
        {"Auto_Submitted": "auto-generated", "In_Reply_To": "<copy@example.com>"},
        {"List_Unsubscribe": "<mailto:x@example.com>"},
    ],
    ids=str,
)
def test_a_persons_mailbox_that_answers_by_itself_is_no_program(
    here: Office, fields: dict[str, str]
) -> None:
    entry, letters = here.take("I am away.", author="Ana <ana@example.com>", **fields)
    assert (entry.verdict, letters) == ("ignored", [])


def test_many_made_up_programs_are_told_five_times_an_hour(here: Office) -> None:
    told = [
        len(here.take("x", author=f"m{n}@example.com", Auto_Submitted="auto-generated")[1])
        for n in range(20)
    ]
    assert sum(told) == WORDS_AN_HOUR


def test_a_program_that_may_declare_incidents_is_not_told(office: Callable[..., Office]) -> None:
    here = office(posting={"machines": ["nagios@example.com"]})
    entry, letters = here.take(INCIDENT, "CRITICAL: payments", MONITOR)
    assert entry.verdict == "accepted"
    assert OWNER not in [letter["To"] for letter in letters]
