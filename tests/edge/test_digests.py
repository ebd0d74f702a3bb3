"""What a digest reads of the record: all that it tells, and no more of a long past."""

from collections.abc import Iterator

import pytest

from maild.edge.store.digests import Digests
from tests.night import BEGIN, END, played
from tests.office import Office


@pytest.fixture(scope="module")
def desk() -> Iterator[Office]:
    office = played(Office())
    yield office
    office.close()


def test_no_query_goes_through_a_past_that_is_not_told(desk: Office) -> None:
    asked: list[str] = []
    desk.connection.set_trace_callback(asked.append)
    assert len(Digests(desk.connection).histories(BEGIN, END)) == 3
    desk.connection.set_trace_callback(None)
    plans = [
        str(row["detail"])
        for query in asked
        for row in desk.connection.execute(f"EXPLAIN QUERY PLAN {query}")
    ]
    assert any("event_incident (incident=?)" in plan for plan in plans)
    assert any("letter_mail (mail=?)" in plan for plan in plans)
    whole = [plan for plan in plans if plan.startswith("SCAN") and "json_each" not in plan]
    assert whole == []


def test_the_months_figures_are_the_same_without_posts_and_with_what_was_told(
    desk: Office,
) -> None:
    found = Digests(desk.connection)
    begin = desk.desk.month(END)
    told, whole = found.histories(BEGIN, END), found.active(begin, END)
    wanted = desk.desk.digest((), whole, BEGIN, END).figures
    assert wanted is not None
    assert (wanted.incidents, wanted.promises.due) == (3, 7)
    assert desk.desk.digest((), found.declared(begin, END), BEGIN, END).figures == wanted
    month = found.declared(begin, END, told)
    assert desk.desk.digest(told, month, BEGIN, END).figures == wanted
