"""A mail that breaks or stalls the reader: kept, told, run again; the next mail goes through."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SAMPLE, Daemon, mail, text_of, until

# A bug of ours, put into every process of the daemon: some mails kill a reader, some stall it.
BUG = """\
import os
import maild.edge.readers as readers
sound = readers.parse
def parse(raw):
    if b"CRASH" in raw.content:
        os._exit(9)
    if b"STALL" in raw.content:
        any(iter(int, 1))
    if b"RAISE" in raw.content:
        raise RuntimeError("a bug")
    if b"GROW" in raw.content:
        bytearray(1 << 30)
    return sound(raw)
readers.parse = parse
"""


@pytest.fixture
def buggy(make: Callable[..., Daemon], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    bug = tmp_path / "bug"
    bug.mkdir()
    (bug / "sitecustomize.py").write_text(BUG, "ascii")
    monkeypatch.setenv("PYTHONPATH", str(bug))
    return make()


@pytest.mark.parametrize("how", ["CRASH", "STALL", "RAISE", "GROW"])
def test_a_mail_that_breaks_the_reader_is_kept_and_both_are_told(buggy: Daemon, how: str) -> None:
    buggy.send(mail(f"{how} {SAMPLE}"))
    buggy.send(mail(SAMPLE, "Another failure", "Ana Silva <ana@example.com>"))
    first, second = buggy.settled(2)
    assert (first["verdict"], second["verdict"]) == ("shunted", "accepted")
    told = text_of(buggy.letter("kevin@example.com", "answer"))
    assert told.startswith("Your mail is here and kept, but could not be read.")
    assert "    severity 2\n    phase 1\n    I am incident commander\n" in told
    owner = text_of(buggy.letter("oncall-leads@example.com"))
    assert first["reason"] in " ".join(owner.split())


def test_the_owner_hears_of_a_cause_once_an_hour(buggy: Daemon) -> None:
    for number in range(3):
        buggy.send(mail(f"RAISE {number}", f"Failure {number}"))
    buggy.settled(3)
    assert len(buggy.letters("oncall-leads@example.com")) == 1
    assert len(buggy.letters("kevin@example.com", "answer")) == 3


def test_a_shunted_mail_is_shown_and_runs_again_once_the_bug_is_mended(
    buggy: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    buggy.send(mail(f"RAISE {SAMPLE}"))
    buggy.settled(1)
    assert "RuntimeError" in buggy.run("shunted")
    assert "RAISE The primary database" in buggy.run("shunted", "show", "1")
    buggy.stop()
    monkeypatch.delenv("PYTHONPATH")
    buggy.start()
    buggy.run("shunted", "retry", "1")
    until(lambda: buggy.letters("ana@example.com", "opening"), "the copy")
    assert buggy.run("shunted") == "No mail is shunted.\n"


def test_a_mail_runs_again_while_later_ones_have_gone_through(buggy: Daemon) -> None:
    buggy.send(mail(f"RAISE {SAMPLE}"))
    buggy.send(mail(SAMPLE, "Another failure"))
    first, _ = buggy.settled(2)
    buggy.run("shunted", "retry", str(first["id"]))
    until(lambda: buggy.times("shunted") == 2, "the mail to run again")
