"""A real daemon in a folder of its own, on a free loopback port, and what a test does with it."""

import json
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from maild.edge.store.connection import connect
from maild.edge.store.records import Records

MAILD = Path(sys.executable).with_name("maild")
SECONDS = 20.0

SAMPLE = """\
The primary database cluster stopped responding to requests at 0:02 UTC
(17:02 PT). After thirty seconds, production failed over to the secondary
database cluster per our failover protocol. We don't yet know what caused
the primary to fail.

Severity 2, phase 1. I am incident commander. Coordinating via
#2021-03-15-production-failover channel on Slack. Business liaison: Shruti
S. Customer liaison: Jayla M. Subject-matter experts: Alícia S., Dave D.

Kevin
"""
SUBJECT = "Production has failed over to secondary database"
INCOMPLETE = SAMPLE.replace("phase 1. I am incident commander. ", "").replace(
    "Severity 2, ", "Severity 2. "
)


# Every process of the daemon asks this clock: the real one, and what the file says on top.
CLOCK = """\
import datetime, os, pathlib
import maild.edge.clock as clock
real = clock.now
def now():
    ahead = float(pathlib.Path(os.environ["AHEAD"]).read_text())
    return real() + datetime.timedelta(seconds=ahead)
clock.now = now
"""


def until(found: Callable[[], Any], what: str, seconds: float = SECONDS) -> Any:
    """Wait for a condition, with a deadline; gives what it found."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    pytest.fail(f"waited {seconds} s for {what}")


def mail(
    text: str,
    subject: str = SUBJECT,
    author: str = "Kevin Riggle <kevin@example.com>",
    to: str = "incidents@example.com",
    answers: EmailMessage | None = None,
    **fields: str,
) -> EmailMessage:
    """Write a plain mail as a person does; `answers` makes it a reply to that mail."""
    message = EmailMessage()
    message["From"] = author
    message["To"] = to
    message["Subject"] = subject if answers is None else reply_subject(answers)
    message["Message-ID"] = f"<{os.urandom(8).hex()}@laptop.example.com>"
    if answers is not None:
        message["In-Reply-To"] = answers["Message-ID"]
        message["References"] = f"{answers.get('References', '')} {answers['Message-ID']}".strip()
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def reply_subject(parent: EmailMessage) -> str:
    subject = str(parent["Subject"])
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def text_of(message: EmailMessage) -> str:
    """Give what a person sees of a mail in a program that shows plain text."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def children(pid: int) -> list[int]:
    """List the processes that a process without threads has forked."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(child) for child in found.split()]


class Daemon:
    """One `maild serve` in a folder; mails that it sends are files in var/outgoing."""

    def __init__(self, folder: Path, config: str = "") -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        folder.mkdir(parents=True, exist_ok=True)
        if "[smtp]" not in config:
            config += '\n[smtp]\nlisten = ["127.0.0.1:0"]\n'
        (folder / "maild.toml").write_text(config, "utf-8")
        self.log_path = folder / "log"
        self._records: Records | None = None
        # What a test may set before start(): how systemd would start it.
        self.before: list[str] = []
        self.environment: dict[str, str] = {}
        self.descriptors: tuple[int, ...] = ()
        self.ports: list[int] = []

    def start(self) -> "Daemon":
        offset = self.log_path.stat().st_size if self.log_path.exists() else 0
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.before, MAILD, "serve", "--config", "maild.toml"],
                cwd=self.folder,
                env=os.environ | self.environment,
                pass_fds=self.descriptors,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

        def ready() -> dict[str, Any] | None:
            assert self.process is not None
            assert self.process.poll() is None, self.log_path.read_text("utf-8")
            found = [e for e in self.events(offset) if e["event"] == "ready"]
            return found[-1] if found else None

        self.ports = until(ready, "the daemon to be ready")["ports"]
        self.port = self.ports[0]
        return self

    def configure(self, config: str) -> None:
        """Write another configuration; the daemon reads it when it is told to."""
        (self.folder / "maild.toml").write_text(config, "utf-8")

    def events(self, offset: int = 0) -> list[dict[str, Any]]:
        *lines, _ = self.log_path.read_bytes()[offset:].split(b"\n")  # the last is being written
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(SECONDS)
            self.process = None

    def kill(self) -> None:
        """SIGKILL everything at once: supervisor, door, desk, readers."""
        if self._records is not None:
            self._records.connection.close()
            self._records = None
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(SECONDS)
            self.process = None

    def child(self, name: str) -> int:
        """Give the process id of the door, the desk, or what forks the readers."""
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        names = {
            Path(f"/proc/{child}/comm").read_text("ascii").strip(): child for child in children
        }
        return int(names[f"maild-{name}"])

    def send(
        self,
        message: EmailMessage | bytes,
        sender: str | None = None,
        to: str | list[str] | None = None,
    ) -> EmailMessage | bytes:
        """Send a mail by SMTP; raises what smtplib raises where it is refused."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            if isinstance(message, bytes):
                client.sendmail(
                    sender or "kevin@example.com", to or "incidents@example.com", message
                )
            else:
                author = message["From"].addresses[0].addr_spec
                client.send_message(message, author if sender is None else sender, to)
        return message

    def letters(self, to: str = "", kind: str = "") -> list[EmailMessage]:
        """List what was sent so far, oldest first."""
        found = []
        paths = (self.folder / "var/outgoing/new").glob("*")
        for path in sorted(paths, key=lambda p: p.stat().st_mtime_ns):
            message = message_from_bytes(path.read_bytes(), policy=default)
            recipients = message.get_all("Delivered-To", [])
            if (not to or to in recipients) and (
                not kind or message.get("X-Incident-Kind", "answer") == kind
            ):
                found.append(message)
        return found

    def letter(self, to: str, kind: str = "", count: int = 1) -> EmailMessage:
        """Wait for the `count`-th letter to somebody; gives it."""
        return until(
            lambda: found if len(found := self.letters(to, kind)) >= count else None,
            f"letter {count} to {to} ({kind or 'any kind'})",
        )[count - 1]

    def times(self, event: str) -> int:
        """Count an event of the log."""
        return sum(each["event"] == event for each in self.events())

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run a maild command on this daemon's data; gives what it prints."""
        done = subprocess.run(
            [MAILD, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run(*arguments, "--json").splitlines()]

    def records(self) -> Records:
        """Read the record as commands do, without the cost of starting one."""
        if self._records is None:
            self._records = Records(connect(self.folder / "var/maild.db", readonly=True), 3)
        return self._records

    def settled(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many mails have their verdict and nothing is owed; gives the mails."""

        def found() -> list[dict[str, Any]] | None:
            rows = self.records().mails()
            done = len(rows) >= count and not self.records().waiting()
            return rows if done and not self.records().queue() else None

        return until(found, f"{count} mails to be settled")


class Hands:
    """The hands of the daemon's clock: a test moves them, and it goes on from there."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.at(datetime.now(UTC))

    def at(self, moment: datetime) -> None:
        self.ahead = moment - datetime.now(UTC)
        new = self.file.with_suffix(".new")
        new.write_text(str(self.ahead.total_seconds()), "ascii")
        new.rename(self.file)

    def by(self, step: timedelta) -> None:
        self.at(self.now() + step)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hands:
    """The clock of daemons that are started after it."""
    place = tmp_path / "clock"
    place.mkdir()
    (place / "sitecustomize.py").write_text(CLOCK, "ascii")
    monkeypatch.setenv("PYTHONPATH", str(place))
    monkeypatch.setenv("AHEAD", str(place / "ahead"))
    return Hands(place / "ahead")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """`make(config)` is a daemon that runs, with Ana and Bob on the roster."""
    made: list[Daemon] = []

    def start(config: str = "", roster: tuple[str, ...] = ("ana", "bob")) -> Daemon:
        daemon = Daemon(tmp_path / f"site{len(made)}", config)
        made.append(daemon)
        if roster:
            daemon.run("roster", "add", *(f"{name}@example.com" for name in roster))
        return daemon.start()

    yield start
    for daemon in made:
        daemon.kill()


@pytest.fixture
def daemon(make: Callable[..., Daemon]) -> Daemon:
    """A daemon with the embedded defaults."""
    return make()
