"""The real reader pool: hostile mail costs one worker at the most, and the next mail goes through."""

import asyncio
import gc
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from maild.edge import readers as module
from maild.edge.files import load_rules
from maild.edge.readers import CPU_SECONDS, MEMORY_OCTETS, Readers
from maild.mail.message import Envelope, Mail, RawMessage
from maild.mail.parse import parse
from maild.reading.body import ListNames
from maild.reading.report import Read, Unreadable
from maild.reading.rules import Rules
from maild.trouble import Broken

from .hostile import HOSTILE, PLAIN

NAMES = ListNames("incidents@example.com", ("incidents",), UTC)
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# Each hostile mail is over within this, and a plain one that comes meanwhile within half of it.
PROMISED_SECONDS = 2.0
PRESSURE = Path("/proc/pressure/cpu")

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def raw(content: bytes) -> RawMessage:
    """A mail that came by SMTP."""
    return RawMessage(Envelope("kim@example.net", ("incidents@example.com",)), content, NOON)


def state(read: Read) -> dict[str, object]:
    """What a mail was read to say; fails where it was not read."""
    assert not isinstance(read, Unreadable), read.reason
    return {reading.field: reading.value for reading in read[1].readings}


def faulty(folder: Path | None) -> Rules:
    """Load the rules into a worker; it tells its process id, and breaks where a mail says how."""
    assert folder is not None
    if multiprocessing.parent_process() is None:
        raise RuntimeError("not in the fork server, of which all others are forked too")
    (folder / f"{os.getpid()}.pid").touch()
    if (folder / "mistake").exists():
        raise ValueError("a mistake in the rules")

    def parse_or_break(mail: RawMessage) -> Mail:
        faults = {
            b"X-Fault: exit": lambda: os._exit(3),
            b"X-Fault: kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
            b"X-Fault: segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
            b"X-Fault: loop": lambda: any(iter(int, 1)),
            b"X-Fault: pattern": lambda: re.match("(a+)+$", "a" * 40 + "b"),
            b"X-Fault: work": work,
            b"X-Fault: thawed": lambda: gc.get_freeze_count() > 10_000 or {}["frozen"],
            b"X-Fault: nap": lambda: time.sleep(0.4),
            b"X-Fault: deaf": lambda: (
                signal.signal(signal.SIGTERM, signal.SIG_IGN), time.sleep(60)
            ),
            b"X-Fault: memory": lambda: b"x" * (2 * MEMORY_OCTETS),
            b"X-Fault: recursion": lambda: parse_or_break(mail),
            b"X-Fault: bug": lambda: {}["secret"],
        }  # fmt: skip
        for mark, fault in faults.items():
            if mail.content.startswith(mark):
                fault()
        return parse(mail)

    module.parse = parse_or_break  # in the worker's own memory only
    return load_rules()


def work() -> None:
    """Take 0.4 s of the processor, as a large mail may."""
    end = time.process_time() + 0.4
    while time.process_time() < end:
        pass


def calm() -> float:
    """Seconds of the clock in which nobody waited for a processor; only differences mean anything.

    What is promised is promised on a machine that has time for us: its other work is left out.
    Where the kernel does not tell (no CONFIG_PSI), it is the clock.
    """
    waited = 0
    if PRESSURE.exists():
        waited = int(PRESSURE.read_text("ascii").split("\n")[0].rpartition("total=")[2])
    return time.monotonic() - waited / 1e6


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """One event loop for the module, as in the daemon."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="module")
def pool(run: Run) -> Iterator[Readers]:
    """The pool as the daemon makes it, warm."""
    found = Readers(load_rules, None, NAMES, workers=4)
    state(run(found.read(raw(PLAIN))))
    yield found
    found.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the workers of the fragile pool leave their process ids."""
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def fragile(run: Run, folder: Path) -> Iterator[Readers]:
    """A pool of two whose workers break on demand."""
    found = Readers(faulty, folder, NAMES, workers=2, wall=10)
    state(run(found.read(raw(PLAIN))))
    yield found
    found.stop()


