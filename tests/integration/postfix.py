"""A real Postfix for tests: an instance of its own, on a free loopback port, in a folder of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from .sink import free_port

SECONDS = 20.0

# What makes it private and quick; a recipe's own main.cf comes after it. Everybody at example.com
# but the list, and elsewhere, has his mailbox in the sink. No name is ever asked of a DNS.
MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_peername_lookup = no
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
transport_retry_time = 1s
myhostname = mx.example.com
mydestination = example.com
mynetworks = 127.0.0.0/8
alias_maps = inline:{{ kevin=x, ana=x, bob=x, gone=x, oncall-leads=x, alerts=x }}
local_transport = smtp:[127.0.0.1]:{sink}
default_transport = smtp:[127.0.0.1]:{sink}
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One mail server; `recipe` is what an operator writes into its main.cf, `tables` its maps.

    Its folder is no tmp_path: its processes give up their rights, and then cannot get in there.
    """

    def __init__(self, program: str, recipe: str, tables: Mapping[str, str], sink: int) -> None:
        if os.getuid() != 0:
            pytest.skip("needs root: Postfix runs as several users")
        self.program = program
        self.folder = Path(tempfile.mkdtemp(prefix="maild-postfix-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        config = self.folder / "etc"
        config.mkdir()
        (self.folder / "queue").mkdir()
        (self.folder / "data").mkdir()
        shutil.chown(self.folder / "data", "postfix")
        recipe = recipe.replace("/etc/postfix", str(config))
        main = MAIN.format(folder=self.folder, sink=sink)
        (config / "main.cf").write_text(main + recipe, "utf-8")
        (config / "master.cf").write_text(MASTER.format(port=self.port), "utf-8")
        for name, text in tables.items():
            (config / name).write_text(text, "utf-8")
            self._run("postmap", "-c", str(config), f"hash:{config / name}")
        self._run("postfix", "-c", str(config), "start")
        try:
            self._await()
        except BaseException:
            self.close()
            raise

    def _run(self, name: str, *arguments: str) -> None:
        path = Path(self.program).with_name(name)
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr + self.log()

    def _await(self) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as client,
            ):
                if client.recv(512).startswith(b"220 "):
                    return
            time.sleep(0.02)
        pytest.fail(f"no Postfix: {self.log()}")

    def log(self) -> str:
        """Give all that it has logged so far."""
        path = self.folder / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def waiting(self) -> int:
        """Count the mails in its queue."""
        queue = self.folder / "queue"
        folders = ("maildrop", "incoming", "active", "deferred")
        return sum(p.is_file() for name in folders for p in (queue / name).rglob("*"))

    def close(self) -> None:
        """Stop it by its own pid file, and remove its folder."""
        self._run("postfix", "-c", str(self.folder / "etc"), "stop")
        shutil.rmtree(self.folder)
