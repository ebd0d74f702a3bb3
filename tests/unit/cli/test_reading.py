"""`maild read`: what a person sees, what a program gets, and what a wrong call is told."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from maild.cli.reading import read

SECOND = Path(__file__).parents[2] / "rules" / "second"
COMPLETE = """\
Severity 2, phase 1. I am incident commander. Coordinating via #db-failover on Slack.

Production has failed over to the secondary database, and checkout is slow.
Next update: 14:30 UTC
"""


def mail(text: str, subject: str = "Production has failed over", **fields: str) -> bytes:
    head = {
        "From": "Kevin Riggle <kevin@example.com>",
        "To": "incidents@example.com",
        "Date": "Wed, 11 Mar 2026 09:00:00 +0000",
        "Message-ID": "<one@example.com>",
        "Subject": subject,
        "Content-Type": "text/plain; charset=utf-8",
        **fields,
    }
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in head.items()]
    return ("\r\n".join([*lines, "", ""]) + text.replace("\n", "\r\n")).encode()


def run(*arguments: str, content: bytes = b"", color: bool = False) -> Result:
    return CliRunner().invoke(read, arguments, input=content, color=color)


def test_a_complete_mail_is_shown_with_each_value_the_words_and_the_rule() -> None:
    result = run("-", content=mail(COMPLETE))
    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
standard input
accepted: nothing is missing

  summary      Production has failed over
               from the subject
  severity     2 (high)
               prose: "Severity 2"
  phase        1 (patching)
               prose: "phase 1"
  commander    Kevin Riggle <kevin@example.com>
               prose: "I am incident commander"
  channel      #db-failover
               prose: "Coordinating via #db-failover"
  next update  2026-03-11 14:30 UTC
               field line: "Next update: 14:30 UTC"
"""
    )


def test_what_is_missing_stands_out_and_says_why_and_what_to_write() -> None:
    result = run("-", content=mail("Severity: 2\nCommander: TBD\n\nOrders hang in the queue."))
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1] == (
        "rejected: phase is missing, commander is missing and channel is missing"
    )
    assert (
        """\
? phase      missing
             nothing in the mail states it
             write "Phase: 3", or another of these
             0 discovery: finding out what is wrong
"""
        in result.stdout
    )
    assert (
        """\
? commander  missing
             the mail leaves it open: "Commander: TBD"
             write "Incident commander: Jane Smith", or "Incident commander: me"
"""
        in result.stdout
    )


def test_a_conflict_shows_both_values_with_their_words() -> None:
    result = run("-", content=mail("Severity: 1\nThis is a severity 3.\nPhase: firefighting\n"))
    assert (
        """\
? severity     unclear: the mail says two things
               1 (critical): "Severity: 1"
"""
        in result.stdout
    )
    assert '? phase        unclear: "firefighting" is not on the scale\n' in result.stdout


@pytest.mark.parametrize(
    ("text", "subject", "rule"),
    [
        ("Severity: 2", "x", "field line"),
        ("SEV2 | phase 1 | IC Kevin | #inc-1", "x", "status line"),
        ("This is a severity 2.", "x", "prose"),
        ("Orders hang.", "[SEV2] orders hang", "subject tag"),
        ("Orders hang.", "orders hang, severity: 2", "subject field"),
    ],
)
def test_the_rule_that_read_a_value_is_named(text: str, subject: str, rule: str) -> None:
    shown = run("-", content=mail(text, subject)).stdout
    assert rule in {line.strip().partition(":")[0] for line in shown.splitlines()}


def test_an_automatic_mail_is_ignored_with_its_reason() -> None:
    result = run("-", content=mail("I am away.", Auto_Submitted="auto-replied"))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].startswith("ignored: ")


def test_colour_is_for_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    content = mail(COMPLETE)
    plain, coloured = run("-", content=content), run("-", content=content, color=True)
    assert "\x1b[" not in plain.stdout
    assert "\x1b[32m" in coloured.stdout
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured.stdout) == plain.stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("-", content=content, color=True).stdout


@pytest.mark.parametrize(
    "text",
    [
        "Severity: 2\nChannel: #" + "very-long-name-" * 9,
        "Severity: " + "extremely " * 30,
        "Impact: 決済が落ちています。" * 20 + "\nIncident commander: " + "山" * 60,
        "Communications lead: Maximiliane von der Wolkenstein-Trostburg, and many, many others",
    ],
    ids=["long places", "long words", "ideographs", "long names"],
)
def test_it_fits_80_columns(text: str) -> None:
    shown = run("-", content=mail(text, "a subject that goes on and on " * 5)).stdout
    assert (
        max(len(line) + len(re.findall(r"[\u3000-\u9fff]", line)) for line in shown.splitlines())
        <= 80
    )


def test_an_authors_control_characters_do_not_reach_the_terminal() -> None:
    shown = run("-", content=mail("Severity: \x1b[31mred\x07\nPhase: 1")).stdout
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_several_mails_are_shown_one_after_the_other(tmp_path: Path) -> None:
    for name in ("a.eml", "b.eml"):
        (tmp_path / name).write_bytes(mail(COMPLETE))
    shown = run(str(tmp_path / "a.eml"), str(tmp_path / "b.eml")).stdout
    assert shown.count("accepted: nothing is missing") == 2
    assert "\n\n" + str(tmp_path / "b.eml")[:20] in shown


def test_json_is_one_object_a_line_with_the_interfaces_keys() -> None:
    (line,) = run("-", "--json", content=mail(COMPLETE)).stdout.splitlines()
    row = json.loads(line)
    assert (row["verdict"], row["severity"], row["phase"]) == ("accepted", 2, 1)
    assert row["commander"] == {"name": "Kevin Riggle", "address": "kevin@example.com"}
    assert row["evidence"]["severity"] == "Severity 2"
    assert row["message_id"] == "one@example.com"
    assert row["file"] == "-"


def test_another_rule_set_asks_in_its_own_words() -> None:
    content = mail("Das ist eine P2, Phase Analyse. Duty Manager: offen", "Kasse steht")
    result = run("-", "--rules", str(SECOND), content=content)
    assert result.exit_code == 1
    assert "2 (kritisch)" in result.stdout
    assert 'write "Duty manager: Jane Smith", or "Duty manager: ich"' in result.stdout


@pytest.mark.parametrize(
    ("name", "reason"), [("nowhere.eml", "no such file or directory"), ("", "is a directory")]
)
def test_a_file_that_cannot_be_read_is_named_and_nothing_is_printed(
    tmp_path: Path, name: str, reason: str
) -> None:
    good = tmp_path / "good.eml"
    good.write_bytes(mail(COMPLETE))
    result = run(str(good), str(tmp_path / name))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"{tmp_path / name}: {reason}. FILE is a mail saved as .eml" in result.stderr


def test_a_rule_set_with_mistakes_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "phase.toml").write_text("[phase]\nlabels = 3\n", "utf-8")
    result = run("-", "--rules", str(tmp_path), content=mail(COMPLETE))
    assert result.exit_code == 78
    assert "phase.toml:2: labels must be a list, and is 3" in result.stderr
