"""What gets no answer, or another one: machines, strangers, mails that break the reader, our other rooms."""

import smtplib
from collections.abc import Callable

import pytest

from .conftest import SAMPLE, Daemon, mail, text_of, until


def test_a_stranger_is_refused_with_the_owners_address(daemon: Daemon) -> None:
    with pytest.raises(smtplib.SMTPDataError) as refused:
        daemon.send(mail(SAMPLE, author="Mallory <mallory@elsewhere.example.net>"))
    assert refused.value.smtp_code == 550
    assert refused.value.smtp_error.startswith(b"5.7.1 ")
    assert b"oncall-leads@example.com" in refused.value.smtp_error
    assert daemon.rows("mails") == []


def test_an_address_that_is_not_ours_is_refused_at_rcpt(daemon: Daemon) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        daemon.send(mail(SAMPLE, to="nobody@example.com"))
    assert refused.value.recipients["nobody@example.com"][0] == 550


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"X_Autoreply": "yes"},
        {"X_Loop": "incidents@example.com"},
    ],
    ids=lambda fields: "".join(fields),
)
def test_automatic_mail_is_on_record_and_never_answered(
    daemon: Daemon, fields: dict[str, str]
) -> None:
    daemon.send(mail("I am out of the office.", "Out of office", **fields))
    (row,) = daemon.settled(1)
    assert row["verdict"] == "ignored"
    assert row["reason"]
    assert daemon.letters() == []


def test_a_programs_first_mail_is_told_to_the_owner_once_and_declares_nothing(
    daemon: Daemon,
) -> None:
    for number in range(3):
        daemon.send(mail(SAMPLE, f"CRITICAL {number}", "Nagios <nagios@example.com>"))
    assert {row["verdict"] for row in daemon.settled(3)} == {"ignored"}
    (letter,) = daemon.letters()
    assert letter["To"] == "oncall-leads@example.com"
    assert "nagios@example.com" in text_of(letter)
    assert daemon.rows("incidents") == []


def test_a_bounce_is_taken_from_anybody_and_ignored(daemon: Daemon) -> None:
    bounce = mail(
        "Undelivered.", "Undelivered Mail", "MAILER-DAEMON <mailer-daemon@far.example.net>"
    )
    daemon.send(bounce, sender="<>")
    (row,) = daemon.settled(1)
    assert (row["verdict"], daemon.letters()) == ("ignored", [])


def test_the_same_mail_again_is_a_duplicate(daemon: Daemon) -> None:
    message = mail(SAMPLE)
    daemon.send(message)
    daemon.send(message)
    assert [row["verdict"] for row in daemon.settled(2)] == ["accepted", "duplicate"]
    assert len(daemon.letters("ana@example.com")) == 1


def test_mail_to_the_owner_is_forwarded_from_anybody(daemon: Daemon) -> None:
    stranger = "Nina <nina@elsewhere.example.net>"
    daemon.send(mail("May I post?", "A question", stranger, "incidents-owner@example.com"))
    forwarded = daemon.letter("oncall-leads@example.com")
    assert forwarded["From"] == stranger
    assert forwarded["X-Loop"] == "incidents@example.com"
    assert "May I post?" in text_of(forwarded)


def test_a_dry_run_says_what_would_be_understood_and_changes_nothing(daemon: Daemon) -> None:
    daemon.send(mail(SAMPLE, to="incidents+check@example.com"))
    text = text_of(daemon.letter("kevin@example.com"))
    assert text.startswith("Dry run, nothing was sent. Your mail is complete")
    assert '"Severity 2,' in text or '"Severity 2' in text
    assert daemon.rows("incidents") == []
    daemon.send(mail(SAMPLE))
    daemon.letter("ana@example.com", "opening")


def test_a_strangers_dry_run_and_command_are_not_answered(daemon: Daemon) -> None:
    for room in ("incidents+check", "incidents-request"):
        daemon.send(mail("help", "help", "Mal <mal@far.example.net>", f"{room}@example.com"))
    assert [row["verdict"] for row in daemon.settled(2)] == ["ignored", "ignored"]
    assert daemon.letters() == []


def test_an_unknown_incident_is_named_and_never_a_new_one(daemon: Daemon) -> None:
    daemon.send(mail(SAMPLE, to="incidents+2019-0042@example.com"))
    text = text_of(daemon.letter("kevin@example.com"))
    assert "INC-2019-0042" in text
    assert daemon.rows("incidents") == []


def test_answers_to_one_author_end_and_the_owner_is_told(make: Callable[..., Daemon]) -> None:
    daemon = make()
    for number in range(5):
        daemon.send(mail(f"Something is odd, number {number}.", f"Odd thing {number}"))
    daemon.settled(5)
    assert len(daemon.letters("kevin@example.com", "answer")) == 5
    for number in range(5, 14):
        daemon.send(mail(f"Something is odd, number {number}.", f"Odd thing {number}"))
    rows = daemon.settled(14)
    assert [row["verdict"] for row in rows] == ["rejected"] * 14
    assert len(daemon.letters("kevin@example.com", "answer")) == 10
    told = until(lambda: daemon.letters("oncall-leads@example.com"), "a word to the owner")
    assert len(told) == 1
    assert "kevin@example.com" in text_of(told[0])
