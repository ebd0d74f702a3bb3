"""What a letter offers to type is read as complete, above the quoted letter of any mail program."""

from collections.abc import Callable
from email.message import EmailMessage
from html import escape
from itertools import pairwise

import pytest

from tests.office import Office, offered, text_of

PROSE = "Half of the payments fail since noon, in all regions. Jayla watches the tickets.\n\n"
COMPLETE = "Severity 2, phase 1. I am incident commander. Channel: #pay\n"

# What is left out or unclear in an opening, one case for each way to go wrong.
OPENINGS = {
    "all is missing": "",
    "phase and commander": "Severity 2. Channel: #pay",
    "severity": "Phase 1. I am incident commander. Channel: #pay",
    "channel": "Severity 2, phase 1. I am incident commander.",
    "commander is a team": "Severity 2, phase 1. IC: the database team. Channel: #pay",
    "commander has left": "Severity 2, phase 1. IC: Bob has left. Channel: #pay",
    "severity off the scale": "SEV0, phase 1. I am incident commander. Channel: #pay",
    "phase off the scale": "Severity 2, phase 9. I am incident commander. Channel: #pay",
    "two severities": "Severity 2, phase 1. I am incident commander. Channel: #pay. This is a severity 3.",
    "two phases": "Severity 2, phase 1. I am incident commander. Channel: #pay. We are in phase 2.",
    "two commanders": "Severity 2, phase 1. I am incident commander. Channel: #pay\nIC: Ana Silva",
    "one unclear, one missing": "SEV0. I am incident commander. Channel: #pay",
}


def gmail(words: str, letter: EmailMessage) -> str:
    lines = "\n".join(f"> {line}".rstrip() for line in text_of(letter).split("\n"))
    return f"{words}\n\nOn Mon, 16 Mar 2026 at 12:01, Incidents <incidents@example.com>\nwrote:\n\n{lines}\n"


def thunderbird(words: str, letter: EmailMessage) -> str:
    lines = "\n".join(f"> {line}" for line in text_of(letter).split("\n"))
    return f"{words}\n\nOn 16/03/2026 12:01, Incidents wrote:\n{lines}\n"


def apple(words: str, letter: EmailMessage) -> str:
    lines = "\n".join(f"> {line}" for line in text_of(letter).split("\n"))
    head = "> On 16 Mar 2026, at 12:01, Incidents <incidents@example.com> wrote:\n> \n"
    return f"{words}\n\nSent from my iPhone\n\n{head}{lines}\n"


def mutt(words: str, letter: EmailMessage) -> str:
    lines = "\n".join(f"> {line}" for line in text_of(letter).split("\n"))
    return f"{words}\n\nOn Mon, Mar 16, 2026 at 12:01:00PM +0000, Incidents wrote:\n{lines}\n\n-- \nKevin Riggle\nIncident commander on call\n"


def outlook(words: str, letter: EmailMessage) -> str:
    return (
        f"{words}\n\n________________________________\nFrom: Incidents <incidents@example.com>\n"
        f"Sent: Monday, March 16, 2026 12:01 PM\nTo: Kevin Riggle <kevin@example.com>\n"
        f"Subject: {letter['Subject']}\n\n{text_of(letter)}\n"
    )


def outlook_html(words: str, letter: EmailMessage) -> str:
    below = "".join(f'<p class="MsoNormal">{escape(x)}</p>' for x in text_of(letter).split("\n"))
    return (
        f'<html><body><div class="WordSection1"><p class="MsoNormal">{escape(words)}</p>'
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
        '<p class="MsoNormal"><b>From:</b> Incidents &lt;incidents@example.com&gt; <br>'
        "<b>Sent:</b> Monday, March 16, 2026 12:01 PM<br><b>To:</b> Kevin Riggle<br>"
        f"<b>Subject:</b> {escape(str(letter['Subject']))}</p></div>{below}</div></body></html>"
    )


PROGRAMS = [gmail, thunderbird, apple, mutt, outlook, outlook_html]


