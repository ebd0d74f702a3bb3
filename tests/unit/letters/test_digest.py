"""The digest: who has to act first, then a table, then each incident as a story."""

from collections.abc import Callable
from datetime import timedelta

from maild.edge.store.digests import Digests
from maild.letters.digest import text
from tests.office import NOON, Office

FIELDS = "Severity 2, phase 1. I am incident commander. Channel: #pay."
JAYLA = "Jayla M. <jayla@example.com>"
ANA = "Ana Silva <ana@example.com>"
WORD = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def told(office: Office) -> str:
    """Give the digest of everything so far."""
    begin = NOON - timedelta(hours=1)
    found = Digests(office.connection)
    digest = office.desk.digest(
        found.histories(begin, office.now),
        found.declared(office.desk.month(office.now), office.now),
        begin,
        office.now,
    )
    assert office.desk.head is not None
    return text(office.desk.head, digest)


def follow(office: Office, words: str, author: str, to: str = "mail-1") -> None:
    office.take(words, "Re: Checkout is down", author, In_Reply_To=f"<{to}@laptop.example.com>")


def test_a_story_has_state_moves_and_the_conversation_as_a_tree(
    office: Callable[..., Office],
) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}")
    follow(desk, "Seeing it in us-east too: 14 tickets.", JAYLA)
    follow(desk, "We send its reads to eu-west.", ANA, "mail-2")
    follow(desk, "Severity 1, phase 1. I am taking over as IC. Worse now.", ANA)
    lines = told(desk)
    assert lines.startswith("Nothing is overdue.\n1 open, since Monday 16 March 11:00.")
    assert "\n   1   1 patching   0001 Checkout is down          Ana Silva\n" in lines
    assert "  12:01  declared: severity 2, phase 1, commander Kevin Riggle\n" in lines
    assert "  12:04  severity 2 -> 1, commander Kevin Riggle -> Ana Silva\n" in lines
    assert (
        "4 mails, all new:\n\n"
        "  12:01 Kevin Riggle: Half of the payments fail since noon.\n"
        "    12:02 Jayla M.: Seeing it in us-east too: 14 tickets.\n"
        "      12:03 Ana Silva: We send its reads to eu-west.\n"
        "  12:04 Ana Silva: Worse now.\n"
    ) in lines
    assert "Write to it: incidents+2026-0001@example.com" in lines


def test_a_question_without_an_answer_is_marked(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}")
    follow(desk, "Are orders lost, or only late?", JAYLA)
    assert any(line.endswith("NO ANSWER") and len(line) <= 72 for line in told(desk).split("\n"))
    follow(desk, "None is lost.", ANA, "mail-2")
    assert "NO ANSWER" not in told(desk)


def test_an_overdue_promise_comes_first_and_is_counted(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS} Next update in 30 min.")
    desk.now += timedelta(minutes=90)
    lines = told(desk)
    assert lines.startswith("1 needs somebody now: INC-2026-0001, update overdue for 1 h.\n")
    assert "OVERDUE" in lines
    assert "The update promised for 12:31 is 1 h late. Promises kept: 0 of 1." in " ".join(
        lines.split()
    )


def test_an_incident_that_is_over_says_how_long_it_lasted(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}")
    desk.now += timedelta(hours=2)
    follow(desk, "Severity 2, phase 3, IC Kevin. Closed, the card gateway was full.", ANA)
    lines = told(desk)
    assert "RESOLVED" in lines
    assert "Lasted 2 h 1 min, 12:01 to 14:02." in lines
    assert "1 incident (severity 2: 1), 0 open" in lines


def test_what_is_left_out_of_a_long_conversation_is_counted(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}")
    for number in range(20):
        follow(desk, f"Find number {number}: {WORD} {WORD}.", JAYLA)
    lines = told(desk).split("\n")
    assert any(line.strip() == "... 11 mails" for line in lines)
    assert sum("Find number" in line for line in lines) == 9
    assert max(map(len, lines)) <= 72


def test_where_too_many_have_moved_the_worst_are_told_and_all_are_named(
    office: Callable[..., Office],
) -> None:
    desk = office()
    for number in range(60):
        desk.take(f"Half of it fails since noon. {FIELDS}", f"Thing {number} is down")
    lines = told(desk)
    assert lines.count("Write to it:") == 50
    assert all(f" {number:04} Thing {number - 1} is down " in lines for number in range(1, 61))
    assert "\n10 more that moved are named in the table alone.\n" in lines


def test_many_that_are_overdue_are_counted_and_the_first_are_named(
    office: Callable[..., Office],
) -> None:
    desk = office()
    for number in range(8):
        desk.take(f"Half of it fails since noon. {FIELDS}", f"Thing {number} is down")
    desk.now += timedelta(hours=6)
    first = " ".join(told(desk).split("\n\n")[0].split())
    assert first.startswith("8 need somebody now: INC-2026-0001, update overdue for 5 h")
    assert "; and 3 more. 8 open" in first


def test_a_story_says_who_holds_which_role(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(
        f"Half of the payments fail since noon. {FIELDS}\nCustomer liaison: Jayla M.\n"
        "Experts: Ana Silva and Dave D."
    )
    assert "\nLiaisons: Jayla M. (customers)\nExperts: Ana Silva and Dave D.\n" in told(desk)


def test_what_is_resolved_says_when_its_postmortem_is_due(office: Callable[..., Office]) -> None:
    desk = office()
    desk.take(f"Half of the payments fail since noon. {FIELDS}")
    follow(desk, "Severity 2, phase 3, IC Kevin Riggle. Closed, the card gateway was full.", ANA)
    words = " ".join(told(desk).split())
    assert "Postmortem: draft due Wednesday 18 March, by Kevin Riggle." in words
