"""The alarms: each trouble once until it is over, by every way that is left."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from maild.alarms import Alarms, Watch
from maild.cli import main
from maild.config import ConfigError, config_of
from maild.door import Door
from maild.edge.command import run
from maild.edge.disk import Disk
from maild.edge.store.troubles import Troubles
from maild.mail.message import Envelope, RawMessage
from maild.minding import RELAY_PATIENCE, is_full, watches
from maild.trouble import Broken
from tests.office import NOON, Office, text_of

SECOND = timedelta(seconds=1)


class Guard:
    """The alarms on an office's database, with the disk and the relay in the test's hand."""

    def __init__(self, office: Office) -> None:
        self.office, self.share, self.now = office, 0.5, NOON
        self.relay = SimpleNamespace(down="")
        self.fails = False
        self.called: list[str] = []
        self.logged: list[str] = []
        self.again()

    def again(self) -> None:
        """Start the alarms as after a restart."""
        store = Troubles(self.office.connection)
        self.seconds = 0.0
        self.disk = Disk(Path("/var/maild"), lambda _: self.share, lambda: self.seconds)
        relay: Any = self.relay
        self.alarms = Alarms(
            watches(self.disk, relay, store, lambda: self.fails),
            store,
            lambda name, since, words: self.called.append(name),
            self.office.desk.news,
            lambda: self.now,
            lambda event, **_: self.logged.append(event),
            lambda: None,
        )

    def ticks(self, count: int = 3) -> None:
        for _ in range(count):
            self.now += SECOND
            self.seconds += 1
            self.alarms.tick(self.now)


@pytest.fixture
def guard(office: Callable[..., Office]) -> Guard:
    return Guard(office())


def test_below_a_tenth_the_owner_is_told_once_and_again_only_after_it_was_well(
    guard: Guard,
) -> None:
    guard.share = 0.09
    guard.ticks()
    (told,) = guard.office.letters()
    assert told["To"] == "oncall-leads@example.com"
    assert text_of(told).startswith("9.0 % of the disk of /var/maild are free.")
    guard.share = 0.11
    guard.ticks()
    guard.share = 0.09
    guard.ticks()
    assert len(guard.office.letters()) == 1
    guard.share = 0.5
    guard.ticks()
    guard.share = 0.05
    guard.ticks()
    assert len(guard.office.letters()) == 2
    assert guard.called == []


def test_a_desk_that_starts_again_does_not_tell_it_again(guard: Guard) -> None:
    guard.share = 0.01
    guard.ticks()
    guard.again()
    guard.ticks()
    assert guard.called == ["disk_full"]
    assert len(guard.office.letters()) == 1
    assert guard.alarms.unwell() == "The disk of /var/maild is full (1.0 % free); no mail is taken."


def test_a_relay_that_was_down_is_told_again_after_a_start_only_once_it_was_up(
    guard: Guard,
) -> None:
    guard.relay.down = "Connection refused"
    guard.ticks(20)
    guard.again()
    for guard.relay.down in (None, "Connection refused"):
        guard.ticks(20)
    assert guard.called == ["relay"]
    guard.relay.down = ""
    guard.ticks()
    assert guard.logged[-1] == "alarm_over"


def test_a_full_disk_takes_no_note_but_calls_and_the_letter_is_written_later(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise Broken("database or disk is full")

    guard.share = 0.01
    with monkeypatch.context() as full:
        full.setattr(Troubles, "begin", broken)
        guard.ticks()
    assert guard.called == ["disk_full"]
    assert guard.office.letters() == []
    guard.ticks()
    assert guard.called == ["disk_full"]
    assert len(guard.office.letters()) == 1


def test_a_relay_that_is_back_in_a_moment_calls_nobody(guard: Guard) -> None:
    guard.relay.down = "Connection refused"
    guard.ticks(5)
    guard.relay.down = ""
    guard.ticks(60)
    assert guard.called == []


def test_a_relay_that_stays_away_calls_once_until_it_is_back(guard: Guard) -> None:
    for _ in range(2):
        guard.relay.down = "Connection refused"
        guard.ticks(RELAY_PATIENCE.seconds * 3)
        guard.relay.down = ""
        guard.ticks()
    assert guard.called == ["relay", "relay"]
    assert guard.logged == ["alarm", "alarm_over"] * 2


def test_a_shunted_mail_calls_until_somebody_has_seen_to_all_of_them(guard: Guard) -> None:
    for _ in range(2):
        guard.office.take("Is anybody there?")
        number = guard.office.count
        raw = guard.office.desk.ledger.raw(number)
        guard.office.desk.shunt(number, raw, "a bug", guard.now)
        guard.ticks()
    assert guard.called == ["shunted"]
    guard.office.connection.execute("UPDATE mail SET verdict = 'ignored'")
    guard.ticks()
    guard.office.connection.execute("UPDATE mail SET verdict = 'shunted' WHERE id = 2")
    guard.ticks()
    assert guard.called == ["shunted", "shunted"]


def test_a_trouble_that_cannot_be_looked_at_hides_no_other(guard: Guard) -> None:
    def broken(told: bool) -> str:
        raise Broken("locked")

    guard.alarms.watches = (Watch("blind", broken), *guard.alarms.watches)
    guard.share = 0.01
    guard.ticks()
    assert guard.called == ["disk_full"]


def test_below_a_fiftieth_the_door_says_452_and_recovers_by_itself() -> None:
    share, kept = [0.019], []

    class Store:
        def keep(self, batch: Any, marks: Any = ()) -> tuple[int, ...]:
            kept.extend(batch)
            return (1,)

        def try_to_write(self) -> bool:
            return True

    seconds = [0.0]
    disk = Disk(Path("/"), lambda _: share[0], lambda: seconds[0])
    posting: Any = SimpleNamespace()
    door = Door(
        Store(), posting, lambda: None, lambda e: None, lambda: False, full=lambda: is_full(disk)
    )
    raw = RawMessage(Envelope("k@example.com", ("incidents@example.com",)), b"", NOON)
    assert str(asyncio.run(door.arrive(raw))).startswith("452 4.3.1 ")
    assert str(asyncio.run(door.collect([raw]))).startswith("452 4.3.1 ")
    assert kept == []
    share[0], seconds[0] = 0.021, 2.0
    assert asyncio.run(door.arrive(raw)).positive


def test_where_nobody_sends_the_store_is_tried_and_its_trouble_and_the_end_are_seen() -> None:
    said: list[str] = []
    fails = [False]

    class Store:
        def keep(self, batch: Any, marks: Any = ()) -> tuple[int, ...]:
            return ()

        def try_to_write(self) -> bool:
            if fails[0]:
                raise Broken("disk I/O error")
            return True

    async def both() -> None:
        posting: Any = SimpleNamespace()
        tell = lambda what: said.append(str(what))  # noqa: E731
        door = Door(Store(), posting, lambda: said.append("well"), tell, lambda: False)
        minding = asyncio.create_task(door.mind(rest=0.001))
        for fails[0], words in ((False, "well"), (True, "disk I/O error"), (False, "well")):
            said.clear()
            async with asyncio.timeout(10):
                while words not in said:
                    await asyncio.sleep(0.001)
        minding.cancel()

    asyncio.run(both())


def test_the_disk_is_looked_at_once_a_second() -> None:
    looks, seconds = [], [0.0]
    disk = Disk(Path("/"), lambda path: looks.append(path) or 0.5, lambda: seconds[0])  # type: ignore[func-returns-value]
    for _ in range(1000):
        assert disk.free == 0.5
    seconds[0] = 1.0
    assert disk.free == 0.5
    assert len(looks) == 2


def test_the_command_gets_the_words_on_its_input_and_no_shell_reads_them(tmp_path: Path) -> None:
    code = "import sys; open('said', 'w').write(sys.argv[1] + sys.stdin.read())"
    words = "$(touch hacked); `touch hacked`\n"
    failure = asyncio.run(run([sys.executable, "-c", code, "$HOME"], words, tmp_path))
    assert failure is None
    assert (tmp_path / "said").read_text("ascii") == "$HOME" + words
    assert not (tmp_path / "hacked").exists()


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    code = "sleep 600 & echo $! > child; sleep 600"
    failure = asyncio.run(run(["/bin/sh", "-c", code], "", tmp_path, 1.0))
    assert failure == "it took longer than 1 s, and was ended"
    child = int((tmp_path / "child").read_text("ascii"))
    state, end = Path(f"/proc/{child}/stat"), time.monotonic() + 10
    # A killed process may take a moment to end.
    while state.exists() and state.read_text("ascii").split()[2] != "Z":
        assert time.monotonic() < end
        time.sleep(0.01)
    assert os.getpid() != child


def test_a_command_that_is_not_there_or_fails_is_named(tmp_path: Path) -> None:
    assert "No such file" in str(asyncio.run(run(["/nowhere/page"], "", tmp_path)))
    assert asyncio.run(run(["/bin/false"], "", tmp_path)) == "its exit status is 1"


def test_since_when_a_trouble_lasts_is_kept(guard: Guard) -> None:
    guard.share = 0.01
    guard.ticks()
    (since,) = {*Troubles(guard.office.connection).told().values()}
    assert since == datetime.fromisoformat("2026-03-16T12:00:01+00:00")


def test_the_command_is_a_list_or_one_string(tmp_path: Path) -> None:
    whole = config_of({"alarm": {"command": ["/bin/page", "on call"]}})
    assert whole.alarm.command == ("/bin/page", "on call")
    assert config_of({"alarm": {"command": "/bin/page 'on call'"}}) == whole
    for wrong in (7, ["/bin/page", 7], "/bin/page 'on call"):
        with pytest.raises(ConfigError, match=r"alarm\.command"):
            config_of({"alarm": {"command": wrong}})


def test_check_names_a_command_that_is_not_there(tmp_path: Path) -> None:
    place = tmp_path / "maild.toml"
    place.write_text('[alarm]\ncommand = ["/nowhere/page"]\n', "utf-8")
    done = CliRunner().invoke(main, ["check", "--config", str(place)])
    assert done.exit_code == 78
    assert "alarm.command: there is no program '/nowhere/page'" in done.output
