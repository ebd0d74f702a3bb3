"""Feedback reports (RFC 5965): who calls a mail of ours spam gets no more, and nobody by a forgery."""

from collections.abc import Callable

import pytest

from maild.incident.entry import Entry
from maild.mail.tokens import delivery_token
from tests.edge.test_bounces import BOB, Post
from tests.office import Office, text_of

OWNER = "oncall-leads@example.com"
REPORT = """\
From: <feedback@isp.example.net>
To: {to}
Subject: complaint about a mail
Message-ID: <{id}@isp.example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
{named}
--b
Content-Type: message/rfc822

Return-Path: <{path}>
From: Kevin <kevin@example.com>
Subject: x

x
--b--
"""


def complain(
    post: Post,
    path: str,
    about: str = "",
    to: str = "",
    kind: str = "abuse",
    reverse: str = "fbl@x.net",
) -> Entry:
    """Let a mailbox's provider report a mail that had this reverse-path."""
    post.office.count += 1
    named = f"Original-Rcpt-To: <{about}>\n" if about else ""
    to = to or "incidents-owner@example.com"
    content = REPORT.format(to=to, id=post.office.count, kind=kind, named=named, path=path)
    return post.office.receive(content.encode(), reverse, to)[0]


def path_of(post: Post, who: str = BOB, *, alone: bool = False) -> str:
    """Give the reverse-path of somebody's last copy; alone: the one that it has under VERP."""
    due = post.copies()[who]
    path, _ = post.outbox.letter(due.letter, due.number if alone else None)
    assert path is not None
    return path


def told(post: Post) -> list[str]:
    return [
        text_of(letter)
        for letter in post.office.letters()
        if letter["To"] == OWNER and "spam" in letter["Subject"]
    ]


@pytest.fixture
def post(office: Callable[..., Office]) -> Post:
    return Post(office(), verp="always")


@pytest.mark.parametrize("kind", ["abuse", "opt-out", "Fraud"])
def test_a_proved_complaint_stops_his_copies_and_tells_the_owner_alone(
    post: Post, kind: str
) -> None:
    post.open()
    entry = complain(post, path_of(post, alone=True), kind=kind)
    assert entry.reason == "bounce: bob@example.com complains of it"
    assert post.paused()
    assert len(told(post)) == 1
    assert "has marked a mail of the list as spam" in " ".join(told(post)[0].split())
    assert not [m for m in post.office.letters() if m["To"] == BOB]
    post.open()
    assert BOB not in post.copies()


def test_it_may_come_to_the_bounce_address_itself(post: Post) -> None:
    post.open()
    path = path_of(post, alone=True)
    complain(post, "", to=path)
    assert post.paused()


def test_the_delivery_stays_one_that_arrived(post: Post) -> None:
    post.open()
    due = post.copies()[BOB]
    complain(post, path_of(post, alone=True))
    row = post.office.connection.execute(
        "SELECT state, reply FROM delivery WHERE id = ?", (due.number,)
    ).fetchone()
    assert tuple(row) == ("sent", "complained of (abuse)")


def test_a_forged_complaint_harms_nobody_and_goes_to_the_owner_as_any_mail(post: Post) -> None:
    post.open()
    for token in ("aaaaaaaaaaaa", "a" * 20, delivery_token(b"x" * 32, 1)):
        entry = complain(post, f"incidents-bounces+{token}@example.com", BOB)
        assert (entry.reason, entry.fallout) == ("forwarded to the owner", ())
    assert not post.paused()
    assert told(post) == []


def test_a_reader_of_the_same_batch_cannot_complain_in_anothers_name(
    office: Callable[..., Office],
) -> None:
    post = Post(office())
    for _ in range(3):
        post.open()
        complain(post, path_of(post), BOB)
        post.settle({})
    assert not post.paused()
    assert post.copies() == {}
    post.open()
    assert post.copies()[BOB].alone
    complain(post, path_of(post, alone=True))
    assert post.paused()


def test_complaints_without_proof_are_told_once_an_hour(office: Callable[..., Office]) -> None:
    post = Post(office())
    post.open()
    path = path_of(post)
    for who in (BOB, "ana@example.com", "cleo@example.com", BOB):
        complain(post, path, who)
    assert len(told(post)) == 1


def test_praise_and_reports_on_something_else_change_nothing(post: Post) -> None:
    post.open()
    for kind in ("not-spam", "virus", "auth-failure", ""):
        complain(post, path_of(post, alone=True), kind=kind)
    assert not post.paused()
    assert told(post) == []


def test_any_mail_from_him_brings_his_copies_back(post: Post) -> None:
    post.open()
    complain(post, path_of(post, alone=True))
    post.office.take("whoami", "x", BOB, "incidents-request@example.com")
    assert not post.paused()
