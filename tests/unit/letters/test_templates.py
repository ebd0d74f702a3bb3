"""Every letter that we send, rendered once with StrictUndefined, and read as its reader does."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import time, timedelta
from email.message import EmailMessage

from maild.edge.files import default_folder
from maild.edge.store.digests import Digests
from maild.edge.store.drafts import Drafts
from maild.edge.store.ledger import Ledger
from maild.edge.store.outbox import owe
from maild.edge.store.reminders import Reminders
from maild.edge.store.roster import Roster
from maild.incident.entry import OwnerWord, Paused, Unreached
from maild.letters.canary import canary
from maild.letters.digest import story_text
from maild.loops import Clocks
from maild.mail.message import Address
from maild.reading.reading import Person
from maild.reports import Reports
from maild.roster.subscription import Subscription
from tests.office import NOON, Office, text_of

FIELDS = "Severity 2, phase 1. I am incident commander. Channel: #pay."
PROSE = "Half of the payments fail since noon."
ANA = "Ana Silva <ana@example.com>"
ROBOT = "robot@example.com"
NINA = "Nina <nina@example.com>"
REQUEST = "incidents-request@example.com"


def follow(office: Office, words: str, author: str = ANA, **fields: str) -> list[EmailMessage]:
    parent = {"In_Reply_To": "<mail-1@laptop.example.com>", **fields}
    return office.take(words, "Re: Checkout is down", author, **parent)[1]


def everything(office: Office) -> Iterator[tuple[str, EmailMessage]]:
    """Make the office write each of its letters; gives what it is about, and the letter."""
    copy, receipt = office.take(f"{PROSE}\n{FIELDS}")[1]
    yield "a copy", copy
    yield "a receipt", receipt
    yield "an update's question", follow(office, "Phase 2. All is quiet.")[0]
    old = office.now - timedelta(hours=1)
    follow(office, "Severity 1, phase 1, IC Kevin. It is worse.")
    late = follow(
        office,
        "Severity 3, phase 1, IC Kevin.",
        Date=str(old.strftime("%a, %d %b %Y %H:%M:%S +0000")),
    )
    yield "a late mail's author", late[-1]
    yield "an unknown incident", office.take(PROSE, to="incidents+2019-0001@example.com")[1][0]
    question = office.take(PROSE, "Odd thing")[1][0]
    yield "an opening's question", question
    to = question["Reply-To"].addresses[0].addr_spec
    completed = office.take("Severity 2, phase 1, IC: Kevin Riggle, channel: #pay", "x", ANA, to)[1]
    question = office.take(PROSE, "Odd thing again")[1][0]
    to = question["Reply-To"].addresses[0].addr_spec
    yield "a withdrawal", office.take("withdraw", "x", to=to)[1][0]
    if completed:
        yield "the author of a completed draft", completed[-1]
    yield "a dry run", office.take(PROSE, to="incidents+check@example.com")[1][0]
    yield from _by_command(office)
    yield "the owner of a program", office.take(PROSE, "CPU 99 %", ROBOT)[1][0]
    yield "the owner of an ignored program", office.take(PROSE, "x", "cron@example.com")[1][0]
    stranger = "mallory@a-rather-long-name.example.net"
    refused = office.take(f"{PROSE}\n{FIELDS}", "Payments", stranger, refused=True)
    yield "the owner of a refused mail", refused[1][0]
    yield "a forward", office.take("Hello?", to="incidents-owner@example.com")[1][0]
    slow = "reading it took more than 1.5 s of the processor's time"
    office.desk.shunt(1, office.desk.ledger.raw(1), slow, office.now)
    yield "the owner of a shunted mail", office.letters()[-2]
    yield "the author of a shunted mail", office.letters()[-1]
    yield from _undelivered(office)
    yield from _troubles(office)
    yield from _by_the_clock(office)


def _by_command(office: Office) -> Iterator[tuple[str, EmailMessage]]:
    for about, words in {
        "help": "help",
        "every look-up": "status\nbrief 1\nshow 1\ntimeline 1\ndigest since 3 d\nsearch payments",
        "look-ups of nothing": "brief 99\nsearch rhinoceros",
        "what was not done": "set fortnightly\nset severity 9\nvoid 1\nsubscribe bob@example.com\nconfirm",
        "lines that are no commands": "\n".join("abcde"),
        "a subscription's question": "whoami\nunsubscribe\nsubscribe updates",
    }.items():
        answer = office.take(words, "x", NINA, REQUEST)[1][0]
        yield about, answer
    to = answer["Reply-To"].addresses[0].addr_spec
    yield "a new subscriber", office.take("confirm", "x", NINA, to)[1][0]
    yield "a leaver's question", office.take("whoami\nset updates\nleave", "x", NINA, REQUEST)[1][0]


def _undelivered(office: Office) -> Iterator[tuple[str, EmailMessage]]:
    Roster(office.connection).put([Subscription("bob@example.com")], office.now)
    incident, _ = office.desk.ledger.incident("INC-2026-0001")
    assert incident is not None
    whom = Person("Jayla Moore", "jayla.moore@a-rather-long-name.example.com")
    kevin = Address("Kevin", "kevin@example.com")
    why = "550 5.1.1 <jayla.moore@a-rather-long-name.example.com>: no such user here; try another"
    unreached = Unreached(kevin, whom, "customer liaison", incident, why)
    for name, notice in {
        "the commander of an unreached liaison": unreached,
        "a paused subscriber": Paused("bob@example.com", why),
        "the owner of him": OwnerWord("paused", "bob@example.com", detail=why),
        "the owner of who complains": OwnerWord("complaint", "bob@example.com", detail="paused"),
        "the owner of who may complain": OwnerWord("complaint", "bob@example.com"),
    }.items():
        (letter,) = office.desk.news([notice], office.now)
        owe(office.connection, letter, office.now)
        yield name, office.letters()[-1]
    office.connection.execute("UPDATE subscriber SET paused_at = '2026-03-16T12:00:00.000000Z'")
    notice = next(m for m in office.letters() if m["To"] == "bob@example.com")["Message-ID"]
    to = "incidents-request@example.com"
    answer = office.take("Yes.", "Re: You get no copies", "bob@example.com", to, In_Reply_To=notice)
    yield "a subscriber who is back", answer[1][0]


def _troubles(office: Office) -> Iterator[tuple[str, EmailMessage]]:
    for about, words in {
        "disk": "9.0 % of the disk of /var/lib/maild are free.",
        "canary": "The mail that maild sent to itself at 12:01 UTC has not come back.",
    }.items():
        notice = OwnerWord(about, "2026-03-16 12:00 UTC", detail=words)
        (letter,) = office.desk.news([notice], office.now)
        owe(office.connection, letter, office.now)
        yield f"the owner of {about}", office.letters()[-1]
    head = office.desk.head
    assert head is not None
    sent = canary(head, 7, "a" * 12, "back@far.example.org", ("15 min", "5 min"), office.now)
    owe(office.connection, sent, office.now)
    yield "a canary", office.letters()[-1]


def _by_the_clock(office: Office) -> Iterator[tuple[str, EmailMessage]]:
    ledger = Ledger(office.connection, 3)
    drafts, digests = Drafts(office.connection, ledger), Digests(office.connection)
    schedules = office.site.schedules()
    clocks = Clocks(
        office.desk,
        drafts,
        digests,
        Reminders(office.connection),
        schedules,
        lambda: NOON,
        lambda *_, **__: None,
        lambda: None,
    )
    clocks.tick(NOON)
    yield from _reminders(office, clocks)
    office.take(f"{PROSE} Severity 2.", "Another thing", ANA)
    begun = office.now
    for minutes, name in ((5, "the owner of a draft"), (15, "an incomplete opening's author")):
        clocks.tick(begun + timedelta(minutes=minutes))
        yield name, office.letters()[-1]
    reader = Subscription("bob@example.com", form="plain")
    Roster(office.connection).put([reader], NOON)
    office.now = NOON + timedelta(days=14, hours=1)
    clocks.tick(office.now)
    office.take(f"{PROSE}\n{FIELDS}", "A later thing", ANA)
    clocks.tick(NOON + timedelta(days=15))
    yield "a digest", office.letters()[-2]
    yield "a digest with its mails", office.letters()[-1]
    rest = (time(9), lambda _: None, lambda *_, **__: None, lambda: None)
    for day in (1, 31):
        Reports(office.desk, digests, *rest).tick(NOON + timedelta(days=day))
    yield "a report", office.letters()[-1]
    for number in range(12):
        office.take(f"Odd thing {number}.", f"Odd {number}", "Otto <otto@example.com>")
    yield "the owner of a capped author", office.letters()[-1]


def _reminders(office: Office, clocks: Clocks) -> Iterator[tuple[str, EmailMessage]]:
    to = "incidents+2026-0001@example.com"
    asked = office.take("Severity 1, phase 1. IC: Bob Lee. Worse.", "Re: x", ANA, to)[1]
    yield "a commander without an address", asked[-1]
    begun = office.now
    for minutes, name in ((30, "a first reminder"), (60, "the thread"), (8 * 60, "a handoff")):
        clocks.tick(begun + timedelta(minutes=minutes))
        yield name, office.letters()[-1]
    yield "a second reminder", office.letters()[-3]
    reminder = {"In_Reply_To": str(office.letters()[-1]["Message-ID"])}
    yield "quiet", office.take("snooze 2 h", "Re: x", ANA, to, **reminder)[1][0]
    yield "no more", office.take("stop reminders", "Re: x", ANA, to, **reminder)[1][0]
    office.take("Severity 1, phase 3. I am IC. Closed.", "Re: x", ANA, to)
    clocks.tick(office.now + timedelta(days=7))
    yield "a postmortem", office.letters()[-1]


def test_every_template_renders_and_each_letter_is_fit_to_be_read(
    office: Callable[..., Office],
) -> None:
    desk = office(posting={"machines": [ROBOT]})
    head = desk.desk.head
    assert head is not None
    used: set[str] = set()

    def recorded(name: str, model: object) -> str:
        used.add(name)
        return head.render(name, model)  # type: ignore[arg-type]

    desk.desk = replace(desk.desk, head=replace(head, render=recorded))
    for about, letter in everything(desk):
        text = text_of(letter)
        long = [line for line in text.split("\n") if len(line) > 72]
        assert long == [], f"{about}: {long}"
        first = text.split("\n")[0]
        assert len(first) <= 90, f"{about}: a lock screen shows about 90 characters"
        assert "!" not in text.replace("<!", ""), f"{about}: {text}"
        assert letter["X-Loop"] == "incidents@example.com", about
        if about not in ("a copy", "a forward"):
            assert letter["Auto-Submitted"], about
            assert letter["X-Auto-Response-Suppress"] == "All", about
    assert desk.desk.head is not None
    story_text(
        desk.desk.head,
        Digests(desk.connection).history("INC-2026-0001"),
        desk.now,
        desk.site.hours(),
    )
    included = {"fields.txt", "help.txt"}
    known = {p.name.removesuffix(".j2") for p in default_folder("templates").glob("*.j2")}
    assert known - used - included == set()
