"""The whole way of a mail, beside Postfix and Mailman in the same run where installed: ratios, not absolutes.

A figure of ours is divided by the peer's of the same round; rounds go in turn, and the median counts.
Assertions are at five times what is promised: a busy machine breaks no build.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.integration.conftest import Daemon
from tests.integration.sink import free_port

from .mailman import LIST, mailman, program
from .traffic import MEMBERS, median, opening, postfix, pss_mib, send, sink

ROUNDS = 3
POSTS = 2_000
# Enough for the second that its processes may sleep to count for little.
MAILMAN_POSTS = 100
# Of the study that this project began with; where there is a Mailman, it is measured.
MAILMAN_POSTS_A_SECOND = 21.0
MAILMAN_MIB = 866.0
SLACK = 5
LATE = 0.02
CONNECTIONS = 4


@pytest.fixture
def has_postfix() -> bool:
    found = (
        bool(shutil.which("postfix", path=os.environ["PATH"] + ":/usr/sbin")) and os.geteuid() == 0
    )
    if not found:
        print("\n  Postfix is left out: apt-get install postfix, and run as root")
    return found


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """`started(port, members)` is a daemon that delivers there, with so many on the roster.

    A third argument is more of its table `[delivery]`.
    """
    made: list[Daemon] = []

    def start(port: int, members: int, delivery: str = "") -> Daemon:
        config = f'[delivery]\ntransport = "smtp"\nport = {port}\n{delivery}\n'
        daemon = Daemon(tmp_path / f"site{len(made)}", config)
        made.append(daemon)
        people = [f"m{n}@{MEMBERS}" for n in range(members)]
        for at in range(0, members, 500):
            daemon.run("roster", "add", *people[at : at + 500])
        return daemon.start()

    yield start
    for daemon in made:
        daemon.kill()


def say(text: str) -> None:
    print(f"\n  {text}", end="", flush=True)


@pytest.mark.parametrize("connections", [10, 50])
def test_accept_rate(
    started: Callable[..., Daemon], tmp_path: Path, has_postfix: bool, connections: int
) -> None:
    with sink() as out:
        ours, theirs = [], []
        for turn in range(ROUNDS):
            mails = [opening(f"a{turn}", n) for n in range(5_000)]
            daemon = started(out.port, 10)
            ours.append(send(daemon.port, mails, connections).rate)
            daemon.kill()
            if has_postfix:
                port = free_port()
                with postfix(tmp_path / f"peer{turn}", port, out.port, 10):
                    to = "incidents@discard.example.com"
                    theirs.append(send(port, mails, connections, to).rate)
    ratio = median([a / b for a, b in zip(ours, theirs, strict=True)]) if theirs else 0
    peer = f", {ratio:.2f} of Postfix ({median(theirs):.0f}/s)" if theirs else ""
    say(f"accept rate, {connections} connections: {median(ours):.0f} mails/s{peer}")
    assert not theirs or ratio > 0.8 / SLACK


def test_posts_wholly_processed(started: Callable[..., Daemon], tmp_path: Path) -> None:
    rates, theirs = [], []
    their_memory: float = MAILMAN_MIB
    if program() is None:
        print("\n  Mailman 3 is left out: tests/bench/mailman.py says how to install it")
    for turn in range(ROUNDS):
        if program() is not None:
            members = [f"m{n}@{MEMBERS}" for n in range(10)]
            mails = [opening(f"t{turn}", n) for n in range(MAILMAN_POSTS)]
            with sink() as out, mailman(tmp_path / f"t{turn}", out.port, members) as peer:
                begun = send(peer.lmtp, mails, 10, LIST, hello="LHLO").begun
                theirs.append(MAILMAN_POSTS / (out.wait(10 * MAILMAN_POSTS) - begun))
                their_memory = pss_mib(peer.pid)
        with sink() as out:
            daemon = started(out.port, 10)
            answers = send(daemon.port, [opening(f"p{turn}", n) for n in range(POSTS)], 10)
            rates.append(POSTS / (out.wait(10 * POSTS) - answers.begun))
            memory = pss_mib(daemon.process.pid if daemon.process else 0)
            daemon.kill()
    theirs = theirs or [MAILMAN_POSTS_A_SECOND] * ROUNDS
    ratio = median([a / b for a, b in zip(rates, theirs, strict=True)])
    say(
        f"posts wholly processed, list of 10: {median(rates):.0f}/s, {ratio:.1f} of Mailman 3's"
        f" {median(theirs):.0f}/s"
    )
    share = memory / their_memory
    say(
        f"memory of all processes after it: {memory:.0f} MiB, {share:.2f} of Mailman 3's"
        f" {their_memory:.0f} MiB"
    )
    assert ratio > 12 / SLACK


@pytest.mark.parametrize(
    ("posts", "verp", "batch", "promised"),
    [(1, "probe", 50, 1.0), (20, "probe", 50, 1.0), (5, "always", 1, 1 / 1.2)],
)
def test_fan_out_to_1000(
    started: Callable[..., Daemon],
    tmp_path: Path,
    has_postfix: bool,
    posts: int,
    verp: str,
    batch: int,
    promised: float,
) -> None:
    ours, theirs = [], []
    for turn in range(ROUNDS):
        mails = [opening(f"f{turn}", n) for n in range(posts)]
        with sink() as out:
            daemon = started(out.port, 1_000, f'verp = "{verp}"')
            answers = send(daemon.port, mails, min(10, posts))
            ours.append(out.wait(posts * 1_000) - answers.begun)
            daemon.kill()
        if has_postfix:
            with sink() as out:
                port = free_port()
                with postfix(tmp_path / f"peer{turn}", port, out.port, 1_000, batch):
                    answers = send(port, mails, min(10, posts), "biglist@list.example.com")
                    theirs.append(out.wait(posts * 1_000) - answers.begun)
    ratio = median([a / b for a, b in zip(ours, theirs, strict=True)]) if theirs else 0
    peer = f", {ratio:.2f} of Postfix's time ({median(theirs):.2f} s)" if theirs else ""
    rate = posts * 1_000 / median(ours)
    what = f"{posts} post{'s' * (posts > 1)} to 1,000, {batch} to a transaction"
    say(f"{what}: {median(ours):.2f} s, {rate:.0f} deliveries/s{peer}")
    assert not theirs or ratio < promised * SLACK


def test_a_relay_that_is_20_ms_late(started: Callable[..., Daemon]) -> None:
    """What one connection can do at most is one delivery in 20 ms."""
    with sink(delay=LATE) as out:
        daemon = started(out.port, 1_000, 'verp = "always"')
        answers = send(daemon.port, [opening("s", 0)], 1)
        took = out.wait(1_000) - answers.ended
    best = CONNECTIONS / LATE
    share = 1_000 / took / best
    say(f"relay 20 ms late: {1_000 / took:.0f} deliveries/s, {share:.2f} of {best:.0f}")
    assert share > 0.8 / SLACK


def test_accept_latency_while_20_posts_fan_out(started: Callable[..., Daemon]) -> None:
    found = []
    for posts in (0, 20):
        with sink() as out:
            daemon = started(out.port, 1_000)
            people = [opening("b", n) for n in range(20)]
            if posts:
                send(daemon.port, people, 10)
            # Incomplete ones go to nobody but their authors.
            mails = [opening(f"q{posts}", n, "") for n in range(1_500)]
            found.append(send(daemon.port, mails, 20, rate=300).percentile(0.99))
            daemon.kill()
    alone, busy = found
    say(
        f"accept p99 at 300 mails/s while 20 posts go to 1,000: {busy:.1f} ms,"
        f" {busy / alone:.1f} of {alone:.1f} ms without"
    )
    assert busy / alone < 5 * SLACK


def test_validation_reply_at_50_mails_a_second(started: Callable[..., Daemon]) -> None:
    with sink() as out:
        daemon = started(out.port, 10)
        send(daemon.port, [opening("w", n) for n in range(20)], 5)
        daemon.settled(20)
        mails = [opening("v", n, "") for n in range(500)]
        send(daemon.port, mails, 10, rate=50)
        daemon.settled(520)
        rows = daemon.records().connection.execute(
            "SELECT l.created_at, a.received_at FROM letter l JOIN arrival a ON a.id = l.mail"
            " WHERE l.kind = 'validation'"
        )
        waits = sorted(
            (datetime.fromisoformat(made) - datetime.fromisoformat(came)).total_seconds() * 1000
            for made, came in rows
        )
    p99 = waits[int(len(waits) * 0.99)]
    say(
        f"validation reply in the outbox, 50 mails/s: median {median(waits):.0f} ms, p99 {p99:.0f} ms"
    )
    assert len(waits) == 500
    assert p99 < 100 * SLACK


def test_accept_latency_at_300_mails_a_second(
    started: Callable[..., Daemon], tmp_path: Path, has_postfix: bool
) -> None:
    mails = [opening("l", n) for n in range(1_500)]
    with sink() as out:
        daemon = started(out.port, 10)
        ours = send(daemon.port, mails, 20, rate=300).percentile(0.99)
        daemon.kill()
        peer = ""
        if has_postfix:
            port = free_port()
            with postfix(tmp_path / "peer", port, out.port, 10):
                theirs = send(port, mails, 20, "incidents@discard.example.com", 300).percentile(
                    0.99
                )
                peer = f", {ours / theirs:.2f} of Postfix ({theirs:.1f} ms)"
    say(f"accept p99 at 300 mails/s, 20 connections: {ours:.1f} ms{peer}")
