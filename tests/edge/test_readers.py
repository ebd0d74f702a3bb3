"""The real reader pool: hostile mail costs one worker at the most, and the next mail goes through."""

import asyncio
import gc
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from maild.edge import fork_server, readers
from maild.edge.files import load_rules
from maild.edge.readers import CPU_SECONDS, MEMORY_OCTETS, Readers, read_all
from maild.mail.message import Envelope, Mail, RawMessage
from maild.mail.parse import parse
from maild.reading.body import ListNames
from maild.reading.report import Read, Reader, Unreadable
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


@dataclass(frozen=True, slots=True)
class Faults:
    """Breaks its reader where a mail's first line says how; parses otherwise."""

    def parse(self, mail: RawMessage) -> Mail:
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
            b"X-Fault: recursion": lambda: self.parse(mail),
            b"X-Fault: bug": lambda: {}["secret"],
        }  # fmt: skip
        for mark, fault in faults.items():
            if mail.content.startswith(mark):
                fault()
        return parse(mail)


def be_server(asked: int, life: int) -> None:
    """Be the fork server of a pool, as the daemon has one; its readers break on demand."""
    readers.parse = Faults().parse
    reader = Reader(load_rules(), NAMES)
    with socket.socket(fileno=asked) as heard:
        fork_server.serve(heard, life, partial(read_all, reader), lambda: None)


