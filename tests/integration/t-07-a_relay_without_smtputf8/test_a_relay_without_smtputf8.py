"""A relay that knows no SMTPUTF8: one address beyond ASCII costs nobody else his mail."""

import re
import smtplib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.integration.conftest import SECONDS, mail, text_of, until
from tests.integration.recipe import Recipe, running
from tests.integration.story import LIST

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("t-07")]

PEOPLE = ("ana@example.com", "bob@example.com", "jürgen@example.com", "missing@example.com")


@pytest.fixture(scope="module")
def recipe(
    need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recipe]:
    place = tmp_path_factory.mktemp("site")
    with running(Path(__file__).parent, place, need, people=PEOPLE) as recipe:
        yield recipe


def test_who_has_an_address_beyond_ascii_fails_alone_and_is_not_paused_for_it(
    recipe: Recipe,
) -> None:
    for day in range(4):
        recipe.send(recipe.mail("opening.eml", f"Zürich fällt aus, {day}"), LIST)
        row = recipe.row(subject=f"Zürich fällt aus, {day}", sent="SMTPUTF8")
        recipe.got("ana@example.com", f"Zürich fällt aus, {day}")
        failed = next(sent for sent in row["sent"] if "SMTPUTF8" in sent["reply"])
        assert failed["recipient"] == "jürgen@example.com"
        assert failed["reply"].startswith("553 5.6.7 ")
    listed = recipe.daemon.run("roster", "list").splitlines()
    assert not any("paused" in line for line in listed if line.startswith("jürgen"))


def test_whom_the_relay_refuses_costs_nobody_after_him_his_mail(recipe: Recipe) -> None:
    for number in range(5):
        recipe.send(recipe.mail("opening.eml", f"After a refusal, {number}"), LIST)
    for number in range(5):
        for person in ("ana@example.com", "bob@example.com", "kevin@example.com"):
            recipe.got(person, f"After a refusal, {number}")
    rows = recipe.daemon.records().mails()
    failed = {
        sent["recipient"] for row in rows for sent in row["sent"] if sent["state"] == "failed"
    }
    assert failed <= {"missing@example.com", "jürgen@example.com"}


def test_names_and_subjects_travel_as_encoded_words_and_the_text_as_it_is(recipe: Recipe) -> None:
    recipe.send(recipe.mail("opening.eml", "Überall Fehler"), LIST)
    copy = recipe.got("bob@example.com", "Überall Fehler")
    assert copy["From"].addresses[0].display_name == "Jürgen Müller"
    assert "payments in Zürich" in text_of(copy)
    octets = next(o for o in recipe.sink.octets if b"To: incidents" in o and b"opening" in o)
    assert octets.partition(b"\r\n\r\n")[0].isascii()


def test_an_author_whose_program_writes_bare_utf8_into_the_header_is_heard_too(
    recipe: Recipe,
) -> None:
    content = (
        "From: Jürgen Müller <kevin@example.com>\r\nTo: incidents@example.com\r\n"
        "Subject: Nackte Umlaute: äöü\r\nMessage-ID: <bare@laptop.example.com>\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        "Half of it fails. Severity 2, phase 1. I am incident commander. Channel: #x\r\n"
    )
    with smtplib.SMTP("127.0.0.1", recipe.front, timeout=SECONDS) as client:
        client.sendmail("kevin@example.com", LIST, content.encode())
    copy = recipe.got("ana@example.com", "Nackte Umlaute: äöü")
    assert copy["From"].addresses[0].display_name == "Jürgen Müller"
    octets = next(o for o in recipe.sink.octets if b"bare@laptop" in o and b"opening" in o)
    assert octets.partition(b"\r\n\r\n")[0].isascii()


def test_where_the_relay_offers_xverp_each_path_is_still_our_own_token(recipe: Recipe) -> None:
    with smtplib.SMTP("127.0.0.1", recipe.front, timeout=SECONDS) as client:
        client.ehlo()
        assert client.has_extn("xverp")
    recipe.send(recipe.mail("opening.eml", "Each by itself"), LIST)
    for person in ("ana@example.com", "bob@example.com"):
        recipe.got(person, "Each by itself")
    paths = {
        path: to
        for path, to, m in list(recipe.sink.taken)
        if m["X-Incident-Kind"] == "opening" and "Each by itself" in m["Subject"]
    }
    assert {len(to) for to in paths.values()} == {1}
    assert all(re.fullmatch(r"incidents-bounces\+[a-z2-7]{20}@example\.com", p) for p in paths)


def test_a_copy_that_is_his_alone_takes_him_off_by_one_mail_through_postfix(
    recipe: Recipe,
) -> None:
    recipe.daemon.run("roster", "add", "alerts@example.com")
    recipe.send(recipe.mail("opening.eml", "Somebody leaves"), LIST)
    copy = recipe.got("alerts@example.com", "Somebody leaves")
    to, _, subject = str(copy["List-Unsubscribe"]).strip("<>").partition("?subject=")
    to = to.removeprefix("mailto:")
    recipe.send(mail("", unquote(subject), "alerts@example.com", to), to)
    until(
        lambda: "alerts@example.com" not in recipe.daemon.run("roster", "list"),
        "the subscriber to be off the roster",
    )
