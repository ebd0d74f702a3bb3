"""Who is named and is not in command: he has left, is on his way, or begins later."""

import pytest

from tests.unit.reading.test_causes import stated

# The mail is of noon.
ASKED = [
    "IC: Ola has left",
    "IC: Ola is on his way",
    "IC: Ola Berg will be here at two",
    "IC: Ola Berg (asleep)",
    "IC: Ola Berg, who is off shift",
    "IC: Ola Berg, but she is not reachable",
    "IC: Ola Berg from 18:00",
    "IC: Ola Berg (from tomorrow)",
    "IC: me from six",
    "IC: Ola Berg is at the dentist",
    "IC (from 18:00): Ola Berg",
    "On Tuesday I am IC.",
    "IC is Ola Berg, who has left.",
    "Ola Berg is IC, but he is asleep.",
    "I'm IC from 18:00.",
    "From 18:00 I am IC.",
    "I am IC as of 12:30.",
    "I will be IC in 20 minutes.",
    "I am IC as soon as I am at my desk.",
    "Ola Berg takes over as IC at 18:00.",
    "IC: me, from 18:00 UTC",
    "IC: me, from 18:00 Pacific Time",
    "IC: me, from 08:00 Ola Berg",
    # Said in the sentence directly behind, of him alone.
    "Commander: Ola Berg. He went home an hour ago.",
    "IC: Ola Berg\nShe's off shift now.",
    "IC: Ola Berg, head of payments. Sadly, she is ill.",
    "The commander is Ola Berg. But he is asleep.",
    "IC: Ola Berg. Berg is on leave.",
    "Handing over command to Ola Berg. He is on the road.",
]
NAMED = [
    ("IC: Ola Berg, she is on the phone with the bank", "Ola Berg"),
    ("IC: Ola has taken over", "Ola"),
    ("IC: Ola is at work", "Ola"),
    ("IC (from 08:00): Ola Berg", "Ola Berg"),
    ("On Monday I am IC.", "Kim Park"),
    ("IC: Ola Berg, channel is #pay", "Ola Berg"),
    ("IC: Ola Berg, the night shift has left", "Ola Berg"),
    ("IC: Ola Berg (was Jo, who has left)", "Ola Berg"),
    ("IC: Ola Berg from 08:00", "Ola Berg"),
    ("IC: Ola Berg from Lyon", "Ola Berg"),
    ("IC: me, next update in 30 min", "Kim Park"),
    ("IC is Ola Berg, who is on the bridge.", "Ola Berg"),
    ("I'm IC from 11:45.", "Kim Park"),
    ("I'm IC from now on.", "Kim Park"),
    ("I am IC at the depot, next update 18:00.", "Kim Park"),
    ("I took over as IC at 12:05.", "Kim Park"),
    ("I am IC until 18:00, then Ola Berg.", "Kim Park"),
    ("IC: me, from 18:00 Ola Berg", "Kim Park"),
    ("IC: Jo Lind; from 6 pm UTC Ola Berg.", "Jo Lind"),
    ("IC: me, from 18:00 @ola | Channel: #pay", "Kim Park"),
    ("Commander: Ola Berg. He is on the bridge.", "Ola Berg"),
    ("IC: Ola Berg. He has not left.", "Ola Berg"),
    ("IC: Ola Berg. The night shift has left.", "Ola Berg"),
    ("IC: Ola Berg. Scribe: Jo Lind. She is off shift at noon.", "Ola Berg"),
    ("IC: Ola Berg. All tills are down. He has left.", "Ola Berg"),
    ("Ola Berg takes over as IC from Jo Lind. She has left.", "Ola Berg"),
    ("IC: Jo Lind -> Ola Berg. She is off shift.", "Ola Berg"),
    ("Ola Berg is IC. Jo is away.", "Ola Berg"),
    ("I am IC. He has left.", "Kim Park"),
]


@pytest.mark.parametrize("text", ASKED)
def test_asks_for_the_commander(text: str) -> None:
    assert stated(text, "commander") in (None, "invalid")


@pytest.mark.parametrize(("text", "name"), NAMED)
def test_reads_the_commander(text: str, name: str) -> None:
    assert stated(text, "commander") == name
