"""Channel (reading rules, sections 1, 7a, 8.3, 8.5)."""

import pytest

from .conftest import LIST, Reads

STATES = [
    ("Coordinating via #2021-03-15-production-failover channel on Slack.", ["#2021-03-15-production-failover"]),
    ("Coordinating in #db-failover", ["#db-failover"]),
    ("We are coordinating at https://meet.example.com/db.", ["https://meet.example.com/db"]),
    ("Channel: #incident-2024-001", ["#incident-2024-001"]),
    ("Bridge: https://zoom.us/j/123456789", ["https://zoom.us/j/123456789"]),
    ("Bridge:\nhttps://zoom.us/j/123456789", ["https://zoom.us/j/123456789"]),
    ("Slack: #x-ray", ["#x-ray"]),
    ("Zoom: 123 456 789", ["123 456 789"]),
    ("Teams: https://teams.example.com/l/1", ["https://teams.example.com/l/1"]),
    ("IRC: #ops", ["#ops"]),
    ("Join #incident-2026-01-20 on Slack.", ["#incident-2026-01-20"]),
    ("Dial in: conference bridge +1 555 0100, PIN 4321", ["+1 555 0100, PIN 4321"]),
    ("Conference bridge +1 555 0100, PIN 4321", ["+1 555 0100, PIN 4321"]),
    ("War room: Room 4.12", ["Room 4.12"]),
    ("We are on the incident bridge at https://meet.example.com/a", ["https://meet.example.com/a"]),
    ("Channel: #a-one, bridge: https://meet.example.com/a", ["#a-one", "https://meet.example.com/a"]),
    ("Channel: #a-one (https://slack.example.com/a)", ["#a-one"]),
    ("Bridge: https://meet.example.com/a <https://meet.example.com/a>", ["https://meet.example.com/a"]),
    ("SEV2 | phase 1 | IC me | #a-one", ["#a-one"]),
    ("Channel: this list", [LIST.address]),
    ("Coordinating by email.", [LIST.address]),
    ("Channel: #störung-kasse", ["#störung-kasse"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "places"), STATES, ids=[row[0] for row in STATES])
def test_it_is_stated(read: Reads, text: str, places: list[str]) -> None:
    assert list(read(text).channels) == places


SAYS_NOTHING = [
    "The dashboard is at https://grafana.example.com/d/1.",
    "This is our #1 priority.",
    "See ticket #4512.",
    "Channel: TBD",
    "Bridge: none",
    "Do not join #random, please.",
    "We were coordinating in #old-channel yesterday.",
    "Should we meet in #war-room?",
    "If it gets worse, join #crisis.",
    "Runbook: https://wiki.example.com/runbook",
    "Call the vendor at noon.",
    "The error rate is #N/A in the sheet.",
]


@pytest.mark.parametrize("text", SAYS_NOTHING, ids=SAYS_NOTHING)
def test_it_is_not_stated(read: Reads, text: str) -> None:
    assert read(text).channels == ()


@pytest.mark.parametrize("name", ["#x", "#room", "#ext", "https://meet.example.com/x"])
def test_a_name_that_is_a_word_for_an_extension_ends_its_sentence(read: Reads, name: str) -> None:
    assert read(f"Channel: {name}. This is a severity 3.").get("severity") == 3
