"""Bounces from end to end on an office's desk: who is counted, paused, told, and back again."""

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from urllib.parse import unquote

import pytest

from maild.delivery import batches
from maild.edge.store.outbox import Due, Outbox
from maild.edge.store.roster import Roster
from maild.incident.entry import Entry
from maild.mail.message import Reply
from maild.mail.tokens import delivery_token, with_token
from maild.roster.subscription import Subscription
from tests.office import Office, text_of
from tests.unit.mail.test_bounce import GONE, report

KEY = b"k" * 32
DAY = timedelta(days=1)
WORDS = (
    "Half of the payments fail since noon. Severity 2, phase 1. I am incident commander. "
    "Channel: #pay. Customer liaison: Jayla Moore <jayla@example.com>."
)
BOB = "bob@example.com"


class Post:
    """An office whose letters come back."""

    def __init__(self, office: Office, verp: str = "probe") -> None:
        self.office, self.verp = office, verp
        self.roster = Roster(office.connection)
        everybody = ("ana", "bob", "cleo")
        self.roster.put([Subscription(f"{name}@example.com") for name in everybody], office.now)
        self.outbox = Outbox(office.connection, KEY, verp, office.desk.news)  # type: ignore[arg-type]
        self.openings = 0

    def open(self) -> None:
        """Declare an incident on the next day, and send all that is owed."""
        self.openings += 1
        self.office.now += DAY
        self.office.take(WORDS, f"Failure number {self.openings}")

    def due(self) -> list[Due]:
        return self.outbox.due(self.office.now, 100)

    def copies(self) -> dict[str, Due]:
        """What is due of the last copy, by recipient."""
        copies = [due for due in self.due() if due.kind == "opening"]
        last = max((due.letter for due in copies), default=0)
        return {due.recipient: due for due in copies if due.letter == last}

    def settle(self, replies: dict[str, Reply]) -> None:
        """Send the last copy: everybody's relay takes it but those named."""
        sent = Reply(250, 0, 0, "sent")
        results = [(due.number, replies.get(who, sent), None) for who, due in self.copies().items()]
        self.outbox.settle(results, self.office.now)

    def comes_back(self, about: str = BOB, path: str | None = None) -> Entry:
        """Let the last copy come back, to the reverse-path that it had."""
        due = self.copies()[about]
        if path is None:
            path, _ = self.outbox.letter(due.letter, due.number if due.alone else None)
        assert path is not None
        self.office.now += timedelta(minutes=5)
        content = report(GONE.replace("Bob@example.com", about))
        content = f"Message-ID: <{due.number}.{self.office.now:%H%M}@mx>\n".encode() + content
        return self.office.receive(content, None, path)[0]

    def paused(self, address: str = BOB) -> bool:
        found = self.roster.get(address)
        assert found is not None
        return found.paused_at is not None


@pytest.fixture
def post(office: Callable[..., Office]) -> Post:
    return Post(office())


def test_a_bounce_is_ignored_with_a_reason_that_names_whom_it_was_about(post: Post) -> None:
    post.open()
    entry = post.comes_back()
    assert (entry.verdict, entry.reason) == (
        "ignored",
        "bounce: bob@example.com not reached (5.1.1)",
    )
    row = post.office.connection.execute(
        "SELECT state, reply FROM delivery WHERE recipient = ? ORDER BY id", (BOB,)
    ).fetchone()
    assert tuple(row) == ("failed", "bounced 5.1.1 550 5.1.1 No such user")


def test_a_forged_bounce_harms_nobody(post: Post) -> None:
    for token in ("aaaaaaaaaaaa", "a" * 20, delivery_token(b"x" * 32, 1)):
        post.open()
        entry = post.comes_back(path=f"incidents-bounces+{token}@example.com")
        assert "without a token" in entry.reason
        assert entry.fallout == ()
        assert entry.notices == ()


def test_a_bounce_about_somebody_to_whom_that_mail_did_not_go_harms_nobody(post: Post) -> None:
    post.open()
    due = post.copies()["ana@example.com"]
    path, _ = post.outbox.letter(due.letter)
    post.roster.put([Subscription("dan@example.com")], post.office.now)
    assert path is not None
    content = report(GONE.replace("Bob@example.com", "dan@example.com"))
    entry, _ = post.office.receive(content, None, path)
    assert entry.reason == "a bounce about nobody to whom we sent that mail"


