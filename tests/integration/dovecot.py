"""A real Dovecot for tests: private, unprivileged, on a free loopback port, in a folder of its own."""

import base64
import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maild.cli.mailbox import CONFIG

from .sink import free_port

SECONDS = 20.0
USER, PASSWORD = "incidents@example.com", 'a "quoted" \\ pass word'

MORE = """\
verbose_proctitle = yes
auth_cache_size = 0
namespace inbox {{
  inbox = yes
}}
"""
PLAIN = """\
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
"""
# Tokens are checked by their signature (HS256); the key is a file, named as Dovecot looks for it.
TOKENS = """\
auth_mechanisms = plain xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
"""
OAUTH2 = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
username_attribute = sub
"""
TOKEN_KEY = b"a key for tests, and for nothing else"
TLS = """\
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
"""


class Dovecot:
    """One IMAP server with one user, whose mails are files.

    Its folder is no tmp_path: run by root it gives up its rights, and then cannot get in there.
    """

    def __init__(self, program: str, extra: str = "", passdb: str = PLAIN, pem: str = "") -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="maild-dovecot-"))
        root = os.getuid() == 0
        account = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.getuid())
        self.uid, self.gid = account.pw_uid, account.pw_gid
        self.port, self.tls_port = free_port(), free_port() if pem else 0
        values = {
            "folder": self.folder,
            "user": account.pw_name,
            "group": grp.getgrgid(self.gid).gr_name,
            "uid": self.uid,
            "gid": self.gid,
            "port": self.port,
            "tls_port": self.tls_port,
        }
        text = (CONFIG + MORE).format(**values) + passdb.format(**values) + extra
        text += TLS.format(**values) if pem else "ssl = no\n"
        (self.folder / "server.pem").write_text(pem, "ascii")
        (self.folder / "dovecot.conf").write_text(text, "utf-8")
        (self.folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n", "utf-8")
        (self.folder / "oauth2.conf").write_text(OAUTH2.format(**values), "utf-8")
        keys = self.folder / "keys/default/HS256"
        for path in (self.folder / "run", self.folder / "home", keys):
            path.mkdir(parents=True)
        (keys / "default").write_bytes(base64.b64encode(TOKEN_KEY))
        self.own(self.folder)
        self.start()

    def own(self, path: Path) -> None:
        for one in (path, *(path.rglob("*") if path.is_dir() else ())):
            os.chown(one, self.uid, self.gid)

    def start(self) -> "Dovecot":
        root = os.getuid() == 0
        self.process = subprocess.Popen(
            [self.program, "-F", "-c", str(self.folder / "dovecot.conf")],
            cwd=self.folder,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            user=self.uid if root else None,
            group=self.gid if root else None,
            extra_groups=[] if root else None,
        )
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return self
            time.sleep(0.02)
        log = self.folder / "log"
        pytest.fail(f"no Dovecot: {log.read_text('utf-8') if log.exists() else 'no log'}")

    def kill(self) -> None:
        """End it and its own children at once, as a power cut does."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(SECONDS)
            self.process = None
            (self.folder / "run" / "master.pid").unlink(missing_ok=True)

    def idling(self) -> bool:
        """Whether somebody waits for news, as the title of the process that serves him says."""
        assert self.process is not None
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if os.getpgid(int(path.parent.name)) == self.process.pid:
                    title = path.read_bytes()
                    if title.startswith(b"dovecot/imap [") and b" IDLE]" in title:
                        return True
        return False

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def path(self, folder: str = "") -> Path:
        home = self.folder / "home" / "Maildir"
        return home / f".{folder}" if folder else home

    def put(self, content: bytes, name: str = "") -> Path:
        """Deliver a mail into the INBOX, as a mail server does."""
        inbox = self.path()
        for part in ("tmp", "new", "cur"):
            if not (inbox / part).is_dir():
                (inbox / part).mkdir(parents=True, mode=0o700)
                self.own(self.folder / "home")
        unique = name or f"{time.time_ns()}.{os.urandom(6).hex()}.here"
        path = inbox / "tmp" / unique
        path.write_bytes(content)
        self.own(path)
        return path.rename(inbox / "new" / unique)

    def lying(self, folder: str = "") -> list[Path]:
        """List the mails in a folder, "" for the INBOX; read or not."""
        return [p for part in ("new", "cur") for p in (self.path(folder) / part).glob("*")]

    @contextlib.contextmanager
    def person(self) -> Iterator[imaplib.IMAP4]:
        """Log in as somebody at his mail program, with the INBOX selected."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=SECONDS) as client:
            client.login(USER, PASSWORD)
            client.select("INBOX")
            yield client


class Wire:
    """Stands between a client and the server; calls `cut` once so much has come from the server."""

    def __init__(self, port: int, octets: int, cut: Callable[[], None]) -> None:
        self.port_there, self.left, self.cut = port, octets, cut
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                with contextlib.suppress(OSError):
                    server = socket.create_connection(("127.0.0.1", self.port_there))
                    for pair in ((client, server, False), (server, client, True)):
                        threading.Thread(target=self._carry, args=pair, daemon=True).start()
                    continue
                client.close()

    def _carry(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
                if counted and self.left > 0:
                    self.left -= len(data)
                    if self.left <= 0:
                        self.cut()
                        break
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self.listening.close()
