"""Our own mails, printed: what they say, and what nobody can make them say."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from maild.mail.build import (
    Letter,
    ListIdentity,
    message_id,
    octets,
    one_line,
    printed_fields,
    short_references,
)
from maild.mail.headers import fields
from maild.mail.message import Address

LETTER = Letter(
    sender=Address("Incidents", "incidents@example.com"),
    to=Address("Kim Larsen", "kim@example.net"),
    subject="Re: Checkout is down",
    text="Not sent yet.\n",
    html="<p>Not sent yet.</p>",
    message_id="abc@example.com",
    date=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    submitted="auto-replied",
    loop="incidents@example.com",
    reply_to=Address("", "incidents+draft-1@example.com"),
    in_reply_to="1@example.net",
    references=("0@example.net", "1@example.net"),
    fields=(("X-Incident-Id", "INC-2026-0007"),),
)


def printed(letter: Letter) -> EmailMessage:
    """Print a letter and read it as any mail program does."""
    content = octets(letter)
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert content.count(b"\n") == content.count(b"\r\n")
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_letter_is_a_machines_answer_in_the_authors_thread() -> None:
    message = printed(LETTER)
    assert message["From"] == "Incidents <incidents@example.com>"
    assert message["To"] == "Kim Larsen <kim@example.net>"
    assert message["Reply-To"] == "incidents+draft-1@example.com"
    assert message["In-Reply-To"] == "<1@example.net>"
    assert message["References"] == "<0@example.net> <1@example.net>"
    assert message["Message-ID"] == "<abc@example.com>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Loop"] == "incidents@example.com"
    assert message["X-Incident-Id"] == "INC-2026-0007"


def test_a_letter_says_the_same_in_text_and_in_html() -> None:
    plain, html = printed(LETTER).iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert plain.get_content().split("\r\n") == ["Not sent yet.", ""]
    assert html.get_content_type() == "text/html"
    assert html.get_content().strip() == "<p>Not sent yet.</p>"


def test_a_letter_without_html_is_a_text() -> None:
    assert printed(replace(LETTER, html="")).get_content_type() == "text/plain"


def test_a_letter_without_a_parent_begins_a_thread() -> None:
    message = printed(replace(LETTER, in_reply_to=None, references=(), reply_to=None))
    assert not {"In-Reply-To", "References", "Reply-To"} & set(message)


@pytest.mark.parametrize("text", ["Café ☕\n", "x" * 5_000 + "\n", "", "a\n.\nFrom b\n", "\n\n"])
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    body = printed(replace(LETTER, text=text, html="")).get_content().replace("\r\n", "\n")
    assert body.rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize(
    "subject",
    [
        "Café ☕ down",
        "long " * 200,
        "a" * 1_000,
        "a\r\nBcc: eve@example.org",
        "a\nBcc: eve@example.org",
        "=?utf-8?q?a=0D=0ABcc:_eve@example.org?=",
        "a\u2028b\x0bc\x85d",
        "\ud800",
    ],
)
def test_no_subject_makes_a_field_of_its_own(subject: str) -> None:
    message = printed(replace(LETTER, subject=subject))
    assert "Bcc" not in message
    assert message["Auto-Submitted"] == "auto-replied"


@pytest.mark.parametrize(
    "name",
    [
        "Larsen, Kim",
        'Kim "K" Larsen',
        "Jörg",
        "a\r\nBcc: x@y",
        "",
        "Kim <kim@evil.example>",
        "(kim)",
    ],
)
def test_no_name_changes_whom_a_letter_goes_to(name: str) -> None:
    message = printed(replace(LETTER, to=Address(name, "kim@example.net")))
    assert [box.addr_spec for box in message["To"].addresses] == ["kim@example.net"]
    assert "Bcc" not in message


@pytest.mark.parametrize(
    "address",
    [
        "",
        "kim",
        "a b@example.net",
        "kim@",
        "kim@exa mple.net",
        '"a b"@example.net',
        "a@b@c",
        "k<x>@y.z",
    ],
)
def test_an_odd_address_raises_nothing(address: str) -> None:
    assert octets(replace(LETTER, to=Address("Kim", address)))


def test_an_address_beyond_ascii_is_printed_in_utf_8() -> None:
    content = octets(replace(LETTER, to=Address("Jörg", "jörg@bücher.example")))
    assert "jörg@bücher.example".encode() in content


@pytest.mark.parametrize(
    "odd", ["a b@c", "a>b@c", "é@c", "a@b\r\nBcc: x@y", "[@x", "x" * 2_000 + "@y"]
)
def test_an_odd_id_raises_nothing_and_makes_no_field(odd: str) -> None:
    content = octets(replace(LETTER, in_reply_to=odd, references=(odd, "1@example.net")))
    assert b"\nBcc:" not in content


def test_an_id_is_the_same_for_the_same_cause_and_for_no_other() -> None:
    ids = {message_id("example.com", "copy", 1), message_id("example.com", "copy", 2)}
    assert len(ids) == 2
    assert message_id("example.com", "copy", 1) in ids


def test_references_keep_the_root_and_the_last() -> None:
    ids = [f"{i}@x" for i in range(100)]
    kept = short_references([*ids, "0@x"])
    assert (kept[0], kept[-1], len(kept)) == ("0@x", "99@x", 20)


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "=?utf-8?q?a?=\r\nb", "a\x00b", "a\tb"])
def test_one_line_is_one_line(text: str) -> None:
    assert not set(one_line(text)) & set("\r\n\x00")


def test_printed_fields_are_read_again() -> None:
    values = (
        ("Subject", "[INC-2026-0007] Café is down, and nobody knows why, at all, since noon today"),
        ("References", " ".join(f"<{i}{'x' * 60}@example.com>" for i in range(20))),
        ("Reply-To", "Störung <incidents+2026-0007@example.com>"),
        *ListIdentity("Incidents", "i@e.com", "i-request@e.com", "i-owner@e.com").fields(),
        ("X-Incident-Commander", "José Álvarez"),
    )
    content = printed_fields(values)
    message = message_from_bytes(content + b"\r\n", policy=default)
    assert [str(message[name]).strip() for name, _ in values] == [value for _, value in values]
    assert len(fields(content)) == len(values)
    assert content.endswith(b"\r\n")
    assert not content.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "value", ["", "a\r\nBcc: x@y", "=?utf-8?q?=0AX:_y?=", "\ud800", "x" * 20_000]
)
@pytest.mark.parametrize(
    "name", ["Subject", "Reply-To", "References", "X-Incident-Commander", "In-Reply-To"]
)
def test_a_printed_field_stays_one_field(name: str, value: str) -> None:
    assert [found for found, _ in fields(printed_fields([(name, value)]))] == [name.lower()]