def test_who_bounces_on_three_days_gets_no_copies_and_is_told_once_and_the_owner_too(
    post: Post,
) -> None:
    for _ in range(3):
        assert not post.paused()
        post.open()
        post.comes_back()
    assert post.paused()
    told = [letter for letter in post.office.letters() if "for now" in letter["Subject"]]
    assert [letter["To"] for letter in told] == [BOB, "oncall-leads@example.com"]
    assert "reply to this mail" in text_of(told[0])
    assert "roster add bob@example.com" in " ".join(text_of(told[1]).split())
    post.open()
    assert BOB not in post.copies()
    assert "ana@example.com" in post.copies()


def pause(post: Post) -> None:
    while not post.paused():
        post.open()
        post.settle({BOB: Reply(550, 1, 1, "No such user")})


def test_a_refusal_at_rcpt_counts_like_a_bounce(post: Post) -> None:
    pause(post)
    assert post.openings == 3


def test_a_refusal_of_the_mail_itself_counts_for_nobody(post: Post) -> None:
    for _ in range(10):
        post.open()
        post.settle(dict.fromkeys(("ana@example.com", BOB), Reply(554, 7, 1, "Spam")))
    assert not post.paused()


def test_any_mail_brings_a_paused_subscriber_back(post: Post) -> None:
    pause(post)
    post.office.take("Anybody there?", "Hello", f"Bob <{BOB}>")
    assert not post.paused()
    post.open()
    assert BOB in post.copies()


def test_a_reply_to_the_notice_brings_back_even_who_may_not_post(post: Post) -> None:
    stranger = "nina@elsewhere.example.net"
    post.roster.put([Subscription(stranger)], post.office.now)
    for _ in range(3):
        post.open()
        post.settle({stranger: Reply(550, 1, 1, "No such user")})
    assert post.paused(stranger)
    notice = next(m for m in post.office.letters() if m["To"] == stranger)
    entry, (answer,) = post.office.take(
        "yes please",
        f"Re: {notice['Subject']}",
        f"Nina <{stranger}>",
        notice["Reply-To"].addresses[0].addr_spec,
        In_Reply_To=notice["Message-ID"],
    )
    assert not post.paused(stranger)
    assert entry.reason == "gets copies again"
    assert text_of(answer).startswith("You get copies again")


def test_a_command_in_a_reply_to_the_notice_is_done_and_brings_him_back_too(post: Post) -> None:
    pause(post)
    notice = next(m for m in post.office.letters() if m["To"] == BOB)
    to = notice["Reply-To"].addresses[0].addr_spec
    entry, (answer,) = post.office.take(
        "whoami", f"Re: {notice['Subject']}", BOB, to, In_Reply_To=notice["Message-ID"]
    )
    assert entry.reason == "whoami"
    assert "get copies again" not in text_of(answer)
    assert not post.paused()


def test_whoami_says_since_when_he_was_paused_and_that_it_is_over(post: Post) -> None:
    pause(post)
    paused_at = post.office.now
    post.office.now += DAY
    _, (answer,) = post.office.take("whoami", "x", BOB, "incidents-request@example.com")
    said = " ".join(text_of(answer).split())
    assert f"No copies have gone to you since {paused_at.day} March" in said
    assert "With your mail that is over: you get them again." in said
    assert not post.paused()
    _, (answer,) = post.office.take("whoami", "x", BOB, "incidents-request@example.com")
    assert "No copies" not in text_of(answer)


def test_a_copy_that_is_his_alone_takes_him_off_by_its_unsubscribe_without_a_question(
    post: Post,
) -> None:
    post.open()
    post.comes_back()
    post.settle({})
    post.open()
    due = post.copies()[BOB]
    _, content = post.outbox.letter(due.letter, due.number)
    alone = message_from_bytes(content, policy=default)["List-Unsubscribe"]
    _, content = post.outbox.letter(due.letter)
    together = message_from_bytes(content, policy=default)["List-Unsubscribe"]
    assert together == "<mailto:incidents-request@example.com?subject=unsubscribe>"
    to, _, subject = alone.strip("<>").removeprefix("mailto:").partition("?subject=")
    # In another's hand it is worth nothing.
    post.office.take("", unquote(subject), "ana@example.com", to)
    assert post.roster.get("ana@example.com") is not None
    _, (answer,) = post.office.take("", unquote(subject), BOB, to)
    assert post.roster.get(BOB) is None
    assert "Off the roster" in text_of(answer)


