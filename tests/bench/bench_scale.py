"""What a long past costs, and a long roster.

The same questions to a database of a million mails and to an empty one; one post to ten subscribers
and to ten thousand. The promises are those below; an assertion fails at five times as much only.
MAILD_BENCH_INCIDENTS says of how many incidents, 100 mails each, the largest database is; 10,000 if
it is not set.
"""

import io
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from maild.edge.store.connection import connect, transaction
from maild.edge.store.outbox import owe
from maild.mail.message import Outgoing
from tests.integration.conftest import MAILD, Daemon, until

from .archive import filled
from .traffic import Sink, median, opening, send, sink

LARGEST = int(os.environ.get("MAILD_BENCH_INCIDENTS", "10000"))
MAILS = 100
STILL_OPEN = 20
POSTS = 300
ROUNDS = 3
RATIO, SECONDS, SLACK = 3.0, 2.0, 5
ROSTERS = (10, 100, 1_000, 10_000)
FANNED_OUT = 7
PICTURES = Path(__file__).parents[2] / "docs/pictures"
PROSE = "The secondary drops connections: one checkout in five fails, in us-east more."


@dataclass(frozen=True)
class Costs:
    """Seconds: until ready; from the first of the posts to its last copy; until commands have ended."""

    start: float
    posts: float
    incidents: float
    search: float
    digest: float


NAMES = {
    "start": "start-up to ready",
    "posts": f"{POSTS} posts to 10, wholly processed",
    "incidents": "maild incidents",
    "search": "maild search",
    "digest": "maild digest of a week",
}


def costs_of(folder: Path, out: Sink) -> Costs:
    """Ask a site's questions; its first start, which reminds of what fell due meanwhile, is not counted."""
    config = f'[delivery]\ntransport = "smtp"\nport = {out.port}\n[posting]\nreceipts = "never"\n'
    daemon = Daemon(folder, config)
    daemon.run("roster", "add", *(f"m{n}@far.example.com" for n in range(10)))
    daemon.start()
    until(lambda: not daemon.rows("queue"), "what was due to be sent", 60)
    before = out.recipients
    answers = send(daemon.port, [opening(folder.name, n) for n in range(POSTS)], 10)
    posts = out.wait(before + POSTS * 10) - answers.begun
    daemon.stop()
    begun = time.perf_counter()
    daemon.start()
    start = time.perf_counter() - begun
    daemon.stop()
    week = (datetime.now(UTC) - timedelta(days=7)).date().isoformat()
    asked = (
        ["incidents", "--json"],
        ["search", "checkout", "Number", "9"],
        ["digest", "--since", week],
    )
    return Costs(start, posts, *(median([_took(folder, a) for _ in range(ROUNDS)]) for a in asked))


def _took(folder: Path, words: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run([MAILD, *words], cwd=folder, check=False, capture_output=True)
    return time.perf_counter() - begun


def test_a_long_past(tmp_path: Path) -> None:
    sizes = [0, *(size for size in (10, 100, 1_000, 10_000, 100_000) if size < LARGEST), LARGEST]
    found: dict[int, Costs] = {}
    for size in sizes:
        folder = tmp_path / f"site{size}"
        if size:
            (folder / "var").mkdir(parents=True)
            last = datetime.now(UTC) - timedelta(hours=1)
            filled(
                folder / "var/maild.db",
                size,
                MAILS,
                lambda number, size=size, last=last: last - timedelta(hours=2 * (size - number)),
                PROSE,
                STILL_OPEN,
            )
            # What is still to be written of two gigabytes is no cost of the daemon's.
            os.sync()
        with sink() as out:
            found[size] = costs_of(folder, out)
    empty, full = found[0], found[LARGEST]
    print(
        f"\n  {LARGEST * MAILS:,} mails and {LARGEST:,} incidents on record, beside an empty one:"
    )
    for name, words in NAMES.items():
        here, there = getattr(full, name), getattr(empty, name)
        print(f"    {words}: {here:.2f} s, {here / there:.1f} of {there:.2f} s")
    _plotted(found)
    for name in NAMES:
        here, there = getattr(full, name), getattr(empty, name)
        assert here < SLACK * max(RATIO * there, SECONDS), NAMES[name]


def test_many_subscribers(tmp_path: Path) -> None:
    entered, copied = [], []
    for size in ROSTERS:
        with sink() as out:
            daemon = _with_roster(tmp_path / f"roster{size}", out, size)
            posts = [opening(f"s{size}", n) for n in range(FANNED_OUT + 1)]
            took = []
            for number, post in enumerate(posts, 1):
                answers = send(daemon.port, [post], 1)
                took.append(out.wait(number * size) - answers.begun)
            daemon.stop()
        # The first finds connections to be made.
        copied.append(median(took[1:]))
        entered.append(_entering(daemon.folder / "var/maild.db"))
    print(
        "\n  one post to so many subscribers, until its last copy; entering its deliveries alone:"
    )
    for size, copy, entry in zip(ROSTERS, copied, entered, strict=True):
        print(f"    {size:>6,}: {copy:.3f} s, {copy / size * 1e6:.0f} us a copy; {entry:.4f} s")
    _drawn(
        "growth-subscribers.png",
        "subscribers",
        ROSTERS,
        {"one post until its last copy": copied, "entering its deliveries alone": entered},
    )
    growth = ROSTERS[-1] / ROSTERS[-2]
    assert copied[-1] < SLACK * growth * copied[-2]
    assert entered[-1] < SLACK * growth * entered[-2]


def _with_roster(folder: Path, out: Sink, size: int) -> Daemon:
    config = f'[delivery]\ntransport = "smtp"\nport = {out.port}\n[posting]\nreceipts = "never"\n'
    daemon = Daemon(folder, config)
    daemon.run("roster", "add", *(f"m{n}@far.example.com" for n in range(size)))
    return daemon.start()


def _entering(path: Path) -> float:
    connection = connect(path)
    took = []
    for number in range(FANNED_OUT):
        made = f"entering-{number}@example.com"
        letter = Outgoing(made, b"Half of it fails.", None, "update", audience="updates")
        begun = time.perf_counter()
        with transaction(connection):
            owe(connection, letter, datetime.now(UTC))
        took.append(time.perf_counter() - begun)
    connection.close()
    return median(took)


def _plotted(found: dict[int, Costs]) -> None:
    sizes = [size for size in found if size]
    lines = {words: [getattr(found[size], name) for size in sizes] for name, words in NAMES.items()}
    what = "mails on record, and a hundredth as many incidents"
    _drawn("growth.png", what, [size * MAILS for size in sizes], lines, log=False)


def _drawn(
    name: str, what: str, sizes: Sequence[int], lines: dict[str, list[float]], *, log: bool = True
) -> None:
    """Draw the growth where matplotlib is (the extra `plots`); log: seconds too, as powers of ten."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    axes = figure.subplots()
    for words, line in lines.items():
        axes.plot(sizes, line, marker="o", label=words)
    axes.set_xscale("log")
    if log:
        axes.set_yscale("log")
        # What is linear is as steep as this.
        most = max(line[-1] for line in lines.values())
        linear = [most * size / sizes[-1] for size in sizes]
        axes.plot(sizes, linear, color="#9aa0a6", linestyle="--", label="linear")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(what)
    axes.set_ylabel("seconds")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e3e6ea", linewidth=0.8)
    axes.legend(frameon=False, fontsize=9)
    written = io.BytesIO()
    figure.savefig(written, format="png", metadata={"Software": None})
    (PICTURES / name).write_bytes(written.getvalue())
