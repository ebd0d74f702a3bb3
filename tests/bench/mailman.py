"""A private Mailman 3 Core as peer: LMTP in, SMTP out to the sink, its own settings otherwise.

It is found by MAILD_BENCH_MAILMAN, or on the path. Version 3.3.10 goes into an environment of its own:

    pip install mailman==3.3.10 'sqlalchemy<2.1' 'alembic<1.14' 'falcon<4' 'python-dateutil<3' \
        'flufl.lock<9' 'zope.interface<8' 'zope.component<7'
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.conftest import until
from tests.integration.sink import free_port

LIST = "ten@list.example.com"
CONFIG = """\
[mailman]
layout: bench
site_owner: owner@example.com
[paths.bench]
var_dir: {place}/var
bin_dir: {programs}
[mta]
incoming: mailman.mta.null.NullMTA
outgoing: mailman.mta.deliver.deliver
smtp_host: 127.0.0.1
smtp_port: {relay}
lmtp_host: 127.0.0.1
lmtp_port: {lmtp}
[webservice]
hostname: 127.0.0.1
port: {rest}
[database]
class: mailman.database.sqlite.SQLiteDatabase
url: sqlite:///{place}/var/mailman.db
"""
OPEN = """\
from mailman.config import config
from mailman.interfaces.action import Action
from mailman.interfaces.listmanager import IListManager
from zope.component import getUtility
def open_to_all(name):
    found = getUtility(IListManager).get(name)
    found.default_nonmember_action = Action.accept
    found.send_welcome_message = False
    config.db.commit()
"""


@dataclass(frozen=True, slots=True)
class Mailman:
    """A Mailman that runs: where it takes mail by LMTP, and its main process."""

    lmtp: int
    pid: int


def program() -> str | None:
    """Find Mailman; None where it is not installed."""
    return os.environ.get("MAILD_BENCH_MAILMAN") or shutil.which("mailman")


@contextmanager
def mailman(place: Path, relay: int, members: list[str]) -> Iterator[Mailman]:
    """Run a Mailman with one list, open to all; its members get what comes through the relay."""
    found, lmtp = program(), free_port()
    assert found is not None
    (place / "var").mkdir(parents=True)
    config = CONFIG.format(
        place=place, programs=Path(found).parent, relay=relay, lmtp=lmtp, rest=free_port()
    )
    (place / "mailman.cfg").write_text(config, "utf-8")
    (place / "opened.py").write_text(OPEN, "ascii")
    (place / "members").write_text("".join(f"{member}\n" for member in members), "ascii")
    environment = {
        **os.environ, "MAILMAN_CONFIG_FILE": f"{place}/mailman.cfg", "PYTHONPATH": str(place)
    }  # fmt: skip

    def run(*words: str) -> None:
        as_root = ["--run-as-root"] if os.geteuid() == 0 else []
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        subprocess.run([found, *as_root, *words], env=environment, check=True, cwd=place, **quiet)

    run("create", "-d", LIST)
    run("withlist", "-r", "opened.open_to_all", LIST)
    run("addmembers", str(place / "members"), LIST.replace("@", "."))
    run("start", "--run-as-user")
    try:
        pid = place / "var/master.pid"
        listens = f"0100007F:{lmtp:04X} 00000000:0000 0A"
        until(lambda: listens in Path("/proc/net/tcp").read_text("ascii"), "Mailman to listen", 60)
        yield Mailman(lmtp, int(pid.read_text("ascii")))
    finally:
        run("stop")
        until(lambda: not pid.exists(), "Mailman to stop", 60)