def test_an_automatic_answer_to_the_notice_brings_nobody_back(post: Post) -> None:
    pause(post)
    away = {"Auto_Submitted": "auto-replied"}
    post.office.take("I am away.", "Away", BOB, "incidents-request@example.com", **away)
    assert post.paused()


def test_the_mode_is_kept_while_copies_are_paused(post: Post) -> None:
    post.roster.put([Subscription(BOB, "updates", "weekly", 2)], post.office.now)
    pause(post)
    found = post.roster.get(BOB)
    assert found is not None
    assert (found.mode, found.digest, found.severity) == ("updates", "weekly", 2)


def test_one_bounce_of_a_batch_makes_the_next_copies_travel_alone(post: Post) -> None:
    post.open()
    assert not post.copies()[BOB].alone
    post.comes_back()
    post.settle({})
    post.open()
    due = post.copies()[BOB]
    assert due.alone
    path, _ = post.outbox.letter(due.letter, due.number)
    assert path == f"incidents-bounces+{delivery_token(KEY, due.number)}@example.com"
    together = [[due.recipient for due in batch] for batch in batches(list(post.copies().values()))]
    assert together[-1] == ["ana@example.com", "cleo@example.com"]
    assert [BOB] in together


def test_a_copy_to_a_liaison_travels_alone(post: Post) -> None:
    post.open()
    alone = {who for who, due in post.copies().items() if due.alone}
    assert alone == {"kevin@example.com", "jayla@example.com"}


def test_everybody_or_nobody_travels_alone_where_the_operator_says_so(
    office: Callable[..., Office],
) -> None:
    for verp, alone in (("always", True), ("never", False)):
        post = Post(office(delivery={"verp": verp}), verp)
        post.open()
        assert {due.alone for due in post.copies().values()} == {alone}


def test_without_verp_a_batchs_token_is_proof_enough(office: Callable[..., Office]) -> None:
    post = Post(office(delivery={"verp": "never"}), "never")
    for _ in range(3):
        post.open()
        post.comes_back()
    assert post.paused()


def test_the_own_token_is_proof_whatever_address_the_report_names(post: Post) -> None:
    post.open()
    due = post.copies()["jayla@example.com"]
    path, _ = post.outbox.letter(due.letter)
    assert path is not None
    own = with_token(path, delivery_token(KEY, due.number))
    content = report(GONE.replace("Bob@example.com", "jm@forwarded.example.net"))
    entry, (letter,) = post.office.receive(content, None, own)
    assert "jayla@example.com not reached" in entry.reason
    assert letter["To"].addresses[0].addr_spec == "kevin@example.com"


def test_the_commander_hears_that_a_liaisons_copy_failed(post: Post) -> None:
    post.open()
    before = len(post.office.letters())
    post.settle({"jayla@example.com": Reply(550, 1, 1, "No such user")})
    (letter,) = post.office.letters()[before:]
    assert letter["To"].addresses[0].addr_spec == "kevin@example.com"
    assert letter["Subject"].startswith("Re: [INC-2026-0001]")
    assert "tell Jayla Moore by other means" in text_of(letter)


def test_the_owner_hears_that_the_commanders_own_copy_failed(post: Post) -> None:
    post.open()
    before = len(post.office.letters())
    post.settle({"kevin@example.com": Reply(550, 1, 1, "No such user")})
    (letter,) = post.office.letters()[before:]
    assert letter["To"] == "oncall-leads@example.com"


def test_the_same_failure_counts_once(post: Post) -> None:
    post.open()
    path, _ = post.outbox.letter(post.copies()[BOB].letter)
    assert path is not None
    first, second = (
        post.office.receive(f"Message-ID: <{n}@mx>\n".encode() + report(GONE), None, path)[0]
        for n in (1, 2)
    )
    assert len(first.fallout) == 1
    assert second.fallout == ()
