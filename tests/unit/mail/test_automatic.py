"""Whether a machine wrote it: vacation replies, bounces, receipts, robots; and people who are none."""

from collections.abc import Callable

import pytest

from maild.mail.automatic import automatic
from maild.mail.message import Mail
from maild.mail.words import MailWords

OURS = frozenset({"incidents@example.com"})
Judge = Callable[..., str | None]

PERSON = (
    "From: Kim Larsen <kim@example.net>\nTo: incidents@example.com\nSubject: Checkout is down\n"
)
REPORT = "Content-Type: multipart/report; report-type={}; boundary=b\n\n--b\nContent-Type: text/plain\n\nSorry.\n--b--\n"

VACATIONS = {
    "English, Outlook": "Automatic reply: Checkout is down",
    "English, Lotus": "Out of Office: Checkout is down",
    "English, other": "Out of office",
    "English, Notes": "AUTO: Ana Lind is out of the office (returning 04/05/2026)",
    "German": "Automatische Antwort: Checkout is down",
    "German, old": "Abwesenheitsnotiz: Checkout is down",
    "French": "Réponse automatique : Checkout is down",
    "Spanish": "Respuesta automática: Checkout is down",
    "Italian": "Risposta automatica: Checkout is down",
    "Portuguese": "Resposta automática: Checkout is down",
    "Dutch": "Automatisch antwoord: Checkout is down",
    "Polish": "Odpowiedź automatyczna: Checkout is down",
    "Swedish": "Autosvar: Checkout is down",
    "Danish": "Automatisk svar: Checkout is down",
    "Finnish": "Automaattinen vastaus: Checkout is down",
    "Czech": "Automatická odpověď: Checkout is down",
    "Russian": "Автоматический ответ: Checkout is down",
    "Japanese": "自動返信: Checkout is down",
    "Chinese": "自动回复: Checkout is down",
}

MACHINES = {
    "Gmail's vacation responder": "From: ana@example.net\nSubject: Re: Checkout is down\nAuto-Submitted: auto-replied\nPrecedence: bulk\nX-Autoreply: yes\n\n",
    "Exchange's, marked only": "From: ana@example.net\nSubject: Checkout is down\nAuto-Submitted: auto-generated\n\n",
    "an inbox rule of Exchange": "From: ana@example.net\nSubject: Hi\nX-MS-Exchange-Inbox-Rules-Loop: ana@example.net\n\n",
    "vacation(1)": "From: ana@example.net\nSubject: away from my mail\nPrecedence: auto_reply\n\n",
    "RFC 3834 with a comment": "From: ana@example.net\nSubject: Hi\nAuto-Submitted: auto-replied (vacation)\n\n",
    "RFC 5436 notification": "From: ana@example.net\nSubject: Hi\nAuto-Submitted: auto-notified; owner-email=a@example.net\n\n",
    "a bounce of Postfix": "From: MAILER-DAEMON@mx.example.net (Mail Delivery System)\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n" + REPORT.format("delivery-status"),
    "a bounce of Exim": "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\nX-Failed-Recipients: bob@example.net\nAuto-Submitted: auto-replied\nSubject: Mail delivery failed: returning message to sender\n\n",
    "a bounce of Exim without marks": "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\nSubject: Mail delivery failed: returning message to sender\n\n",
    "a bounce of Exchange": "From: postmaster@example.net\nSubject: Undeliverable: Checkout is down\n" + REPORT.format("delivery-status"),
    "a bounce of Exchange, its old address": "From: MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.net\nSubject: Undeliverable: x\n\n",
    "a bounce of Gmail": "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nSubject: Delivery Status Notification (Failure)\nX-Failed-Recipients: bob@example.net\n\n",
    "a bounce of qmail": "From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.net.\n",
    "a bounce of sendmail": "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.net>\nSubject: Returned mail: see transcript for details\n\n",
    "a read receipt": "From: ana@example.net\nSubject: Read: Checkout is down\n" + REPORT.format("disposition-notification"),
    "a read receipt without a type": "From: ana@example.net\nSubject: Gelesen: Checkout is down\n\n",
    "a feedback loop's complaint": "From: fbl@example.net\nSubject: FW: x\n" + REPORT.format("feedback-report"),
    "a calendar's answer": "From: ana@example.net\nSubject: Bridge call\nContent-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\n",
    "a calendar's answer with words": "From: ana@example.net\nSubject: Bridge call\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee you\n--b\nContent-Type: text/calendar; charset=utf-8; method=REPLY\n\nBEGIN:VCALENDAR\n--b--\n",
    "an accepted meeting": "From: ana@example.net\nSubject: Accepted: Bridge call\n\n",
    "a monitoring system": "From: nagios@mon.example.net\nSubject: PROBLEM: disk CRITICAL\n\n",
    "a no-reply address": "From: GitHub <noreply@github.example>\nSubject: New comment\n\n",
    "a no-reply address with more": "From: alerts-no-reply@cloud.example\nSubject: Budget\n\n",
    "a cron job": "From: kim@example.net\nSubject: Cron <kim@web1> backup\nX-Cron-Env: <SHELL=/bin/sh>\n\n",
    "a newsletter": "From: news@vendor.example\nTo: incidents@example.com\nSubject: Spring offers\nList-Unsubscribe: <https://vendor.example/u/1>\n\n",
    "another list's mail": "From: bob@example.org\nTo: users@lists.example.org\nSubject: Re: kernel\nList-Id: Users <users.lists.example.org>\n\n",
    "our own copy": PERSON + "X-Loop: incidents@example.com\n\n",
    "our own copy through a list": PERSON + "List-Id: Incidents <incidents.example.com>\n\n",
}  # fmt: skip