def alive(folder: Path) -> list[int]:
    """The workers that live."""
    pids = [int(path.stem) for path in folder.glob("*.pid")]
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_mail_ends_in_time_and_holds_nobody_up(
    run: Run, pool: Readers, make: Callable[[], bytes]
) -> None:
    async def meanwhile() -> tuple[Read, float, Read, float]:
        content = make()
        began = calm()
        hostile = asyncio.create_task(pool.read(raw(content)))
        await asyncio.sleep(0.01)
        plain = await pool.read(raw(PLAIN))
        answered = calm() - began
        return plain, answered, await hostile, calm() - began

    plain, answered, hostile, ended = run(meanwhile())
    assert state(plain)["severity"] == 2
    assert answered < PROMISED_SECONDS / 2
    assert ended < PROMISED_SECONDS
    if not isinstance(hostile, Unreadable):
        mail, report = hostile
        assert len(mail.subject) <= 2_000
        assert len(report.readings) <= 500
        assert "\n" not in mail.subject + mail.author.name


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("exit", "the reader died of it (exit code 3)"),
        ("kill", "the reader died of it (exit code -9)"),
        ("segfault", "the reader died of it (exit code -11)"),
        ("loop", f"reading it took more than {CPU_SECONDS:g} s of the processor's time"),
        ("pattern", f"reading it took more than {CPU_SECONDS:g} s of the processor's time"),
        ("memory", f"reading it took more than {MEMORY_OCTETS >> 20} MB"),
        ("recursion", "RecursionError while reading it"),
        ("bug", "KeyError while reading it"),
    ],
)
def test_a_mail_that_breaks_its_reader_is_unreadable_and_the_next_goes_through(
    run: Run, fragile: Readers, fault: str, reason: str
) -> None:
    async def both() -> tuple[Read, float, Read]:
        bad = asyncio.create_task(fragile.read(raw(f"X-Fault: {fault}\r\n".encode() + PLAIN)))
        await asyncio.sleep(0.05)
        began = calm()
        state(await fragile.read(raw(PLAIN)))
        took = calm() - began
        return await bad, took, await fragile.read(raw(PLAIN))

    bad, took, after = run(both())
    assert bad == Unreadable(reason)
    assert took < PROMISED_SECONDS / 2
    assert state(after)["severity"] == 2


@pytest.mark.parametrize("which", ["one", "all"])
def test_idle_workers_that_are_killed_are_replaced(
    run: Run, fragile: Readers, folder: Path, which: str
) -> None:
    for pid in alive(folder)[: 1 if which == "one" else None]:
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.3)
    for _ in range(4):
        assert state(run(fragile.read(raw(PLAIN))))["severity"] == 2


def test_mails_under_way_are_read_when_all_workers_are_killed(
    run: Run, fragile: Readers, folder: Path
) -> None:
    async def many() -> list[Read]:
        mails = [asyncio.create_task(fragile.read(raw(PLAIN))) for _ in range(40)]
        await asyncio.sleep(0.01)
        for pid in alive(folder):
            os.kill(pid, signal.SIGKILL)
        return await asyncio.gather(*mails)

    answers = run(many())
    died = [answer for answer in answers if isinstance(answer, Unreadable)]
    # Only what a worker was just reading is lost with it.
    assert len(died) <= 2
    assert len(answers) == 40


def test_a_full_queue_behind_a_stall_is_read(run: Run, fragile: Readers) -> None:
    async def many() -> list[Read]:
        stall = asyncio.create_task(fragile.read(raw(b"X-Fault: loop\r\n" + PLAIN)))
        mails = [fragile.read(raw(PLAIN)) for _ in range(60)]
        return [*await asyncio.gather(*mails), await stall]

    *answers, stall = run(many())
    assert all(state(answer)["severity"] == 2 for answer in answers)
    assert isinstance(stall, Unreadable)


@pytest.fixture
def one(run: Run, tmp_path: Path) -> Iterator[Callable[..., Readers]]:
    """`one(cpu, wall)` is a pool of one worker that breaks on demand, warm."""
    made: list[Readers] = []

    def make(cpu: float, wall: float) -> Readers:
        made.append(Readers(faulty, tmp_path, NAMES, workers=1, cpu=cpu, wall=wall))
        state(run(made[-1].read(raw(PLAIN))))
        return made[-1]

    yield make
    for pool in made:
        pool.stop()


