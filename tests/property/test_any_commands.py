"""Whatever stands in a mail of commands or in a search, it is read, and never breaks us."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from maild.edge.store.connection import connect
from maild.edge.store.schema import migrate
from maild.edge.store.search import Search
from maild.incident.thread import alike
from maild.roster.commands import MAX_COMMANDS, VERBS, parse
from maild.roster.effects import Who, decide

AT = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
WORDS = st.one_of(
    st.text(),
    st.sampled_from([*VERBS, "7", "<=", "no digest", "since", '"', "*", "a AND", "NEAR("]),
)
TEXTS = st.lists(st.lists(WORDS).map(" ".join)).map("\n".join)


@given(TEXTS, TEXTS)
def test_any_mail_of_commands_is_read_and_decided(subject: str, text: str) -> None:
    lines = parse(subject, text, AT)
    who = Who("a@example.com", AT, True, None, False, "leave", None, "token", (1, 2))
    assert len(decide(lines, who).results) == len(lines) <= MAX_COMMANDS


@given(TEXTS)
def test_any_words_can_be_searched(words: str) -> None:
    connection = connect(":memory:")
    migrate(connection, ":memory:")
    search = Search(connection)
    assert search.find(words) == []
    assert search.like(words) == ()
    connection.close()


@given(st.text(), st.text())
def test_likeness_is_mutual(one: str, other: str) -> None:
    assert alike(one, other) == alike(other, one)
    assert alike(one, one) == bool(one)