def reply(office: Office, letter: EmailMessage, body: str) -> list[EmailMessage]:
    """Send a reply as the program wrote it; gives the letters, of which the copy is the first."""
    _, letters = office.take(
        "" if body.startswith("<html") else body,
        f"Re: {letter['Subject']}",
        to=letter["Reply-To"].addresses[0].addr_spec,
        html=body if body.startswith("<html") else "",
        In_Reply_To=str(letter["Message-ID"]),
    )
    return letters


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("case", OPENINGS)
def test_the_example_completes_an_opening(
    office: Callable[..., Office], case: str, program: Callable[[str, EmailMessage], str]
) -> None:
    desk = office()
    entry, (letter,) = desk.take(PROSE + OPENINGS[case])
    assert entry.verdict == "rejected"
    for words in offered(text_of(letter))[:1]:
        copy, *_ = reply(desk, letter, program(words, letter))
        assert copy["X-Incident-Kind"] == "opening", text_of(copy)


@pytest.mark.parametrize("case", [c for c in OPENINGS if c.startswith("two ")])
def test_each_choice_settles_a_conflict(office: Callable[..., Office], case: str) -> None:
    desk = office()
    _, (letter,) = desk.take(PROSE + OPENINGS[case])
    lines = text_of(letter).split("\n")
    at = next(i for i, line in enumerate(lines) if line.endswith("Write one of"))
    choices = [line.strip() for line in lines[at + 1 : at + 3]]
    assert len(set(choices)) == 2
    for choice in choices:
        desk = office()
        _, (letter,) = desk.take(PROSE + OPENINGS[case])
        copy, *_ = reply(desk, letter, gmail(choice, letter))
        assert copy["X-Incident-Kind"] == "opening", text_of(copy)


def test_a_mail_of_nothing_but_fields_is_completed_by_the_example(
    office: Callable[..., Office],
) -> None:
    desk = office()
    _, (letter,) = desk.take(COMPLETE)
    assert text_of(letter).startswith(
        "Not sent to the list yet: 1 thing is missing, a description."
    )
    copy, *_ = reply(desk, letter, gmail(offered(text_of(letter))[0], letter))
    assert copy["X-Incident-Kind"] == "opening"


@pytest.mark.parametrize("subject", ["", "Re:"])
def test_a_mail_without_a_subject_is_completed_by_the_example(
    office: Callable[..., Office], subject: str
) -> None:
    desk = office()
    _, (letter,) = desk.take(PROSE + COMPLETE, subject)
    copy, *_ = reply(desk, letter, gmail(offered(text_of(letter))[0], letter))
    assert copy["X-Incident-Kind"] == "opening", text_of(copy)
    assert str(copy["Subject"]).startswith("[INC-2026-0001] ")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("which", [0, 1], ids=["same", "same, but"])
def test_the_example_completes_an_update(
    office: Callable[..., Office], which: int, program: Callable[[str, EmailMessage], str]
) -> None:
    desk = office()
    copy = desk.take(PROSE + COMPLETE)[1][0]
    _, (letter,) = desk.take(
        "Phase 2. Payments work in all regions.",
        f"Re: {copy['Subject']}",
        In_Reply_To=str(copy["Message-ID"]),
    )
    words = [line for line in offered(text_of(letter)) if line.startswith("same")][which]
    update, *_ = reply(desk, letter, program(words, letter))
    assert update["X-Incident-Kind"] == "update", text_of(update)


@pytest.mark.parametrize("said", ["SEV0", "phase 7", "severity 2. This is a severity 3"])
def test_the_example_settles_an_unclear_update(office: Callable[..., Office], said: str) -> None:
    desk = office()
    copy = desk.take(PROSE + COMPLETE)[1][0]
    _, (letter,) = desk.take(
        f"{said}. Payments work in all regions.",
        f"Re: {copy['Subject']}",
        In_Reply_To=str(copy["Message-ID"]),
    )
    update, *_ = reply(desk, letter, gmail(offered(text_of(letter))[0], letter))
    assert update["X-Incident-Kind"] == "update", text_of(update)


@pytest.mark.parametrize("case", OPENINGS)
def test_a_letter_is_72_columns_wide_and_says_the_whole_in_its_first_line(
    office: Callable[..., Office], case: str
) -> None:
    _, (letter,) = office().take(PROSE + OPENINGS[case])
    lines = text_of(letter).split("\n")
    assert max(map(len, lines)) <= 72
    assert lines[0].startswith("Not sent to the list yet: ")
    assert "" in lines[1:4]
    assert not any(a == b == "" for a, b in pairwise(lines))


def test_what_is_offered_takes_at_most_40_characters_to_type(
    office: Callable[..., Office],
) -> None:
    lengths = {}
    for case, words in OPENINGS.items():
        _, (letter,) = office().take(PROSE + words)
        lengths[case] = len(offered(text_of(letter))[0])
    assert max(lengths.values()) <= 40, lengths
