"""Whom a bounce says that we did not reach."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from maild.mail.bounce import failures, is_bounce_address
from maild.mail.message import Failure
from maild.mail.tokens import (
    BounceName,
    bounce_name,
    delivery_token,
    token,
    token_of,
    with_token,
)

KEY = b"k" * 32


def report(*groups: str, kind: str = "delivery-status", encoding: str = "7bit") -> bytes:
    body = "\n\n".join(("Reporting-MTA: dns; mx.example.org", *groups)) + "\n"
    if encoding == "base64":
        body = base64.encodebytes(body.encode()).decode()
    return (
        "From: MAILER-DAEMON@mx.example.org\nTo: incidents-bounces@example.com\n"
        f'Subject: Undelivered\nContent-Type: multipart/report; report-type={kind}; boundary="b"\n'
        "MIME-Version: 1.0\n\n--b\nContent-Type: text/plain\n\nSorry.\n"
        f"--b\nContent-Type: message/{kind}\nContent-Transfer-Encoding: {encoding}\n\n{body}"
        "--b\nContent-Type: message/rfc822\n\nFrom: a@example.com\n\nHello\n--b--\n"
    ).encode()


GONE = (
    "Original-Recipient: rfc822;Bob@example.com\nFinal-Recipient: rfc822; bob@mail.example.org\n"
    "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user"
)
LATE = "Final-Recipient: rfc822; ana@example.com\nAction: delayed\nStatus: 4.4.1"


def test_a_report_names_who_was_not_reached_by_both_addresses_and_why() -> None:
    (found,) = failures(report(GONE))
    both = ("bob@example.com", "bob@mail.example.org")
    assert found == Failure(both, "5.1.1", why="550 5.1.1 No such user")


def test_a_delay_is_no_failure_yet() -> None:
    assert [f.delayed for f in failures(report(GONE, LATE))] == [False, True]


def test_who_was_reached_is_left_out() -> None:
    for action in ("delivered", "relayed", "expanded"):
        assert failures(report(GONE.replace("failed", action))) == ()


def test_a_status_that_says_nothing_gives_way_to_the_servers_words() -> None:
    vague = GONE.replace("Status: 5.1.1", "Status: 5.0.0").replace("5.1.1 No", "5.2.2 Full, no")
    assert failures(report(vague))[0].status == "5.2.2"


def test_an_international_report_is_read_in_any_encoding() -> None:
    group = "Final-Recipient: utf-8; jos\\x{E9}@example.org\nAction: failed\nStatus: 5.1.1"
    for encoding in ("7bit", "base64"):
        (found,) = failures(report(group, kind="global-delivery-status", encoding=encoding))
        assert found.addresses == ("josé@example.org",)


def test_an_old_bounce_without_a_report_is_understood() -> None:
    found = failures(
        b"From: MAILER-DAEMON@mx.example.org\nSubject: failure notice\n\n"
        b"Hi. This is the qmail-send program at mx.example.org.\n"
        b"I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        b"This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        b"<bob@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        b"--- Below this line is a copy of the message.\n"
    )
    assert found == (Failure(("bob@example.org",), "5.0.0"),)


def test_somebody_who_is_away_was_reached() -> None:
    assert failures(b"From: bob@example.org\nSubject: Away\n\nI am back on Monday.\n") == ()


@given(st.binary(max_size=2_000), st.integers(0, 700))
def test_any_octets_name_somebody_or_nobody(junk: bytes, at: int) -> None:
    failures(junk)
    whole = report(GONE)
    failures(whole[:at] + junk + whole[at:])


def test_a_deliverys_address_names_it_and_cannot_be_made_up() -> None:
    own = delivery_token(KEY, 4711)
    address = f"incidents-bounces+{own}@example.com"
    assert len(own) == 20
    assert bounce_name(KEY, address.upper()) == BounceName(own, 4711)
    assert bounce_name(KEY, address.replace("-bounces+", "+bounces-")) == BounceName(own, 4711)
    assert bounce_name(b"x" * 32, address) is None
    other = delivery_token(KEY, 4712)
    assert bounce_name(KEY, f"incidents-bounces+{other[:8]}{own[8:]}@example.com") is None


def test_a_batchs_address_has_to_be_looked_up() -> None:
    found = token(KEY, "bounce", "1@example.com")
    path = f"incidents+bounces-{found}@example.com"
    assert bounce_name(KEY, path) == BounceName(found)
    assert token_of(path) == found
    assert token_of(with_token(path, delivery_token(KEY, 1))) == delivery_token(KEY, 1)


def test_an_address_without_a_token_names_nothing() -> None:
    for local in ("incidents-bounces", "incidents-bounces+short", "incidents", "bounces+x"):
        assert bounce_name(KEY, f"{local}@example.com") is None
    assert is_bounce_address("incidents-bounces@example.com")
    assert not is_bounce_address("incidents@bounces.example.com")
