"""A mailbox for the demo: a private Dovecot on a free loopback port, with nothing of yours in it."""

import contextlib
import grp
import imaplib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final

import click

SECONDS: Final = 10.0
# Debian's daemons live in sbin, which is not on every user's PATH.
SEARCH: Final = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
CONFIG: Final = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
mail_location = maildir:{folder}/home/Maildir
"""
PLAIN: Final = """\
ssl = no
passdb {{
  driver = static
  args = password={password}
}}
"""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox: where it is, and how it is opened."""

    user: str
    port: int
    password: str
    secret: Path

    @property
    def config(self) -> str:
        """Give the daemon's table for it."""
        return (
            f'[imap]\nhost = "127.0.0.1"\nport = {self.port}\ntls = "none"\n'
            f'user = "{self.user}"\npassword_file = "{self.secret}"\n'
        )

    def put(self, message: EmailMessage) -> None:
        """Lay a mail into the mailbox, as a mail server does."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=SECONDS) as client:
            client.login(self.user, self.password)
            client.append("INBOX", None, None, message.as_bytes(policy=SMTP))


@contextmanager
def mailbox(user: str) -> Iterator[Mailbox]:
    """Run a private Dovecot with one mailbox, and end it. Exits 1 where there is none to run."""
    program = shutil.which("dovecot", path=SEARCH)
    if program is None:
        raise click.ClickException(
            "--imap needs Dovecot: apt-get install dovecot-imapd; `maild demo` needs nothing."
        )
    # Run by root it gives up its rights, and has to get into its folder without them.
    account = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    folder = Path(tempfile.mkdtemp(prefix="maild-mailbox-"))
    try:
        box = Mailbox(user, _free_port(), secrets.token_hex(16), folder / "password")
        _prepare(folder, box, account)
        try:
            process = _started(program, folder, account)
        except OSError as error:
            raise click.ClickException(f"Dovecot did not start: {error}") from error
        try:
            _await(process, box, folder)
            yield box
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(folder: Path, box: Mailbox, account: pwd.struct_passwd) -> None:
    text = (CONFIG + PLAIN).format(
        folder=folder,
        user=account.pw_name,
        group=grp.getgrgid(account.pw_gid).gr_name,
        uid=account.pw_uid,
        gid=account.pw_gid,
        port=box.port,
        tls_port=0,
        password=box.password,
    )
    for name in ("run", "home"):
        (folder / name).mkdir()
    for path, content in ((folder / "dovecot.conf", text), (box.secret, box.password)):
        path.write_text(content, "utf-8")
        path.chmod(0o600)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid)


def _started(program: str, folder: Path, account: pwd.struct_passwd) -> "subprocess.Popen[bytes]":
    root = os.getuid() == 0
    with (folder / "said").open("wb") as said:
        return subprocess.Popen(
            [program, "-F", "-c", str(folder / "dovecot.conf")],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
            user=account.pw_uid if root else None,
            group=account.pw_gid if root else None,
            extra_groups=[] if root else None,
        )


def _await(process: "subprocess.Popen[bytes]", box: Mailbox, folder: Path) -> None:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", box.port)):
            return
        time.sleep(0.02)
    said = "".join(
        path.read_text("utf-8", "replace")
        for path in (folder / "said", folder / "log")
        if path.exists()
    )
    raise click.ClickException(f"Dovecot did not start:\n{said.strip() or 'it said nothing'}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
