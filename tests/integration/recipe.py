"""What runs a folder `t-NN-what_it_shows`: the programs that it configures, as docs/install.md says.

A folder holds the files of a recipe as an operator writes them: `maild.toml`, what he adds to
Postfix's `main.cf`, the maps that it names, and mails. The ports and places in them are those of a
real machine; here each is swapped for one that is free, and nothing else is changed.
"""

import re
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import dns.resolver

from tests.edge.nameserver import Zone, nameserver

from .conftest import SECONDS, Daemon, until
from .dovecot import PASSWORD, Dovecot
from .postfix import Postfix
from .sink import Sink, free_port, relay

# Three programs, one after the other, on a machine that may have more to do.
PATIENCE = 60.0
PEOPLE = ("ana@example.com", "bob@example.com")


@dataclass
class Recipe:
    """A recipe that runs. front: the port at which the world reaches the list; sink: its people."""

    folder: Path
    swaks: str
    daemon: Daemon
    front: int
    sink: Sink
    postfix: Postfix | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    zone: Zone = field(default_factory=Zone)
    resolver: dns.resolver.Resolver | None = None

    def mail(self, name: str, subject: str) -> EmailMessage:
        """Read one of the folder's mails, and give it a subject and an id of its own."""
        message = message_from_bytes((self.folder / name).read_bytes(), policy=default)
        del message["Subject"]
        message["Subject"] = subject
        message["Message-ID"] = f"<{re.sub('[^a-z0-9]+', '-', subject.lower())}@laptop.example.com>"
        return message

    def send(self, message: EmailMessage, to: str, *options: str, fails: bool = False) -> str:
        """Send a mail by swaks to the front; gives what was said."""
        path = self.daemon.folder / "mail.eml"
        path.write_bytes(message.as_bytes())
        author = message["From"].addresses[0].addr_spec
        server = ("--server", "127.0.0.1", "--port", str(self.front), "--from", author)
        done = subprocess.run(
            [self.swaks, *server, "--to", to, "--data", f"@{path}", *options],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout

    def got(self, address: str, subject: str) -> EmailMessage:
        """Wait for a mail to somebody, by words of its subject; gives it."""
        return until(
            lambda: next((m for m in self.sink.to(address) if subject in str(m["Subject"])), None),
            f"a mail to {address} on {subject}",
            PATIENCE,
        )

    def row(self, **wanted: str) -> dict[str, Any]:
        """Wait for a mail on record with these values; gives its row."""
        return until(
            lambda: next(
                (
                    row
                    for row in self.daemon.records().mails()
                    if all(value in str(row[key]) for key, value in wanted.items())
                ),
                None,
            ),
            f"a mail with {wanted}",
            PATIENCE,
        )


@contextmanager
def running(
    folder: Path,
    place: Path,
    need: Callable[[str], str],
    prepare: Callable[[Daemon], None] = lambda daemon: None,
    sink: Sink | None = None,
    people: tuple[str, ...] = PEOPLE,
) -> Iterator[Recipe]:
    """Run what a folder configures, in a place of its own; `prepare` makes keys and the like there."""
    swaks, sink = need("swaks"), sink or Sink(rcpt=unknown)
    ports = {name: free_port() for name in ("8025", "8024", "465", "8891")}
    zone = Zone()
    with ExitStack() as stack:
        resolver = stack.enter_context(nameserver(zone))
        ports["53"] = resolver.port
        ports["587"] = stack.enter_context(relay(sink))
        dovecot = postfix = None
        if (folder / "dovecot.conf").exists():
            extra = (folder / "dovecot.conf").read_text("utf-8")
            dovecot = stack.enter_context(closing(Dovecot(need("dovecot"), extra)))
            ports["143"] = dovecot.port
        if (folder / "main.cf").exists():
            recipe = (folder / "main.cf").read_text("utf-8")
            home = str(dovecot.folder / "home") if dovecot else ""
            recipe = swapped(recipe, ports).replace("/var/mail/vhosts", home)
            tables = {
                path.name: swapped(path.read_text("utf-8"), ports)
                for path in folder.iterdir()
                if f"/etc/postfix/{path.name}" in recipe
            }
            postfix = Postfix(need("postfix"), recipe, tables, ports["587"])
            stack.enter_context(closing(postfix))
        if (folder / "opendkim.conf").exists():
            stack.enter_context(milter(folder, place, need("opendkim"), ports))
        ports["25"] = postfix.port if postfix else ports["8025"]
        config = swapped((folder / "maild.toml").read_text("utf-8"), ports)
        config = config.replace("/etc/maild/", "").replace("smtp.example.com", "127.0.0.1")
        daemon = Daemon(place, config)
        stack.callback(daemon.kill)
        (place / "imap-password").write_text(PASSWORD, "utf-8")
        (place / "imap-password").chmod(0o600)
        prepare(daemon)
        daemon.run("roster", "add", *people)
        daemon.start()
        yield Recipe(folder, swaks, daemon, ports["25"], sink, postfix, ports, zone, resolver)


@contextmanager
def milter(folder: Path, place: Path, program: str, ports: Mapping[str, int]) -> Iterator[None]:
    """Run opendkim beside Postfix, asking the tests' own DNS."""
    place.mkdir(exist_ok=True)
    for name in ("opendkim.conf", "resolver.conf"):
        (place / name).write_text(swapped((folder / name).read_text("utf-8"), ports), "utf-8")
    with (place / "opendkim.conf").open("a", encoding="utf-8") as config:
        config.write(f"ResolverConfiguration {place / 'resolver.conf'}\n")
    with (place / "opendkim.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-f", "-l", "-x", place / "opendkim.conf"], stdout=log, stderr=log
        )
    try:
        until(lambda: _answers(ports["8891"]), "opendkim to listen")
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def unknown(recipient: str) -> str:
    """Answer for people's mailboxes: Gone's is no more."""
    return "550 5.1.1 No such user" if recipient.startswith("gone@") else ""


def swapped(text: str, ports: Mapping[str, int]) -> str:
    """Put the free ports into a configuration file in place of the real ones."""
    wanted = "|".join(sorted(ports, key=len, reverse=True))
    return re.sub(rf"(?<=[:\s@])(?:{wanted})\b", lambda match: str(ports[match[0]]), text)
