"""`maild demo`: one incident, played by real mail against a private daemon on this machine."""

import json
import os
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Final

import click

from maild.cli.mailbox import mailbox

SECONDS: Final = 20.0
LIST: Final = "incidents@example.com"
CONFIG: Final = f"""\
[list]
address = "{LIST}"
[posting]
receipts = "never"
[smtp]
listen = ["127.0.0.1:0"]
"""
RULER: Final = "-" * 72


@dataclass(frozen=True, slots=True)
class Scene:
    """What one person writes, and what comes of it.

    answers: "" a new mail; "reply" to what maild answered him; "copy" to the list's last mail.
    comes: "reply" a validation reply to the author, "copy" a copy to everybody. tells: the sentence
    above it; then: the sentence above what comes of it. whole: whether the text is shown under the
    stamp too.
    """

    who: str
    tells: str
    words: str
    answers: str
    comes: str
    then: str
    whole: bool = False


PEOPLE: Final = {
    "Kevin": "Kevin Riggle <kevin@example.com>",
    "Jayla": "Jayla M. <jayla@example.com>",
    "Ana": "Ana Silva <ana@example.com>",
}
SUBJECT: Final = "Production has failed over to secondary database"

PLAY: Final = (
    Scene(
        "Kevin",
        f"Something is down. Kevin writes a plain mail to {LIST}:",
        """\
The primary database cluster stopped responding to requests at 0:02 UTC.
After thirty seconds production failed over to the secondary. We don't
yet know what caused the primary to fail.

Severity 2. Coordinating via #prod-failover on Slack.
Customer liaison: Jayla M. Business liaison: Shruti S.""",
        "",
        "reply",
        "He forgot something. maild answers him, {seconds} later:",
        True,
    ),
    Scene(
        "Kevin",
        "One line in reply is enough:",
        "phase 1, I am IC",
        "reply",
        "copy",
        "His mail goes out as he wrote it. Jayla, Ana and all others receive:",
        True,
    ),
    Scene(
        "Jayla",
        "Jayla replies with what she sees. She states no state, so hers is a note:",
        "Seeing it in us-east too: 14 tickets in ten minutes, all from checkout.",
        "copy",
        "copy",
        "It goes to all at once, with the state as it is on top:",
    ),
    Scene(
        "Ana",
        "Ana takes over. She just says so:",
        """\
Severity 1, phase 1. I am taking over as incident commander from Kevin.
The secondary drops connections: about one checkout in five fails.""",
        "copy",
        "copy",
        "Everybody reads what has changed, and from what:",
    ),
    Scene(
        "Ana",
        "Later she is in a hurry:",
        "Phase 2. The replica has caught up and checkout works in all regions.",
        "copy",
        "reply",
        "maild does not guess the rest. It asks, and one word will do:",
        True,
    ),
    Scene(
        "Ana",
        "So she replies:",
        "same",
        "reply",
        "copy",
        "All receive:",
    ),
    Scene(
        "Ana",
        "And in the end:",
        """\
Severity 2, phase 3, IC: Ana. Closed: no failed checkout for three hours.
Thank you all; the write-up follows by Tuesday.""",
        "copy",
        "copy",
        "All receive:",
    ),
)


@click.command()
@click.option("--imap", is_flag=True, help="Mail comes from a mailbox; needs Dovecot.")
def demo(imap: bool) -> None:
    """Play one incident by real SMTP on this machine, and show what each person receives."""
    way, whose = "by real SMTP, against a\n", "private daemon"
    if imap:
        way, whose = "from a real mailbox,\nby IMAP, with a ", "private Dovecot and daemon"
    click.echo(f"maild turns plain mails into incidents. This plays one, {way}{whose}", nl=False)
    click.echo(" on this machine; nothing leaves it.")
    with ExitStack() as house:
        folder = Path(house.enter_context(tempfile.TemporaryDirectory(prefix="maild-demo-")))
        box = house.enter_context(mailbox(LIST)) if imap else None
        port = house.enter_context(_daemon(folder, CONFIG + (box.config if box else "")))
        stage = _Stage(folder, box.put if box else partial(_by_smtp, port))
        for scene in PLAY:
            stage.play(scene)
        _tell("People who were not there read the digest of the day:")
        _show(_maild(folder, "digest", "--since", "1 h"), "cyan")
    click.echo()
    click.echo("That is all: no form, no bot, no training. Your own list:")
    click.echo()
    click.echo("    maild init        writes maild.toml, commented, ready to try out")
    click.echo("    maild serve       runs it")


