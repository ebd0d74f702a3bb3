"""Whose From a copy keeps, and what it says instead."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from maild.mail.build import may_keep
from tests.office import Office

WORDS = "Half of the payments fail. Severity 2, phase 1. I am incident commander. Channel: #pay."
ANA = '"Silva, Ana" <ana@partner.example.org>'


def copy_of(office: Office, author: str, **fields: str) -> EmailMessage:
    return office.take(WORDS, author=author, **fields)[1][0]


@pytest.fixture
def partner(office: Callable[..., Office]) -> Callable[..., Office]:
    """`partner(rewrite_from=...)` is an office in which a partner may post."""
    allow = {"allow": ["@example.com", "@partner.example.org"]}
    return lambda **delivery: office(posting=allow, delivery=delivery)


def test_a_colleagues_from_is_kept(partner: Callable[..., Office]) -> None:
    copy = copy_of(partner(), "Kevin <kevin@example.com>")
    assert copy["From"] == "Kevin <kevin@example.com>"
    assert copy["Reply-To"] == "Incidents <incidents+2026-0001@example.com>"


def test_a_partners_from_is_rewritten_and_he_still_gets_the_answers(
    partner: Callable[..., Office],
) -> None:
    copy = copy_of(partner(), ANA)
    (box,) = copy["From"].addresses
    assert (box.display_name, box.addr_spec) == (
        "Silva, Ana via Incidents",
        "incidents@example.com",
    )
    answers = [box.addr_spec for box in copy["Reply-To"].addresses]
    assert answers == ["incidents+2026-0001@example.com", "ana@partner.example.org"]
    assert copy["X-Original-From"] == ANA
    assert len(copy.get_all("From")) == 1


def test_the_operator_may_rewrite_all_or_none(partner: Callable[..., Office]) -> None:
    assert copy_of(partner(rewrite_from="never"), ANA)["From"] == ANA
    always = copy_of(partner(rewrite_from="always"), "Kevin <kevin@example.com>")
    assert always["From"] == "Kevin via Incidents <incidents@example.com>"


def test_a_second_author_from_elsewhere_is_a_foreigner_too(partner: Callable[..., Office]) -> None:
    copy = copy_of(partner(), f"Kevin <kevin@example.com>, {ANA}")
    assert copy["From"] == "Kevin via Incidents <incidents@example.com>"


def test_fields_that_are_ours_to_say_are_taken_off(partner: Callable[..., Office]) -> None:
    forged = {"X_Original_From": "ceo@example.com", "Authentication_Results": "x; dmarc=pass"}
    copy = copy_of(partner(), "Kevin <kevin@example.com>", **forged)
    assert copy["X-Original-From"] is None
    assert copy["Authentication-Results"] is None


@pytest.mark.parametrize(
    ("author", "domain", "keeps"),
    [
        ("a@example.com", "example.com", True),
        ("a@sub.example.com", "example.com", True),
        ("a@example.com", "lists.example.com", True),
        ("a@notexample.com", "example.com", False),
        ("a@other.example.com", "lists.example.com", False),
        ("a@com", "example.com", False),
        ("", "example.com", False),
    ],
)
def test_a_domain_signs_for_itself_what_is_below_it_and_its_own_parent(
    author: str, domain: str, keeps: bool
) -> None:
    assert may_keep(author, domain) is keeps


@pytest.mark.parametrize("field", ["From", "To", "Cc"])
def test_bare_utf8_names_are_written_as_encoded_words(
    partner: Callable[..., Office], field: str
) -> None:
    lines = {"From": "Kevin <kevin@example.com>", "To": "incidents@example.com"}
    lines[field] = "Jürgen <kevin@example.com>, 田中 <ana@example.com>"
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    desk = partner(rewrite_from="never")
    copy = desk.receive(
        f"{head}Subject: x\r\nX-Other: stays\r\n\r\n{WORDS}\r\n".encode(),
        "kevin@example.com",
        "incidents@example.com",
    )[1][0]
    assert [(b.display_name, b.addr_spec) for b in copy[field].addresses] == [
        ("Jürgen", "kevin@example.com"),
        ("田中", "ana@example.com"),
    ]
    section = copy.as_bytes().partition(b"\n\n")[0]
    assert section.isascii()
    assert copy["X-Other"] == "stays"
    assert len(copy.get_all(field)) == 1
