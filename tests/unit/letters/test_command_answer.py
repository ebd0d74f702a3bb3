"""The answer to a mail of commands: the first line, the echo, what people are told of their lines."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from maild.edge.store.roster import Roster
from maild.letters.command_answer import described
from maild.roster.subscription import Subscription
from tests.office import Office, text_of

FIELDS = "Severity 2, phase 1. I am incident commander. Channel: #pay."
REQUEST = "incidents-request@example.com"
KEVIN = "kevin@example.com"


def answered(office: Office, text: str, subject: str = "x") -> EmailMessage:
    (letter,) = office.take(text, subject, to=REQUEST)[1]
    return letter


def one_line(letter: EmailMessage) -> str:
    return " ".join(text_of(letter).split())


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("status", "Done: status"),
        ("set weekly", "Not done: set weekly"),
        ("status\nwhoami\nshow", "3 commands: 2 done, 1 not done."),
        ("subscribe", "Nothing has changed yet: one word in reply does it."),
        ("good morning", "No command: good morning"),
        ("", "There is no command in your mail. This is what you can write."),
    ],
)
def test_the_first_line_says_what_became_of_the_mail(
    office: Callable[..., Office], text: str, first: str
) -> None:
    assert text_of(answered(office(), text, "")).split("\n")[0] == first


def test_every_line_is_echoed_with_its_result(office: Callable[..., Office]) -> None:
    text = text_of(answered(office(), "status\n# a comment\nwhoami\nhello"))
    assert [line for line in text.split("\n") if line.startswith(">")] == [
        "> status",
        "> whoami",
        "> hello",
    ]
    assert "> status\nNo incident is open.\n" in text
    assert "> hello\nThis is no command.\n" in text


def test_an_answer_goes_from_the_null_reverse_path_and_counts_for_the_cap(
    office: Callable[..., Office],
) -> None:
    desk = office()
    answered(desk, "status")
    (row,) = desk.connection.execute("SELECT reverse_path FROM letter").fetchall()
    assert row["reverse_path"] is None
    assert desk.connection.execute("SELECT count(*) FROM answer").fetchone()[0] == 1


def test_answers_to_commands_end_at_the_cap(office: Callable[..., Office]) -> None:
    desk = office()
    letters = [desk.take("status", "x", to=REQUEST)[1] for _ in range(12)]
    answers = [
        letter
        for found in letters
        for letter in found
        if letter["To"] == "Kevin Riggle <kevin@example.com>"
    ]
    assert len(answers) == 10


def test_the_same_question_is_asked_three_times_a_day(office: Callable[..., Office]) -> None:
    desk = office()
    letters = [desk.take("subscribe", "x", to=REQUEST)[1] for _ in range(4)]
    assert [str(found[0]["To"]).startswith("Kevin") for found in letters] == [True] * 3 + [False]


def test_a_brief_is_one_screen_with_situation_roles_and_promise(
    office: Callable[..., Office],
) -> None:
    desk = office()
    desk.take(
        f"Half of the payments fail since noon. {FIELDS} Customer liaison: Jayla M."
        " Next update in 30 min."
    )
    for number in range(20):
        desk.take(
            f"Find number {number}.",
            "Re: Checkout is down",
            "Jayla M. <jayla@example.com>",
            In_Reply_To="<mail-1@laptop.example.com>",
        )
    text = text_of(answered(desk, "brief INC-2026-0001"))
    assert "Severity 2 (high), phase 1 (patching), commander Kevin Riggle\nWhere: #pay\n" in text
    assert "Next update 12:31." in text
    assert "\nHalf of the payments fail since noon.\n" in text
    assert "  commander  Kevin Riggle\n  customer liaison Jayla M.\n" in text
    assert "Find number 19." in text
    assert "Write to it: incidents+2026-0001@example.com" in text
    assert text.count("\n") <= 30


def test_a_look_up_of_nothing_says_so(office: Callable[..., Office]) -> None:
    text = one_line(answered(office(), "show 99\nsearch rhinoceros\nstatus"))
    assert "There is no such incident on record." in text
    assert "Nothing on record has all of these words." in text
    assert "No incident is open." in text


def test_what_one_may_not_do_is_refused_with_whom_to_ask(office: Callable[..., Office]) -> None:
    text = one_line(answered(office(), "void INC-2026-0001"))
    assert "Only the people who run the list can do this; ask oncall-leads@example.com." in text


def test_the_question_offers_the_word_and_its_own_reply_address(
    office: Callable[..., Office],
) -> None:
    letter = answered(office(), "subscribe")
    assert "Reply to this mail with\n\n    confirm\n" in text_of(letter)
    assert str(letter["Reply-To"]).startswith("Incidents <incidents+confirm-")


def test_a_forwarded_command_is_not_its_forwarders(office: Callable[..., Office]) -> None:
    desk = office()
    forwarded = (
        "---------- Forwarded message ---------\nFrom: Ana Silva <ana@example.com>\n"
        "Date: Mon, 16 Mar 2026 at 11:00\nSubject: bye\nTo: <incidents@example.com>\n\nunsubscribe\n"
    )
    Roster(desk.connection).put([Subscription(KEVIN)], desk.now)
    letter = answered(desk, forwarded, "Fwd: bye")
    assert "> unsubscribe" not in text_of(letter)


def test_an_old_question_is_not_answered_any_more(office: Callable[..., Office]) -> None:
    desk = office()
    to = answered(desk, "subscribe")["Reply-To"].addresses[0].addr_spec
    desk.now = desk.now.replace(day=desk.now.day + 8)
    (letter,) = desk.take("confirm", "x", to=to)[1]
    assert "it is older than 7 days" in one_line(letter)
    assert Roster(desk.connection).get(KEVIN) is None


def test_the_token_of_an_unsubscribe_is_not_put_on_record_as_its_reason(
    office: Callable[..., Office],
) -> None:
    entry, _ = office().take("unsubscribe abcdefghijkl", "x", to=REQUEST)
    assert entry.reason == "unsubscribe"


def test_what_somebody_gets_is_said_in_words() -> None:
    assert described(Subscription(KEVIN, "updates", "none", 2)) == (
        "openings and updates at once, no digest, mails of severity 2 and worse only"
    )
    assert described(None) == "nothing"


def test_html_keeps_a_found_text_as_it_is_set(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}")
    letter = answered(desk, "show 1")
    body = letter.get_body(("html",))
    assert body is not None
    assert ">  12:01  declared: severity 2, phase 1, commander" in body.get_content()