def _by_smtp(port: int, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=SECONDS) as client:
        client.send_message(message)


class _Stage:
    def __init__(self, folder: Path, send: Callable[[EmailMessage], None]) -> None:
        self.folder, self.send = folder, send
        self.seen: set[Path] = set()
        self.known: set[str] = set()
        self.reply: EmailMessage | None = None
        self.copy: EmailMessage | None = None

    def play(self, scene: Scene) -> None:
        """Send what a person writes, wait for what comes, show both."""
        _tell(scene.tells)
        message = self._written(scene)
        head = "" if scene.answers else f"Subject: {SUBJECT}\n\n"
        _show(head + scene.words, "green")
        begun = time.monotonic()
        self.send(message)
        came = self._comes(scene, begun)
        took = f"{max(0.01, time.monotonic() - begun):.2f} s"
        _tell(scene.then.format(seconds=took))
        body = came.get_body(("plain",))
        text = str(body.get_content()) if body is not None else ""
        if not scene.whole:
            text = text.partition(RULER)[0]
        subject = f"Subject: {came['Subject']}\n\n" if scene.comes == "copy" else ""
        _show(subject + text.strip("\n"), "cyan" if scene.comes == "copy" else "yellow")

    def _written(self, scene: Scene) -> EmailMessage:
        message = EmailMessage()
        parent = {"reply": self.reply, "copy": self.copy, "": None}[scene.answers]
        message["From"] = PEOPLE[scene.who]
        message["To"] = str(parent["Reply-To"]) if parent else LIST
        message["Subject"] = f"Re: {parent['Subject']}" if parent else SUBJECT
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{os.urandom(8).hex()}@laptop.example.com>"
        if parent:
            message["In-Reply-To"] = str(parent["Message-ID"])
        message.set_content(scene.words + "\n")
        return message

    def _comes(self, scene: Scene, begun: float) -> EmailMessage:
        while time.monotonic() < begun + SECONDS:
            for path in sorted((self.folder / "var/outgoing/new").glob("*")):
                if path in self.seen:
                    continue
                self.seen.add(path)
                message = message_from_bytes(path.read_bytes(), policy=default)
                if message["Message-ID"] in self.known:
                    # The same copy, to somebody who gets it by himself.
                    continue
                self.known.add(message["Message-ID"])
                kind = "copy" if message["X-Incident-Id"] else "reply"
                setattr(self, kind, message)
                if kind == scene.comes:
                    return message
            time.sleep(0.01)
        raise click.ClickException(f"nothing came within {SECONDS:.0f} s; see `maild demo --help`")


@contextmanager
def _daemon(folder: Path, config: str) -> Iterator[int]:
    """Run a daemon in the folder; gives its port."""
    (folder / "maild.toml").write_text(config, "utf-8")
    everybody = [box.partition("<")[2].rstrip(">") for box in PEOPLE.values()]
    _maild(folder, "roster", "add", *everybody)
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "maild", "serve"],
            cwd=folder,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield _ready(process, log)
    finally:
        process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _ready(process: "subprocess.Popen[bytes]", log: Path) -> int:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        for line in log.read_text("utf-8").splitlines():
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "ready":
                return int(event["ports"][0])
        time.sleep(0.05)
    raise click.ClickException(f"the daemon did not start:\n{log.read_text('utf-8')}")


def _maild(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "maild", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _tell(sentence: str) -> None:
    click.echo()
    click.echo(click.style(sentence, bold=True))
    click.echo()


def _show(text: str, colour: str) -> None:
    bar = click.style("  |", fg=colour)
    for line in text.rstrip("\n").split("\n"):
        click.echo(f"{bar} {line}".rstrip())
