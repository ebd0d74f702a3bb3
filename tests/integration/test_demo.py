"""The showpiece: it ends by itself, says all five things, and fits an 80-column terminal."""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from maild.cli import mailbox, main

from .conftest import MAILD

WAYS = [["demo"], pytest.param(["demo", "--imap"], marks=pytest.mark.real)]


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_the_demo_plays_one_incident_to_its_end(way: list[str], need: Callable[[str], str]) -> None:
    if "--imap" in way:
        need("dovecot")
    done = subprocess.run([MAILD, *way], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert max(map(len, said.split("\n"))) <= 80
    for words in (
        "Not sent to the list yet: 2 things are missing, phase and commander.",
        "commander Kevin Riggle\n",
        "this mail states none",
        "Changed: severity 2 -> 1, commander Kevin Riggle -> Ana Silva",
        "All else as before? Reply with one word",
        "Changed: severity 1 -> 2, phase 2 -> 3",
        "0 open, 1 resolved",
    ):
        assert words in said, said


def test_without_dovecot_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "SEARCH", str(tmp_path))
    done = CliRunner().invoke(main, ["demo", "--imap"])
    assert done.exit_code == 1
    assert done.output.endswith(
        "Error: --imap needs Dovecot: apt-get install dovecot-imapd; `maild demo` needs nothing.\n"
    )


def test_a_dovecot_that_does_not_start_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    # No tmp_path: run by root, Dovecot gives up its rights, and then cannot get in there.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        program = Path(name) / "dovecot"
        monkeypatch.setattr(mailbox, "SEARCH", name)
        for words, said in (
            ("#!/bin/sh\necho 'unknown setting' >&2\nexit 89\n", "unknown"),
            ("#!/no", "No"),
        ):
            program.write_text(words, "ascii")
            program.chmod(0o755)
            done = CliRunner().invoke(main, ["demo", "--imap"])
            assert done.exit_code == 1
            assert "Error: Dovecot did not start:" in done.output
            assert said in done.output