@dataclass(frozen=True, slots=True)
class Served:
    """A fork server, and how a pool asks it."""

    pid: int
    ask: Callable[[], socket.socket]

    def pool(self, most: int, **limits: float) -> Readers:
        """Make a pool, not begun."""
        return Readers(self.ask, fork_server.exit_code, most, **limits)

    def alive(self) -> list[int]:
        """List the readers that live."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        return [int(child) for child in children.split()]


def start(asked: socket.socket, life: int) -> "subprocess.Popen[bytes]":
    """Start a fork server in a process of its own, for this one has threads."""
    handed = (asked.fileno(), life)
    command = f"from tests.edge.test_readers import be_server; be_server{handed}"
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", command], pass_fds=handed, cwd=root)


@contextmanager
def serving() -> Iterator[Served]:
    """Have a fork server until the end."""
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    life, end = os.pipe()
    process = start(theirs, life)
    os.close(life)
    theirs.close()
    with ours:
        yield Served(process.pid, partial(fork_server.ask, ours))
    os.close(end)
    assert process.wait(10) == 0


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
    """The pool as the daemon makes it."""
    with serving() as server, minded(run, server.pool(4)) as found:
        yield found


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """One fork server for all tests that break its readers."""
    with serving() as found:
        yield found


@contextmanager
def minded(run: Run, pool: Readers) -> Iterator[Readers]:
    """Have a pool begun, and minded as long as it is needed."""

    async def begun() -> "asyncio.Task[None]":
        await pool.begin()
        return asyncio.create_task(pool.mind())

    async def ended() -> None:
        minder.cancel()
        await asyncio.wait([minder])
        pool.stop()

    minder = run(begun())
    yield pool
    run(ended())


@pytest.fixture
def make(run: Run, server: Served) -> Iterator[Callable[..., Readers]]:
    """`make(most, cpu=, wall=)` is a pool that has begun."""
    with ExitStack() as stack:
        yield lambda most, **limits: stack.enter_context(minded(run, server.pool(most, **limits)))
    until(lambda: not server.alive())


@pytest.fixture
def fragile(make: Callable[..., Readers]) -> Readers:
    """A pool of two whose readers break on demand."""
    return make(2, wall=10.0)


def until(done: Callable[[], bool]) -> None:
    """Wait for a condition, ten seconds at most."""
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_mail_ends_in_time_and_holds_nobody_up(
    run: Run, pool: Readers, content: Callable[[], bytes]
) -> None:
    async def meanwhile() -> tuple[Read, float, Read, float]:
        bad = content()
        began = calm()
        hostile = asyncio.create_task(pool.read(raw(bad)))
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


def test_mails_behind_one_that_is_stuck_are_read_before_it_ends(
    run: Run, make: Callable[..., Readers]
) -> None:
    async def many() -> tuple[float, Read]:
        began = calm()
        stuck = [asyncio.create_task(pool.read(raw(b"X-Fault: loop\r\n" + PLAIN))) for _ in "12"]
        for answer in await asyncio.gather(*(pool.read(raw(PLAIN)) for _ in range(60))):
            assert state(answer)["severity"] == 2
        return calm() - began, (await asyncio.gather(*stuck))[0]

    pool = make(4)
    took, stuck = run(many())
    assert took < PROMISED_SECONDS / 2
    assert isinstance(stuck, Unreadable)


def test_readers_that_were_begun_for_those_that_waited_leave_after_it(
    run: Run, server: Served, make: Callable[..., Readers]
) -> None:
    async def many() -> int:
        mails = [b"X-Fault: loop\r\n" + PLAIN, b"X-Fault: loop\r\n" + PLAIN, PLAIN]
        found = [asyncio.create_task(pool.read(raw(mail))) for mail in mails]
        state(await found[-1])
        alive = len(server.alive())
        await asyncio.gather(*found)
        async with asyncio.timeout(10):
            while len(server.alive()) > 2:
                await asyncio.sleep(0.01)
        return alive

    pool = make(4)
    assert len(server.alive()) == 2
    assert run(many()) > 2


@pytest.mark.parametrize("count", [1, 2])
def test_idle_readers_that_are_killed_are_replaced(
    run: Run, fragile: Readers, server: Served, count: int
) -> None:
    killed = server.alive()[:count]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not set(killed) & set(server.alive()))
    for _ in range(4):
        assert state(run(fragile.read(raw(PLAIN))))["severity"] == 2


def test_mails_under_way_are_read_when_all_readers_are_killed(
    run: Run, fragile: Readers, server: Served
) -> None:
    async def many() -> list[Read]:
        mails = [asyncio.create_task(fragile.read(raw(PLAIN))) for _ in range(40)]
        await asyncio.sleep(0.01)
        for pid in server.alive():
            os.kill(pid, signal.SIGKILL)
        return await asyncio.gather(*mails)

    answers = run(many())
    died = [answer for answer in answers if isinstance(answer, Unreadable)]
    # Only what a reader was just reading is lost with it.
    assert len(died) <= 2
    assert len(answers) == 40


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
    run: Run, make: Callable[..., Readers]
) -> None:
    limit = 0.8
    pool = make(1, cpu=limit, wall=60)
    with overload():
        began = time.monotonic()
        assert state(run(pool.read(raw(b"X-Fault: work\r\n" + PLAIN))))["severity"] == 2
        assert time.monotonic() - began > limit  # it was busy enough to tell both times apart


def test_a_mail_that_waits_and_computes_nothing_is_ended_by_the_clock(
    run: Run, make: Callable[..., Readers]
) -> None:
    pool = make(1, cpu=60, wall=0.5)
    bad = run(pool.read(raw(b"X-Fault: deaf\r\n" + PLAIN)))
    assert bad == Unreadable("reading it took longer than 0.5 s")
    assert state(run(pool.read(raw(PLAIN))))["severity"] == 2


def test_a_reader_does_not_search_what_all_share_for_garbage(run: Run, fragile: Readers) -> None:
    assert state(run(fragile.read(raw(b"X-Fault: thawed\r\n" + PLAIN))))["severity"] == 2


def test_no_mail_is_given_up_for_the_queue_before_it(
    run: Run, make: Callable[..., Readers]
) -> None:
    async def many() -> list[Read]:
        # Twice the wall limit without an answer is a dead reader; the last of these waits longer.
        mails = [pool.read(raw(b"X-Fault: nap\r\n" + PLAIN)) for _ in range(6)]
        return await asyncio.gather(*mails)

    pool = make(1, cpu=60, wall=0.8)
    assert [state(answer)["severity"] for answer in run(many())] == [2] * 6


def test_a_reader_that_is_stopped_is_replaced_and_its_mails_are_read(
    run: Run, make: Callable[..., Readers], server: Served
) -> None:
    async def both() -> list[Read]:
        return await asyncio.gather(*(pool.read(raw(PLAIN)) for _ in range(2)))

    pool = make(1, cpu=60, wall=0.5)
    (stopped,) = server.alive()
    os.kill(stopped, signal.SIGSTOP)
    assert [state(answer)["severity"] for answer in run(both())] == [2] * 2
    until(lambda: stopped not in server.alive())


def test_large_mails_are_read_many_at_once(run: Run, fragile: Readers) -> None:
    async def many() -> list[Read]:
        large = raw(PLAIN + b"The tills are still down in all our shops.\r\n" * 25_000)
        return await asyncio.gather(*(fragile.read(large) for _ in range(8)))

    assert [state(answer)["severity"] for answer in run(many())] == [2] * 8


def test_where_no_reader_can_be_forked_the_world_is_broken_and_no_mail(run: Run) -> None:
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    theirs.close()
    pool = Readers(partial(fork_server.ask, ours), fork_server.exit_code, 1)
    with ours, pytest.raises(Broken, match="no reader can be started"):
        run(pool.begin())


def test_who_asks_where_nobody_forks_is_refused_in_the_end_and_never_waits() -> None:
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)

    def ask(times: int) -> None:
        for _ in range(times):
            asked.enter_context(fork_server.ask(ours))

    with ours, theirs, ExitStack() as asked, pytest.raises(BlockingIOError):
        ask(1000)


def test_readers_are_begun_as_soon_as_their_fork_server_is_there(run: Run) -> None:
    async def read() -> Read:
        begun = asyncio.create_task(pool.begin())
        await asyncio.sleep(0.05)
        process = start(theirs, life)
        theirs.close()
        await begun
        answer = await pool.read(raw(PLAIN))
        pool.stop()
        os.close(end)
        assert process.wait(10) == 0
        return answer

    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    life, end = os.pipe()
    pool = Readers(partial(fork_server.ask, ours), fork_server.exit_code, 1)
    with ours:
        assert state(run(read()))["severity"] == 2
    os.close(life)


def test_a_pool_that_never_began_can_be_stopped(server: Served) -> None:
    server.pool(1).stop()


def test_a_stopped_pool_leaves_no_reader_however_busy(
    run: Run, make: Callable[..., Readers], server: Served
) -> None:
    async def stopped() -> None:
        stuck = asyncio.create_task(pool.read(raw(b"X-Fault: deaf\r\n" + PLAIN)))
        await asyncio.sleep(0.05)
        pool.stop()
        stuck.cancel()

    pool = make(2)
    assert server.alive()
    run(stopped())
    until(lambda: not server.alive())
