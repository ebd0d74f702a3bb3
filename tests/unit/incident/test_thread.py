"""Which incident a mail belongs to (reading rules, section 6), and duplicates (section 8.12)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from maild.incident.thread import Keys, Place, alike, fingerprint, keys, place_of, unknown
from maild.mail.message import Address, Envelope, Mail, Part
from maild.reading.report import Report

POSTING = "incidents@example.com"
KEVIN = Address("Kevin Riggle", "kevin@example.com")
NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
HERE, THERE = Place("INC-2026-0007", None), Place("INC-2026-0008", None)


def mail(**changed: Any) -> Mail:
    known: dict[str, Any] = {
        "envelope": Envelope(KEVIN.address, (POSTING,)),
        "received_at": NOW,
        "message_id": "one@example.com",
        "author": KEVIN,
        "subject": "down",
        "written_at": NOW,
    }
    return Mail(**{**known, **changed})


def report(*tokens: str) -> Report:
    return Report((), "down", "", True, KEVIN, tokens=tokens)


ADDRESSES = [
    ("incidents+2026-0007@example.com", "INC-2026-0007", None),
    ("Incidents+2026-7@Example.com", "INC-2026-0007", None),
    ("incidents+draft-7k2mq4hx@example.com", None, "7k2mq4hx"),
    ("incidents@example.com", None, None),
    ("incidents+2026-0007@example.org", None, None),
    ("incidents+summer@example.com", None, None),
    ("xincidents+2026-0007@example.com", None, None),
]


@pytest.mark.parametrize(("address", "incident", "draft"), ADDRESSES, ids=[a[0] for a in ADDRESSES])
def test_an_address_of_its_own(address: str, incident: str | None, draft: str | None) -> None:
    by_envelope = keys(mail(envelope=Envelope("a@b.example", (address,))), report(), POSTING)
    by_field = keys(mail(to=(Address("", address),)), report(), POSTING)
    assert (by_envelope.incident, by_envelope.draft) == (incident, draft)
    assert by_field == by_envelope


def test_in_reply_to_comes_first_then_references_from_the_last() -> None:
    found = keys(mail(in_reply_to=("c",), references=("a", "b", "c")), report(), POSTING)
    assert found.ids == ("c", "b", "a")


BELONGS = [
    ("its own address beats all", Keys("INC-2026-0007", None, ("x",), "INC-2026-0008"), HERE),
    ("a known id beats the token", Keys(None, None, ("x",), "INC-2026-0007"), THERE),
    ("the first known id counts", Keys(None, None, ("?", "x"), None), THERE),
    ("a token alone", Keys(None, None, ("?",), "INC-2026-0007"), HERE),
    ("an address not on record joins nothing", Keys("INC-2026-0099", None, ("x",), None), None),
    ("nothing known", Keys(None, None, ("?",), None), None),
]


@pytest.mark.parametrize(
    ("found", "place"), [row[1:] for row in BELONGS], ids=[row[0] for row in BELONGS]
)
def test_the_strongest_key_decides(found: Keys, place: Place | None) -> None:
    places = {"INC-2026-0007": HERE, "INC-2026-0008": THERE, "x": THERE}
    assert place_of(found, places) == place


UNKNOWN = [
    (Keys("INC-2026-0099", None, (), None), "INC-2026-0099"),
    (Keys(None, "7k2mq4hx", (), None), "7k2mq4hx"),
    (Keys(None, None, (), "INC-2026-0099"), "INC-2026-0099"),
    (Keys("INC-2026-0007", None, (), None), None),
    (Keys(None, None, ("x",), "INC-2026-0099"), None),
    (Keys(None, None, ("?",), None), None),
]


@pytest.mark.parametrize(("found", "name"), UNKNOWN, ids=str)
def test_an_incident_that_is_not_on_record_is_named(found: Keys, name: str | None) -> None:
    assert unknown(found, {"INC-2026-0007": HERE, "x": HERE}) == name


def test_a_duplicate_has_the_same_message_id_and_author_whatever_its_text() -> None:
    one = mail(parts=(Part("text"),))
    assert fingerprint(one) == fingerprint(mail(parts=(Part("other"),), subject="other"))
    assert fingerprint(one) == fingerprint(mail(author=Address("K", "KEVIN@example.com")))
    assert fingerprint(one) != fingerprint(mail(author=Address("", "ana@example.com")))
    assert fingerprint(one) != fingerprint(mail(message_id="two@example.com"))


def test_without_a_message_id_author_date_and_text_decide() -> None:
    one = mail(message_id=None, parts=(Part("text"),))
    assert fingerprint(one) == fingerprint(mail(message_id=None, parts=(Part("text"),)))
    assert fingerprint(one) != fingerprint(mail(message_id=None, parts=(Part("other"),)))
    assert fingerprint(one) != fingerprint(mail(message_id=None, written_at=None))


@pytest.mark.parametrize(
    ("subject", "other"),
    [
        ("checkout is down", "checkout is down"),
        ("checkout is down in europe", "checkout down"),
        ("payments fail", "payment fails for all customers"),
        ("login fails in singapore", "login fails"),
        ("disk full on db12", "the disk on db12 is full"),
        ("la facturation est en panne", "facturation en panne"),
        ("down", "down"),
    ],
)
def test_like_subjects_share_enough_words_of_weight(subject: str, other: str) -> None:
    assert alike(subject, other)
    assert alike(other, subject)


@pytest.mark.parametrize(
    ("subject", "other"),
    [
        ("checkout is down", "search is down"),
        ("checkout is down", "checkout is slow"),
        ("login fails in singapore", "login fails in berlin"),
        ("invoices are sent twice", "invoices are sent late"),
        ("disk full on db12", "disk full on db13"),
        ("it is down", "it is up"),
        ("down", "everything is down"),
        ("", ""),
    ],
)
def test_a_near_miss_is_not_alike(subject: str, other: str) -> None:
    assert not alike(subject, other)
    assert not alike(other, subject)


def test_a_confirmation_is_found_by_the_address_that_it_was_asked_from() -> None:
    to = Address("", "incidents+confirm-abc234def567@example.com")
    assert keys(mail(to=(to,)), report(), POSTING).confirm == "abc234def567"