@contextmanager
def overload() -> Iterator[None]:
    """Four others for each processor who never stop."""
    command = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(command) for _ in range(4 * (os.cpu_count() or 1))]
    yield
    for process in busy:
        process.kill()
        process.wait()


def test_a_sound_mail_is_read_however_busy_the_machine(
    run: Run, one: Callable[..., Readers]
) -> None:
    limit = 0.8
    pool = one(cpu=limit, wall=60)
    with overload():
        began = time.monotonic()
        assert state(run(pool.read(raw(b"X-Fault: work\r\n" + PLAIN))))["severity"] == 2
        assert time.monotonic() - began > limit  # it was busy enough to tell both times apart


def test_a_mail_that_waits_and_computes_nothing_is_ended_by_the_clock(
    run: Run, one: Callable[..., Readers]
) -> None:
    pool = one(cpu=60, wall=0.5)
    bad = run(pool.read(raw(b"X-Fault: deaf\r\n" + PLAIN)))
    assert bad == Unreadable("reading it took longer than 0.5 s")
    assert state(run(pool.read(raw(PLAIN))))["severity"] == 2


def test_a_worker_does_not_search_its_rules_for_garbage(run: Run, fragile: Readers) -> None:
    assert state(run(fragile.read(raw(b"X-Fault: thawed\r\n" + PLAIN))))["severity"] == 2


def test_no_mail_is_given_up_for_the_queue_before_it(run: Run, one: Callable[..., Readers]) -> None:
    async def many() -> list[Read]:
        # Twice the wall limit without an answer is a dead pool; the last of these waits longer.
        mails = [pool.read(raw(b"X-Fault: nap\r\n" + PLAIN)) for _ in range(6)]
        return await asyncio.gather(*mails)

    pool = one(cpu=60, wall=0.8)
    assert [state(answer)["severity"] for answer in run(many())] == [2] * 6


def test_a_pool_whose_workers_are_stopped_is_replaced_and_its_mails_are_read(
    run: Run, one: Callable[..., Readers], tmp_path: Path
) -> None:
    async def both() -> list[Read]:
        return await asyncio.gather(*(pool.read(raw(PLAIN)) for _ in range(2)))

    pool = one(cpu=60, wall=0.5)
    for pid in alive(tmp_path):
        os.kill(pid, signal.SIGSTOP)
    assert [state(answer)["severity"] for answer in run(both())] == [2] * 2


def test_a_mistake_in_the_rules_is_a_broken_world_and_no_mails_fault(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "mistake").touch()
    pool = Readers(faulty, tmp_path, NAMES, workers=1)
    with pytest.raises(Broken, match="no reader can be started"):
        run(pool.read(raw(PLAIN)))
    (tmp_path / "mistake").unlink()
    assert state(run(pool.read(raw(PLAIN))))["severity"] == 2
    pool.stop()


def test_a_pool_that_never_read_can_be_stopped() -> None:
    Readers(load_rules, None, NAMES, workers=1).stop()


def test_a_stopped_pool_leaves_no_worker(run: Run, tmp_path: Path) -> None:
    pool = Readers(faulty, tmp_path, NAMES, workers=2)
    run(pool.read(raw(PLAIN)))
    assert alive(tmp_path)
    pool.stop()
    assert not alive(tmp_path)


def counted(folder: Path | None) -> Rules:
    """Load the rules; who does leaves his process id."""
    assert folder is not None
    (folder / f"{os.getpid()}.pid").touch()
    return load_rules()


SHARING = """
import asyncio, sys
from pathlib import Path
from tests.edge.test_readers import NAMES, PLAIN, Readers, counted, raw, state

async def read():
    pool = Readers(counted, Path(sys.argv[1]), NAMES, workers=2)
    for found in await asyncio.gather(*(pool.read(raw(PLAIN)) for _ in range(20))):
        state(found)
    pool.stop()

asyncio.run(read())
"""


def test_the_rules_are_loaded_once_for_all_workers(tmp_path: Path) -> None:
    # In a process of its own: there is one fork server in each.
    command = [sys.executable, "-c", SHARING, str(tmp_path)]
    subprocess.run(command, check=True, timeout=60, cwd=Path(__file__).parents[2])
    assert len(list(tmp_path.iterdir())) == 1
