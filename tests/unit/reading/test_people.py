"""Commander and the other roles (reading rules, sections 1, 7a, 8.1, 8.2, 8.3, 8.10)."""

import pytest

from maild.reading.reading import Person

from .conftest import AUTHOR, Reads

ME = Person(AUTHOR.name, AUTHOR.address)
JANE, BOB = Person("Jane Smith"), Person("Bob Lee")

STATES = [
    ("I am incident commander.", ME),
    ("I'm IC", ME),
    ("I am the incident manager.", ME),
    ("I'll be IC.", ME),
    ("I am taking over as incident commander.", ME),
    ("I have taken over from Bob Lee as IC.", ME),
    ("IC: me", ME),
    ("The IC is me.", ME),
    ("I am the DRI.", ME),
    ("I am incident PM for now.", ME),
    ("Incident commander: Jane Smith", JANE),
    ("**Incident Commander:** @alice", Person(None, "@alice")),
    ("IC is Bob Lee (bob@example.com).", Person("Bob Lee", "bob@example.com")),
    ("Commander: Bob Lee <bob@example.com>", Person("Bob Lee", "bob@example.com")),
    ("Jane Smith is incident commander.", JANE),
    ("Incident commander (Jane Smith)", JANE),
    ("IC - Jane Smith", JANE),
    ("Incident lead = Jane Smith", JANE),
    ("SEV2 | phase 1 | IC Jane Smith | #inc-1", JANE),
    ("IC: Dr. Ana Silva (payroll)", Person("Dr. Ana Silva")),
    ("IC: Jane Smith, head of operations", JANE),
    ("Handing over command to Bob Lee.", BOB),
    ("Bob Lee takes over as incident commander from me.", BOB),
    ("IC handed off from Jane Smith to Bob Lee.", BOB),
    ("IC: Jane Smith -> Bob Lee", BOB),
    ("IC: Bob Lee (was Jane Smith)", BOB),
    ("Bob Lee takes command.", BOB),
    ("I am IC until 18:00, then Priya.", ME),
    ("Kevin Riggle is incident commander.", ME),
    ("IC: Kevin", Person("Kevin", AUTHOR.address)),
    ("IC: Jane\nJane Smith is incident commander.", JANE),
    ("IC: Ludwig van der Berg", Person("Ludwig van der Berg")),
    ("IC: Øyvind Åkesson-Ñúñez", Person("Øyvind Åkesson-Ñúñez")),
]


@pytest.mark.parametrize(("text", "person"), STATES, ids=[row[0] for row in STATES])
def test_the_commander_is_stated(read: Reads, text: str, person: Person) -> None:
    stated = read(text)
    assert stated.get("commander") == person
    assert not stated.findings


SAYS_NOTHING = [
    "I am not incident commander.",
    "I was incident commander until noon.",
    "I could be IC.",
    "I'll be IC if nobody else wants to.",
    "Who is incident commander?",
    "I'm running this.",
    "We need an incident commander.",
    "The next incident commander is Bob Lee.",
    "I hand over at 18:00.",
    "I am handing over to Bob Lee at 18:00.",
    "Agreed.",
    "Commander: TBD",
    "IC: nobody yet",
    "The commander of the ship was Jane Smith.",
    "Bob Lee has been IC many times.",
    "Jane Smith and Bob Lee look at the database.",
    "Customer liaison: Jane Smith",
]


@pytest.mark.parametrize("text", SAYS_NOTHING, ids=SAYS_NOTHING)
def test_the_commander_is_not_stated(read: Reads, text: str) -> None:
    stated = read(text)
    assert stated.get("commander") is None
    assert not stated.findings


TROUBLED = [
    ("Incident commander: the payments team", "invalid"),
    ("IC: whoever is on call", "invalid"),
    ("IC: SRE on-call", "invalid"),
    ("IC: Jane Smith and Bob Lee", "conflict"),
    ("IC: Jane Smith\nI am incident commander.", "conflict"),
    ("IC: Jane Smith / Bob Lee", "conflict"),
]


@pytest.mark.parametrize(("text", "trouble"), TROUBLED, ids=[row[0] for row in TROUBLED])
def test_a_commander_is_one_person(read: Reads, text: str, trouble: str) -> None:
    assert [(f.field, f.trouble) for f in read(text).findings] == [("commander", trouble)]


def test_a_title_in_a_signature_is_no_statement(read: Reads) -> None:
    text = "Orders hang.\n\n-- \nJane Smith\nIncident Commander, Example Ltd.\n+1 555 0100"
    assert read(text).get("commander") is None


ROLES = [
    ("Customer liaison: Jayla M.", "customer_liaison", Person("Jayla M.")),
    ("Business liaison - Shruti S.", "business_liaison", Person("Shruti S.")),
    ("Business liaison: the Controller's office", "business_liaison", Person("the Controller's office")),
    ("Communications lead: Eva Kern", "communications_lead", Person("Eva Kern")),
    ("Comms lead: @eva", "communications_lead", Person(None, "@eva")),
    ("Tech lead = Bob Lee", "technical_lead", BOB),
    ("Bob Lee is our technical lead.", "technical_lead", BOB),
    ("Scribe: me", "scribe", ME),
    ("Experts: Alícia S., Dave D.", "experts", (Person("Alícia S."), Person("Dave D."))),
    ("SMEs: Ana Silva; Bob Lee and Eva Kern", "experts", (Person("Ana Silva"), BOB, Person("Eva Kern"))),
    ("Subject-matter experts: Ana Silva", "experts", (Person("Ana Silva"),)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "field", "value"), ROLES, ids=[row[0] for row in ROLES])
def test_the_other_roles_are_read(read: Reads, text: str, field: str, value: object) -> None:
    assert read(text).get(field) == value


NO_ROLES = [
    ("Customer liaison: none", "customer_liaison"),
    ("Scribe: n/a", "scribe"),
    ("Experts: TBD", "experts"),
    ("We asked three experts, and Dave left.", "experts"),
    ("Who is the scribe?", "scribe"),
    ("Our technical lead times are too long.", "technical_lead"),
]


@pytest.mark.parametrize(("text", "field"), NO_ROLES, ids=[row[0] for row in NO_ROLES])
def test_nobody_is_named_for_a_role(read: Reads, text: str, field: str) -> None:
    assert read(text).get(field) is None


def test_several_roles_stand_on_one_line_as_in_the_article(read: Reads) -> None:
    stated = read(
        "Customer liaison: Jayla M. Business liaison: Shruti S. "
        "Subject-matter experts: Alícia S., Dave D."
    )
    assert stated.get("customer_liaison") == Person("Jayla M.")
    assert stated.get("business_liaison") == Person("Shruti S.")
    assert stated.experts == (Person("Alícia S."), Person("Dave D."))
