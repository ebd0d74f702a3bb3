"""How long a digest of a thousand incidents takes, and how much memory.

The promises are those below; an assertion fails at five times as much only. CPU time, not the
clock's; memory is what the process holds at its highest, without what it held before.
"""

import resource
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from maild.config import config_of
from maild.edge.files import default_folder, load_rules
from maild.edge.store.connection import connect
from maild.edge.store.digests import Digests
from maild.edge.templates import renderer
from maild.site import Site

from .archive import filled

SECONDS = 2.0
MEGABYTES = 200
SLACK = 5
INCIDENTS = 1_000
MAILS = 20
BEGIN = datetime(2026, 3, 15, 0, 0, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
PROSE = (
    "The secondary has started to drop connections: about one checkout in five fails, in us-east"
    " more. Alícia S. and Dave D. rebuild the primary from the 23:45 snapshot. Is it known why? "
) * 5


def digested(path: Path) -> tuple[float, float, int]:
    """Make the digest; gives the seconds of CPU, the megabytes, and the letter's octets."""
    site = Site(config_of({}), path.parent, load_rules(), renderer(default_folder("templates")))
    connection = connect(path, readonly=True)
    desk, store = site.desk(connection, b"k" * 32), Digests(connection)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    histories = store.histories(BEGIN, END)
    month = store.declared(desk.month(END), END, histories)
    told = desk.digest(histories, month, BEGIN, END)
    letter = desk.digest_letter(told, "daily", END)
    took = time.process_time() - begun
    held = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert letter is not None
    assert len(told.stories) == INCIDENTS
    return took, held, len(letter.content)


def test_a_digest_of_a_thousand_incidents(tmp_path: Path) -> None:
    path = tmp_path / "maild.db"
    filled(path, INCIDENTS, MAILS, lambda n: BEGIN + timedelta(minutes=n % 600), PROSE, INCIDENTS)
    # In a process of its own: what other tests held is not counted.
    command = [sys.executable, "-m", "tests.bench.bench_digest", str(path)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    took, held, octets = (float(part) for part in done.stdout.split())
    print(
        f"\na digest of {INCIDENTS} incidents with {INCIDENTS * MAILS} mails: {took:.2f} s CPU,"
        f" {held:.0f} MB, {octets / 1024:.0f} KiB (promised: {SECONDS} s, {MEGABYTES} MB)"
    )
    assert took < SECONDS * SLACK
    assert held < MEGABYTES * SLACK


if __name__ == "__main__":
    print(*digested(Path(sys.argv[1])))