PEOPLE = {
    "writes": PERSON + "\n",
    "says Auto-Submitted: no": PERSON + "Auto-Submitted: no\n\n",
    "says so of a subject like a bounce's": PERSON.replace("Checkout", "Undeliverable: checkout") + "Auto-Submitted: no\n\n",
    "writes of cars": PERSON.replace("Checkout is down", "AUTO: paint shop is down") + "\n",
    "is marked bulk by a gateway": PERSON + "Precedence: bulk\n\n",
    "is marked list": PERSON + "Precedence: list\n\n",
    "suppresses auto-responses": PERSON + "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply\n\n",
    "asks for a receipt": PERSON + "Disposition-Notification-To: kim@example.net\n\n",
    "writes through another list, with us in To": PERSON + "List-Id: Ops <ops.example.org>\nList-Unsubscribe: <mailto:ops-leave@example.org>\n\n",
    "writes through another list, with us in Cc": PERSON.replace("To: inc", "To: ops@example.org\nCc: inc") + "List-Id: <ops.example.org>\n\n",
    "writes through another list, to an incident of ours": PERSON.replace("incidents@", "incidents+2026-0007@") + "List-Id: <ops.example.org>\n\n",
    "answers an out-of-office": PERSON.replace("Checkout is down", "Re: Automatic reply: Checkout is down") + "\n",
    "answers a bounce": PERSON.replace("Checkout is down", "AW: Undeliverable: Checkout is down") + "\n",
    "writes of automatic replies": PERSON.replace("Checkout is down", "Automatic replies loop since noon") + "\n",
    "writes of the office": PERSON.replace("Checkout is down", "Out of officers on duty") + "\n",
    "writes of reading": PERSON.replace("Checkout is down", "Read replica is down") + "\n",
    "forwards a bounce": PERSON + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nLook.\n--b\nContent-Type: message/rfc822\n\nSubject: failure notice\nAuto-Submitted: auto-replied\n\n--b--\n",
    "invites": PERSON + "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n",
    "is called Root": "From: Ann Root <ann.root@example.net>\nSubject: x\n\n",
}  # fmt: skip


@pytest.fixture
def judge(read: Callable[..., Mail], words: MailWords) -> Judge:
    """`judge(content)` says why a mail is a machine's."""
    return lambda content, path="kim@example.net": automatic(
        read(content, path), words.automatic, OURS
    )


@pytest.mark.parametrize("subject", VACATIONS.values(), ids=VACATIONS)
def test_a_vacation_reply_is_known_by_its_subject(judge: Judge, subject: str) -> None:
    assert judge(
        f"From: ana@example.net\nTo: incidents@example.com\nSubject: {subject}\n\nI am away.\n"
    )


@pytest.mark.parametrize("content", MACHINES.values(), ids=MACHINES)
def test_a_machine_wrote(judge: Judge, content: str) -> None:
    assert judge(content)


@pytest.mark.parametrize("content", PEOPLE.values(), ids=PEOPLE)
def test_a_person(judge: Judge, content: str) -> None:
    assert judge(content) is None


def test_a_null_reverse_path_is_a_machines(judge: Judge) -> None:
    assert judge(PERSON + "\n", None) == "null reverse-path"


def test_a_return_path_of_nobody_is_a_machines(judge: Judge) -> None:
    assert judge("Return-Path: <>\n" + PERSON + "\n") == "null reverse-path"


def test_a_robots_reverse_path_is_a_machines(judge: Judge) -> None:
    assert judge(PERSON + "\n", "bounces@example.net")
