"""One incident's story at once, to who asked for it: raised to severity 1 or 2, or resolved."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from maild.edge.store.roster import Roster
from maild.roster.subscription import Subscription
from tests.office import NOON, Office, text_of

OPENING = (
    "Half of the payments fail since noon. Severity {}, phase 1. I am incident commander."
    " Channel: #pay."
)


@pytest.fixture
def desk(office: Callable[..., Office]) -> Office:
    made = office()
    chosen = [
        Subscription("ana@example.com", "none", "none", at_once=("raised",)),
        Subscription("bob@example.com", "none", "none", at_once=("raised", "resolved")),
        Subscription("cleo@example.com", "none", "none"),
    ]
    Roster(made.connection).put(chosen, NOON)
    return made


def stories(office: Office) -> list[tuple[EmailMessage, list[str]]]:
    rows = office.connection.execute(
        "SELECT l.id, group_concat(d.recipient) AS who FROM letter l"
        " JOIN delivery d ON d.letter = l.id WHERE l.kind = 'at-once' GROUP BY l.id ORDER BY l.id"
    ).fetchall()
    letters = dict(enumerate(office.letters(), 1))
    return [(letters[row["id"]], sorted(row["who"].split(","))) for row in rows]


def follow(office: Office, words: str) -> None:
    office.take(words, "Re: Checkout is down", In_Reply_To="<mail-1@laptop.example.com>")


def test_a_grave_opening_is_told_at_once_in_its_thread(desk: Office) -> None:
    copy = desk.take(OPENING.format(2))[1][0]
    ((letter, who),) = stories(desk)
    assert who == ["ana@example.com", "bob@example.com"]
    assert letter["Subject"] == copy["Subject"]
    assert letter["In-Reply-To"] == copy["Message-ID"]
    assert str(letter["Reply-To"]) == "Incidents <incidents+2026-0001@example.com>"
    assert letter["X-Incident-Severity"] == "2"
    text = text_of(letter)
    assert text.startswith("INC-2026-0001 is severity 2 now.\n")
    assert "  12:01  declared: severity 2, phase 1, commander Kevin Riggle\n" in text
    assert (
        "1 mail, all new:\n\n  12:01 Kevin Riggle: Half of the payments fail since noon.\n" in text
    )


def test_a_lesser_one_is_told_when_it_is_raised_and_once(desk: Office) -> None:
    desk.take(OPENING.format(3))
    assert stories(desk) == []
    follow(desk, "Severity 1, phase 1, IC Kevin Riggle. It is worse.")
    follow(desk, "Severity 1, phase 1, IC Kevin Riggle. Still so.")
    follow(desk, "Severity 2, phase 1, IC Kevin Riggle. A little better.")
    ((letter, _),) = stories(desk)
    assert text_of(letter).startswith("INC-2026-0001 is severity 1 now.\n")
    assert "Half of the payments fail since noon." in text_of(letter)


def test_a_completed_draft_is_told_with_its_state(desk: Office) -> None:
    question = desk.take("Half of the payments fail. Severity 2. Channel: #pay")[1][0]
    to = question["Reply-To"].addresses[0].addr_spec
    desk.take("phase 1, I am IC", f"Re: {question['Subject']}", to=to)
    ((letter, _),) = stories(desk)
    assert "declared: severity 2, phase 1, commander Kevin Riggle" in text_of(letter)
    assert "0 mails" not in text_of(letter)


def test_the_end_is_told_to_who_asked_for_it(desk: Office) -> None:
    desk.take(OPENING.format(3))
    follow(desk, "Severity 3, phase 3, IC Kevin Riggle. Closed, the card gateway was full.")
    ((letter, who),) = stories(desk)
    assert who == ["bob@example.com"]
    assert text_of(letter).startswith("INC-2026-0001 is resolved after 1 min.\n")


def test_who_asked_for_nothing_hears_nothing_at_once(office: Callable[..., Office]) -> None:
    alone = office()
    Roster(alone.connection).put([Subscription("cleo@example.com")], NOON)
    alone.take(OPENING.format(1))
    assert stories(alone) == []
