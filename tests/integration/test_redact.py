"""A redacted mail: its words are in no byte of the database, and what happened is still on record."""

import json
import subprocess
from pathlib import Path

from .conftest import MAILD, SAMPLE, Daemon, mail, text_of, until

SECRET = "rumpelstiltskin"
WORDS = SAMPLE.replace("We don't", f"The password is {SECRET}. We don't")


def octets(daemon: Daemon) -> bytes:
    """Give every byte of the database's files."""
    return b"".join(path.read_bytes() for path in (daemon.folder / "var").glob("maild.db*"))


def redacted_opening(daemon: Daemon) -> None:
    daemon.send(mail(WORDS, f"Failover {SECRET}"))
    copy = daemon.letter("ana@example.com", "opening")
    daemon.send(mail("Seeing it too.", author="Ana Silva <ana@example.com>", answers=copy))
    for number in range(30):
        daemon.send(mail(SAMPLE, f"Failure {number}"))
    daemon.settled(32)
    assert SECRET.encode() in octets(daemon)
    daemon.run("redact", "2", "--yes")
    said = daemon.run("redact", "1", "--yes")
    assert "Redacted: mail 1." in said


def test_its_words_are_in_no_byte_of_the_database_while_the_daemon_runs(daemon: Daemon) -> None:
    redacted_opening(daemon)
    assert SECRET.encode() not in octets(daemon)
    assert daemon.run("search", SECRET, status=1) is not None
    assert daemon.run("check", "--deep").endswith("the database is well.\n")


def test_the_event_stays_and_says_that_its_words_are_gone(daemon: Daemon) -> None:
    redacted_opening(daemon)
    (row,) = daemon.rows("mails", "--number", "1")
    assert (row["verdict"], row["kind"], row["author"]) == (
        "accepted",
        "opening",
        "kevin@example.com",
    )
    (incident,) = json.loads("[" + daemon.run("show", "INC-2026-0001", "--json") + "]")
    assert (incident["severity"], incident["phase"]) == (2, 1)
    for said in (
        daemon.run("show", "INC-2026-0001"),
        daemon.run("show", "INC-2026-0001", "--mbox"),
        daemon.run("digest", "--since", "1 h"),
    ):
        assert "[redacted on 20" in said
        assert SECRET not in said


def test_the_same_mail_coming_again_is_a_duplicate_and_is_redacted_by_its_message_id(
    daemon: Daemon,
) -> None:
    message = mail(WORDS)
    daemon.send(message)
    daemon.send(message)
    daemon.settled(2)
    daemon.run("redact", str(message["Message-ID"]), "--yes")
    assert SECRET.encode() not in octets(daemon)
    daemon.send(message)
    assert [row["verdict"] for row in daemon.settled(3)][1:] == ["duplicate"] * 2


def test_a_backup_taken_after_it_is_sound_and_holds_no_word(daemon: Daemon, tmp_path: Path) -> None:
    redacted_opening(daemon)
    daemon.run("backup", str(tmp_path / "copy.db"))
    assert SECRET.encode() not in (tmp_path / "copy.db").read_bytes()


def test_mails_that_quote_it_are_named(daemon: Daemon) -> None:
    daemon.send(mail(WORDS))
    copy = daemon.letter("ana@example.com", "opening")
    quoted = "".join(f"> {line}\n" for line in text_of(copy).splitlines())
    daemon.send(mail(f"I see.\n\n{quoted}", author="Ana Silva <ana@example.com>", answers=copy))
    daemon.settled(2)
    assert "Other mails quote it: 2;" in daemon.run("redact", "1", "--yes")


def test_it_asks_before_it_does_and_without_a_terminal_wants_yes(daemon: Daemon) -> None:
    daemon.send(mail(WORDS))
    daemon.settled(1)
    done = subprocess.run(
        [MAILD, "redact", "1"],
        cwd=daemon.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (2, "This cannot be undone; say --yes.\n")
    assert SECRET.encode() in octets(daemon)
    daemon.run("redact", "99", "--yes", status=1)


def test_a_held_draft_that_is_redacted_is_never_published(daemon: Daemon) -> None:
    daemon.send(mail(f"Half of all fails, {SECRET}. Severity 2. Channel: #x"))
    daemon.settled(1)
    daemon.run("redact", "1", "--yes")
    assert SECRET.encode() not in octets(daemon)
    question = daemon.letter("kevin@example.com", "answer")
    daemon.send(mail("phase 1, I am IC", answers=question, to=str(question["Reply-To"])))
    daemon.settled(2)
    assert daemon.run("incidents") == "No incident is on record.\n"


def test_what_is_still_owed_of_it_is_given_up(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    daemon = make('[delivery]\ntransport = "smtp"\nport = 9\n')
    daemon.send(mail(WORDS))
    until(daemon.records().queue, "the copies to wait")
    daemon.run("redact", "1", "--yes")
    assert daemon.records().queue() == []
    (row,) = daemon.records().mails()
    assert {sent["reply"] for sent in row["sent"]} == {"not sent: its words were redacted"}
    assert SECRET.encode() not in octets(daemon)
