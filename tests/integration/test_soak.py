"""A soak: memory flat, no task leaked, a log without tracebacks, every mail in one final state.

`make soak` lets it run for 30 minutes, `make test` for seconds.
"""

import asyncio
import os
import statistics
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench.traffic import pss_mib, sink

from .conftest import Daemon, until
from .kills import config
from .soak import CONNECTIONS, soak

SECONDS = float(os.environ.get("MAILD_SOAK_SECONDS", "20"))
RATE = 20.0
# What a pool of readers and SQLite's caches take in the first minutes is no leak.
GROWTH = 1.15 if SECONDS >= 600 else 1.5
FINAL = {"accepted", "rejected", "duplicate", "ignored", "command", "shunted"}
# Each beat of the door and the desk says how many tasks they have, and collects garbage if told to.
COUNTED = """\
import asyncio, gc, os, pathlib, sys
if "serve" in sys.orig_argv:  # and not in what multiprocessing starts, which would be larger for it
    import maild.daemon as daemon
    sound = daemon.beat
    async def beat(alive):
        def counted():
            if pathlib.Path(os.environ["TASKS"] + ".collect").exists():
                gc.collect()
            count = len(asyncio.all_tasks())
            pathlib.Path(os.environ["TASKS"], str(os.getpid())).write_text(str(count))
            alive()
        await sound(counted)
    daemon.beat = beat
"""


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("counting", "tasks"):
        (tmp_path / name).mkdir()
    (tmp_path / "counting/sitecustomize.py").write_text(COUNTED, "ascii")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "counting"))
    monkeypatch.setenv("TASKS", str(tmp_path / "tasks"))
    return tmp_path / "tasks"


class Gauge:
    """Looks at a daemon again and again: memory of all its processes, in MiB."""

    def __init__(self, daemon: Daemon) -> None:
        assert daemon.process is not None
        self.pid = daemon.process.pid
        self.samples: list[float] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        while not self.ended.wait(SECONDS / 60):
            self.samples.append(pss_mib(self.pid))

    def quarters(self) -> list[float]:
        """Give the median of each quarter of the time."""
        self.ended.set()
        self.thread.join(10)
        size = len(self.samples) // 4
        return [statistics.median(self.samples[n * size : (n + 1) * size]) for n in range(4)]


def held(daemon: Daemon, tasks: Path) -> dict[str, int]:
    """Count tasks and descriptors of the door and the desk."""
    found = {}
    for name in ("door", "desk"):
        pid = daemon.child(name)
        found[f"{name}'s tasks"] = int((tasks / str(pid)).read_text("ascii") or 0)
        found[f"{name}'s descriptors"] = len(os.listdir(f"/proc/{pid}/fd"))
    return found


def within(after: dict[str, int], before: dict[str, int]) -> bool:
    """Whether no more is held than before, but for the connections to the relay that are kept."""
    room = {"desk's descriptors": 4}
    return all(after[name] <= before[name] + room.get(name, 0) for name in before)


def test_what_the_processes_share_stays_shared_when_they_collect_garbage(
    make: Callable[..., Daemon], counted: Path
) -> None:
    daemon = make()
    until(lambda: len(list(counted.iterdir())) == 2, "both to live")
    assert daemon.process is not None
    before = pss_mib(daemon.process.pid)
    flag = counted.with_name("tasks.collect")
    flag.touch()
    told = flag.stat().st_mtime
    until(
        lambda: all(p.stat().st_mtime > told for p in counted.iterdir()), "both to have collected"
    )
    assert pss_mib(daemon.process.pid) - before < 12  # and 45 where they look at all they inherited


@pytest.fixture
def settings() -> Iterator[tuple[int, str]]:
    with sink() as out:
        allow = '[posting]\nallow = ["@example.com", "@example.net"]\n'
        yield out.port, config(out.port).replace("[posting]\n", allow)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
def test_a_soak_of_mixed_mail_leaves_nothing_behind(
    make: Callable[..., Daemon],
    counted: Path,
    settings: tuple[int, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, text = settings
    daemon = make(text, roster=("ana", "bob", "cleo"))
    until(lambda: len(list(counted.iterdir())) >= 2, "both to count their tasks")
    before = held(daemon, counted)
    gauge = Gauge(daemon)
    seen = asyncio.run(soak(daemon.port, SECONDS, RATE))
    quarters = gauge.quarters()
    rows = daemon.settled(seen["250"])
    verdicts = Counter(row["verdict"] for row in rows)
    sent = Counter(each["state"] for row in rows for each in row["sent"])
    until(lambda: within(held(daemon, counted), before), f"no more to be held than {before}", 60)
    after = held(daemon, counted)
    with capsys.disabled():
        print(
            f"\n  {CONNECTIONS} connections, {SECONDS:g} s, by reply: {dict(sorted(seen.items()))}"
        )
        print(f"  {len(rows)} on record: {dict(verdicts)}; letters: {dict(sent)}")
        print(
            f"  MiB by quarter: {', '.join(f'{m:.0f}' for m in quarters)}; held before: {before}, after: {after}"
        )
    assert len(rows) == seen["250"]
    assert set(verdicts) <= FINAL
    assert set(sent) == {"sent"}
    assert len(list(counted.iterdir())) == 2
    events = Counter(event["event"] for event in daemon.events())
    assert not events.keys() & {"bug", "fell", "trouble", "broken"}
    assert b"Traceback" not in daemon.log_path.read_bytes()
    assert quarters[3] <= quarters[1] * GROWTH
