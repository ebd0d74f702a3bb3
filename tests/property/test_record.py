"""Whatever comes in: the events fold to the stored state, and a mail that comes twice counts once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from maild.edge.store.records import Records
from maild.incident.model import fold
from tests.office import Office

SENTENCES = (
    "Severity 1.",
    "Severity 2.",
    "SEV0.",
    "Phase 1.",
    "Phase 2.",
    "Phase 3.",
    "I am incident commander.",
    "IC: Ana Silva",
    "Channel: #pay",
    "Half of the payments fail.",
    "Is anybody on this?",
    "same",
    "Next update in 30 min.",
    "Severity 2, phase 1, IC: me.",
    "Customer liaison: Jayla M.",
)
AUTHORS = ("Kevin Riggle <kevin@example.com>", "Ana Silva <ana@example.com>", "x@example.com")
mails = st.tuples(
    st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=5),
    st.sampled_from(AUTHORS),
    st.integers(min_value=0, max_value=8),
    st.booleans(),
)


def play(office: Office, script: list[tuple[list[str], str, int, bool]], times: int) -> None:
    """Send mails, each an answer to an earlier letter or mail where it names one."""
    for number, (sentences, author, parent, letter) in enumerate(script):
        fields = {"Message_ID": f"<play-{number}@laptop.example.com>"}
        known = [str(one["Message-ID"]) for one in office.letters()]
        if parent and letter and parent <= len(known):
            fields["In_Reply_To"] = known[parent - 1]
        elif parent and parent <= number:
            fields["In_Reply_To"] = f"<play-{parent - 1}@laptop.example.com>"
        for _ in range(times):
            office.take("\n\n".join(sentences), "Checkout is down", author, **fields)


def state(office: Office) -> list[object]:
    return [
        (i.severity, i.phase, i.commander, i.channels, i.roles, i.mails)
        for i in Records(office.connection, 3).incidents()
    ]


@given(st.lists(mails, max_size=8))
@settings(max_examples=30)
def test_events_fold_to_the_stored_state(
    script: list[tuple[list[str], str, int, bool]],
) -> None:
    office = Office()
    try:
        play(office, script, 1)
        records = Records(office.connection, 3)
        for listed in records.incidents():
            assert fold(records.events(listed.id)) == records.incident(listed.id)
    finally:
        office.close()


@given(st.lists(mails, max_size=5))
@settings(max_examples=20)
def test_receiving_twice_equals_once(script: list[tuple[list[str], str, int, bool]]) -> None:
    once, twice = Office(), Office()
    try:
        play(once, script, 1)
        play(twice, script, 2)
        assert state(once) == state(twice)
        assert len(once.letters()) == len(twice.letters())
    finally:
        once.close()
        twice.close()
