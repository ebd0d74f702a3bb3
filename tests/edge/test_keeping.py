"""What is kept how long: bodies go after days, words when they are told to, what happened never."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from maild.config import ConfigError, config_of
from maild.edge.store import expiry
from maild.edge.store.expiry import Expiry
from maild.edge.store.outbox import Outbox
from maild.edge.store.records import Records
from maild.keeping import Keeping
from maild.mail.message import Reply
from maild.values import keep_of
from tests.office import Office

OPENING = "Half of the payments fail since noon. Severity 2. Channel: #pay. Phase 1. I am IC."
DAY = timedelta(days=1)


class House:
    """An office and its clock of what is kept, each tick a second after the one before."""

    def __init__(self, office: Office, sent: timedelta | None, mails: timedelta | None) -> None:
        self.office, self.logged = office, []  # type: ignore[var-annotated]
        log = lambda event, **fields: self.logged.append((event, fields))  # noqa: E731
        self.keeping = Keeping(Expiry(office.connection), sent, mails, office.site.zone, log)

    def ticks(self, now: datetime, count: int = 100) -> None:
        for second in range(count):
            self.keeping.tick(now + timedelta(seconds=second))

    def bodies(self) -> int:
        return self._count("SELECT count(*) FROM letter WHERE length(content) > 0")

    def _count(self, query: str) -> int:
        return int(self.office.connection.execute(query).fetchone()[0])

    def sent(self) -> None:
        """Let everything go out that is owed."""
        outbox = Outbox(self.office.connection)
        done = [(d.number, Reply(250, 0, 0, "OK"), None) for d in outbox.due(self.office.now, 999)]
        outbox.settle(done, self.office.now)


@pytest.fixture
def house(office: Callable[..., Office]) -> Callable[..., House]:
    def make(sent: str = "7 days", mails: str = "for ever") -> House:
        found = House(office(), keep_of(sent), keep_of(mails))
        found.office.take(OPENING)
        return found

    return make


def test_a_sent_body_goes_after_its_days_and_who_got_it_stays(
    house: Callable[..., House],
) -> None:
    kept = house()
    kept.sent()
    begun = kept.office.now
    kept.ticks(begun + 6 * DAY)
    assert kept.bodies() == 2
    kept.ticks(begun + 8 * DAY)
    assert kept.bodies() == 0
    (row,) = Records(kept.office.connection, 3).mails()
    assert {sent["state"] for sent in row["sent"]} == {"sent"}
    assert kept.logged == [("dropped", {"bodies": 2, "mails": 0})]


def test_a_body_that_somebody_is_owed_stays(house: Callable[..., House]) -> None:
    kept = house()
    kept.ticks(kept.office.now + 30 * DAY)
    assert kept.bodies() > 0


def test_what_has_no_body_any_more_is_not_tried_again(house: Callable[..., House]) -> None:
    kept = house()
    kept.office.connection.execute("UPDATE delivery SET state = 'failed'")
    kept.ticks(kept.office.now + 8 * DAY)
    records = Records(kept.office.connection, 3)
    (number,) = kept.office.connection.execute("SELECT min(id) FROM delivery").fetchone()
    assert not records.retry(number, kept.office.now)


def test_words_go_when_their_incident_is_over_so_long_and_the_events_stay(
    house: Callable[..., House],
) -> None:
    kept = house(mails="30 days")
    kept.ticks(kept.office.now + 60 * DAY)
    assert _text(kept) == OPENING
    Records(kept.office.connection, 3)
    kept.office.take("Severity 2, phase 3, IC: Kevin. Over.", to="incidents+2026-0001@example.com")
    kept.sent()
    over = kept.office.now
    kept.ticks(over + 29 * DAY)
    assert _text(kept) == OPENING
    kept.ticks(over + 31 * DAY)
    assert _text(kept).startswith("[redacted on ")
    incident = Records(kept.office.connection, 3).incident("INC-2026-0001")
    assert incident is not None
    assert (incident.severity, incident.phase) == (2, 3)
    assert incident.summary.startswith("[redacted on ")
    assert kept.bodies() == 0


def _text(kept: House) -> str:
    row = kept.office.connection.execute("SELECT text FROM mail WHERE id = 1").fetchone()
    return str(row["text"]).strip()


def test_one_step_drops_no_more_than_a_little(
    house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "OCTETS", 1)
    kept = house()
    kept.sent()
    kept.ticks(kept.office.now + 8 * DAY, count=1)
    assert kept.bodies() == 1


def test_a_time_to_keep_is_spelled_in_words() -> None:
    assert keep_of("2 years") == timedelta(days=730)
    assert keep_of("for ever") is None
    for wrong in ("7", "never", "0 days", "7 min"):
        with pytest.raises(ConfigError, match='write "7 days", "2 years" or "for ever"'):
            config_of({"store": {"keep_sent": wrong}})


def test_notes_of_answers_are_dropped_when_no_cap_counts_them(house: Callable[..., House]) -> None:
    kept = house()
    assert _answers(kept) == 1
    kept.ticks(kept.office.now + DAY)
    assert _answers(kept) == 1
    kept.ticks(kept.office.now + 3 * DAY)
    assert _answers(kept) == 0


def _answers(kept: House) -> Any:
    return kept.office.connection.execute("SELECT count(*) FROM answer").fetchone()[0]
