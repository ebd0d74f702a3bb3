"""Follow-ups: updates, notes, handoffs; and the three ways to run a list."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from .conftest import SAMPLE, Daemon, mail, text_of

ANA = "Ana Silva <ana@example.com>"
JAYLA = "Jayla M. <jayla@example.com>"


def opened(daemon: Daemon) -> EmailMessage:
    """Declare the article's incident; gives the copy that Ana got."""
    daemon.send(mail(SAMPLE))
    return daemon.letter("ana@example.com", "opening")


def stamp_of(message: EmailMessage) -> list[str]:
    return text_of(message).partition("-" * 72)[0].strip().split("\n")


def test_an_update_says_was_and_now(daemon: Daemon) -> None:
    copy = opened(daemon)
    daemon.send(mail("Severity 1, phase 1, IC Kevin. It is worse.", answers=copy))
    update = daemon.letter("ana@example.com", "update")
    lines = stamp_of(update)
    assert lines[0] == "Severity 1 (critical), phase 1 (patching), commander Kevin Riggle"
    assert lines[1] == "Changed: severity 2 -> 1"
    assert update["Subject"] == copy["Subject"]
    assert copy["Message-ID"] in update["References"]


def test_a_handoff_names_its_author_where_he_is_not_the_commander(daemon: Daemon) -> None:
    copy = opened(daemon)
    text = "Severity 2, phase 1. Ana Silva (ana@example.com) takes over as incident commander."
    daemon.send(mail(text, author=JAYLA, answers=copy))
    lines = stamp_of(daemon.letter("ana@example.com", "update"))
    assert " ".join(lines[1:]).startswith(
        "Changed: commander Kevin Riggle -> Ana Silva (written by Jayla M.)"
    )


def test_the_old_commander_gets_a_copy_of_a_change_whatever_his_mode(daemon: Daemon) -> None:
    copy = opened(daemon)
    daemon.send(mail("Severity 1, phase 1. I am taking over as IC.", author=ANA, answers=copy))
    assert daemon.letter("kevin@example.com", "update")["X-Incident-Commander"] == "Ana Silva"


def test_a_note_goes_out_at_once_and_changes_nothing(daemon: Daemon) -> None:
    copy = opened(daemon)
    daemon.send(mail("Seeing it in us-east too, 14 tickets so far.", author=JAYLA, answers=copy))
    note = daemon.letter("bob@example.com", "note")
    assert "this mail states none" in " ".join(stamp_of(note))
    assert daemon.rows("incidents")[0]["severity"] == 2
    assert daemon.letters("jayla@example.com") == []


@pytest.mark.parametrize("key", ["the incident's address", "the subject's token"])
def test_an_address_or_a_token_is_enough_to_follow_up(daemon: Daemon, key: str) -> None:
    copy = opened(daemon)
    incident = copy["X-Incident-Id"]
    if key == "the incident's address":
        to, subject = copy["Reply-To"].addresses[0].addr_spec, "More news"
    else:
        to, subject = "incidents@example.com", f"[{incident}] More news"
    daemon.send(mail("The replica is 20 minutes behind.", subject, JAYLA, to))
    assert daemon.letter("ana@example.com", "note")["X-Incident-Id"] == incident


def test_an_update_that_misses_something_is_sent_by_the_word_same(daemon: Daemon) -> None:
    copy = opened(daemon)
    text = "Phase 2. The replica has caught up and checkout works in all regions."
    daemon.send(mail(text, answers=copy))
    reply = daemon.letter("kevin@example.com", "answer", 2)
    words = text_of(reply)
    assert words.startswith(
        "Not sent to the list yet: 2 things are missing, severity and commander."
    )
    assert "\n    same\n" in words
    assert "    Severity 2, phase 2. Incident commander: Kevin Riggle." in words
    assert '"Phase 2' in words
    assert max(map(len, words.split("\n"))) <= 72
    daemon.send(mail("same", answers=reply))
    update = daemon.letter("ana@example.com", "update")
    assert stamp_of(update)[1] == "Changed: phase 1 -> 2"
    assert "checkout works in all regions" in text_of(update)


def test_same_does_not_count_once_somebody_has_changed_the_state(daemon: Daemon) -> None:
    copy = opened(daemon)
    daemon.send(mail("Phase 2. The replica has caught up.", answers=copy))
    reply = daemon.letter("kevin@example.com", "answer", 2)
    daemon.send(mail("Severity 1, phase 1, IC Kevin. Worse.", author=ANA, answers=copy))
    daemon.letter("bob@example.com", "update")
    daemon.send(mail("same", answers=reply))
    again = daemon.letter("kevin@example.com", "answer", 3)
    assert "meanwhile somebody has changed the state" in " ".join(text_of(again).split())
    assert "    Severity 1, phase 2. Incident commander: Kevin Riggle." in text_of(again)
    daemon.send(mail("same", answers=again))
    assert stamp_of(daemon.letter("bob@example.com", "update", 2))[0].startswith(
        "Severity 1 (critical), phase 2 (resolving)"
    )


def test_carry_takes_what_is_left_out_from_the_record(make: Callable[..., Daemon]) -> None:
    daemon = make('[posting]\nfollow_ups = "carry"\n')
    copy = opened(daemon)
    daemon.send(mail("Phase 2. The replica has caught up.", answers=copy))
    assert stamp_of(daemon.letter("ana@example.com", "update"))[1] == "Changed: phase 1 -> 2"


def test_strict_asks_all_three_of_every_follow_up(make: Callable[..., Daemon]) -> None:
    daemon = make('[posting]\nfollow_ups = "strict"\n')
    copy = opened(daemon)
    daemon.send(mail("Seeing it in us-east too.", author=JAYLA, answers=copy))
    text = text_of(daemon.letter("jayla@example.com", "answer"))
    assert text.startswith("Not sent to the list yet: 3 things are missing")


def test_the_timeline_shows_each_change_with_its_author(daemon: Daemon) -> None:
    copy = opened(daemon)
    daemon.send(mail("Severity 1, phase 1. I am taking over as IC.", author=ANA, answers=copy))
    daemon.letter("bob@example.com", "update")
    timeline = daemon.run("show", copy["X-Incident-Id"], "--timeline")
    assert "severity 2 -> 1, commander Kevin Riggle -> Ana Silva" in " ".join(timeline.split())
    assert "(Ana Silva, mail 2)" in timeline


def test_a_completion_by_a_colleague_tells_the_author(daemon: Daemon) -> None:
    daemon.send(mail("Half of the payments fail. Severity 2. Channel: #pay"))
    reply = daemon.letter("kevin@example.com", "answer")
    to = reply["Reply-To"].addresses[0].addr_spec
    daemon.send(mail("phase 1, IC: Kevin Riggle", "Re: payments", ANA, to))
    copy = daemon.letter("ana@example.com", "opening")
    assert copy["X-Incident-Commander"] == "Kevin Riggle"
    told = daemon.letter("kevin@example.com", "answer", 2)
    assert text_of(told).startswith("Ana Silva completed your mail")


def test_withdraw_discards_a_draft(daemon: Daemon) -> None:
    daemon.send(mail("Half of the payments fail. Severity 2. Channel: #pay"))
    reply = daemon.letter("kevin@example.com", "answer")
    daemon.send(mail("withdraw", answers=reply))
    told = daemon.letter("kevin@example.com", "answer", 2)
    assert text_of(told).startswith("Withdrawn: ")
    daemon.send(mail("phase 1, I am IC", answers=reply))
    daemon.settled(3)
    assert daemon.letters("ana@example.com", "opening") == []
