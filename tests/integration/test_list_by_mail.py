"""The list by mail, with a real daemon: every line of a mail to incidents-request@ gets its result."""

import re
from collections.abc import Callable
from email.message import EmailMessage

from .conftest import SAMPLE, Daemon, mail, text_of

REQUEST = "incidents-request@example.com"
CARLA = "Carla <carla@example.com>"
ANA = "Ana Silva <ana@example.com>"


def command(text: str, subject: str = "x", author: str = CARLA) -> EmailMessage:
    return mail(text, subject, author, REQUEST)


def reply(text: str, letter: EmailMessage, author: str = CARLA) -> EmailMessage:
    return mail(text, author=author, to=str(letter["Reply-To"]), answers=letter)


def listed(daemon: Daemon) -> dict[str, dict[str, object]]:
    return {row["address"]: row for row in daemon.rows("roster", "list")}


def test_help_is_answered_as_a_machine_does(daemon: Daemon) -> None:
    asked = command("", "help")
    daemon.send(asked)
    answer = daemon.letter("carla@example.com")
    assert answer["Return-Path"] == "<>"
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["In-Reply-To"] == asked["Message-ID"]
    assert "> help\n" in text_of(answer)
    assert "brief INC-2026-0007" in text_of(answer)


def test_subscribing_needs_a_reply_to_the_mail_that_asks(daemon: Daemon) -> None:
    daemon.send(command("subscribe updates weekly severity <= 2"))
    question = daemon.letter("carla@example.com")
    assert "carla@example.com" not in listed(daemon)
    daemon.send(reply("confirm", question))
    assert "On the roster, with" in text_of(daemon.letter("carla@example.com", count=2))
    row = listed(daemon)["carla@example.com"]
    assert (row["mode"], row["digest"], row["severity"]) == ("updates", "weekly", 2)


def test_a_confirmation_is_found_by_its_message_id_too(daemon: Daemon) -> None:
    daemon.send(command("subscribe"))
    question = daemon.letter("carla@example.com")
    daemon.send(mail("yes", author=CARLA, answers=question))
    daemon.letter("carla@example.com", count=2)
    assert "carla@example.com" in listed(daemon)
    assert daemon.rows("incidents") == []


def test_nobody_confirms_without_the_mail_that_asks(daemon: Daemon) -> None:
    daemon.send(command("subscribe"))
    daemon.letter("carla@example.com")
    daemon.send(command("confirm"))
    assert "Nothing waits for your word" in text_of(daemon.letter("carla@example.com", count=2))
    assert "carla@example.com" not in listed(daemon)


def test_a_trusted_domain_subscribes_without_a_question(make: Callable[..., Daemon]) -> None:
    daemon = make('[posting]\ntrusted_domains = ["@example.com"]\n')
    daemon.send(command("subscribe"))
    assert "On the roster, with" in text_of(daemon.letter("carla@example.com"))
    assert "carla@example.com" in listed(daemon)


def test_list_unsubscribe_of_a_copy_takes_its_reader_off_the_roster(daemon: Daemon) -> None:
    daemon.send(mail(SAMPLE))
    copy = daemon.letter("ana@example.com", "opening")
    found = re.fullmatch(r"<mailto:([^?]+)\?subject=(\w+)>", str(copy["List-Unsubscribe"]))
    assert found is not None
    daemon.send(mail("", found[2], ANA, found[1]))
    question = daemon.letter("ana@example.com", "answer")
    assert "ana@example.com" in listed(daemon)
    daemon.send(reply("confirm", question, ANA))
    assert "Off the roster" in text_of(daemon.letter("ana@example.com", "answer", 2))
    assert "ana@example.com" not in listed(daemon)


def test_the_token_of_a_subscriber_takes_him_off_at_once(make: Callable[..., Daemon]) -> None:
    daemon = make('[posting]\ntrusted_domains = ["@example.com"]\n')
    daemon.send(command("subscribe"))
    found = re.search(r"unsubscribe \w{12}", text_of(daemon.letter("carla@example.com")))
    assert found is not None
    daemon.stop()
    config = daemon.folder / "maild.toml"
    config.write_text(config.read_text("utf-8").replace('["@example.com"]', "[]", 1), "utf-8")
    daemon.start()
    daemon.send(command("", found[0]))
    assert "Off the roster" in text_of(daemon.letter("carla@example.com", count=2))
    assert "carla@example.com" not in listed(daemon)


def test_look_ups_print_what_the_commands_print(daemon: Daemon) -> None:
    daemon.send(mail(SAMPLE))
    incident = daemon.settled(1)[0]["incident"]
    daemon.send(command(f"status\nshow {incident}\ntimeline {incident}\nsearch failed over"))
    text = text_of(daemon.letter("carla@example.com"))
    for printed in (
        daemon.run("show", incident, "--timeline"),
        daemon.run("search", "failed", "over"),
    ):
        assert printed in text
    story = daemon.run("show", incident).split("Open for")
    assert story[0] in text
    assert f"> status\n{incident}  sev 2 phase 1" in text


def test_search_on_the_command_line_says_where_the_words_are(daemon: Daemon) -> None:
    daemon.send(mail(SAMPLE))
    incident = daemon.settled(1)[0]["incident"]
    rows = daemon.rows("search", "thirty seconds")
    assert [(row["incident"], row["mail"]) for row in rows] == [(incident, 1)]
    daemon.run("search", "rhinoceros", status=1)


def test_a_mail_to_the_owner_is_found_by_the_operator_only(daemon: Daemon) -> None:
    daemon.send(mail("The rhinoceros did it.", "Psst", CARLA, "incidents-owner@example.com"))
    daemon.settled(1)
    assert len(daemon.rows("search", "rhinoceros")) == 1
    daemon.send(command("search rhinoceros", author=ANA))
    assert "Nothing on record has all of these words." in text_of(daemon.letter("ana@example.com"))


def test_lines_that_are_no_commands_are_echoed_and_help_follows(daemon: Daemon) -> None:
    daemon.send(command("one\ntwo\nthree\nfour\nfive\nsubscribe"))
    text = text_of(daemon.letter("carla@example.com"))
    assert text.count("This is no command.") == 5
    assert "> subscribe" not in text
    assert "Commands, one a line, to incidents-request@example.com:" in text


def test_a_stranger_makes_us_mail_nobody(daemon: Daemon) -> None:
    daemon.send(command("subscribe\nhelp", author="Mal <mal@far.example.net>"))
    (row,) = daemon.settled(1)
    assert (row["verdict"], daemon.letters()) == ("ignored", [])


def test_a_subscriber_who_may_not_post_is_answered(make: Callable[..., Daemon]) -> None:
    daemon = make(roster=())
    daemon.run("roster", "add", "guest@far.example.net")
    daemon.send(command("whoami", author="Guest <guest@far.example.net>"))
    text = text_of(daemon.letter("guest@far.example.net"))
    assert "You may not post; ask oncall-leads@example.com." in " ".join(text.split())
