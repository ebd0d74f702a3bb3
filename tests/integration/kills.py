"""SIGKILL at random moments under load: who sends, who takes, and the reckoning at the end."""

import asyncio
import os
import random
import signal
import smtplib
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from itertools import pairwise
from typing import Any, Literal

from .conftest import SAMPLE, Daemon, mail, until
from .sink import Sink

Victim = Literal["door", "desk", "readers", "all"]
SENDERS = 3
# What was in the relay's hands when the desk died may be put down by it a little later.
LATE = timedelta(seconds=1)

OWED = "SELECT (SELECT count(*) FROM waiting) + (SELECT count(*) FROM delivery WHERE state = 'pending')"


def config(port: int) -> str:
    return (
        '[smtp]\nlisten = ["127.0.0.1:0"]\ntrusted_networks = ["127.0.0.0/8"]\n'
        '[posting]\nreceipts = "never"\n'
        f'[delivery]\ntransport = "smtp"\nport = {port}\n'
    )


@dataclass
class Witness(Sink):
    """A relay that notes when which mail was handed over for whom, and under which subject."""

    handed: dict[tuple[str, str], list[datetime]] = field(default_factory=lambda: defaultdict(list))
    subjects: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        now = datetime.now(UTC)
        message = message_from_bytes(envelope.content)
        made = str(message["Message-ID"])
        for recipient in envelope.rcpt_tos:
            self.handed[made, recipient].append(now)
            if message["X-Incident-Kind"] == "opening":
                self.subjects[str(message["Subject"]), recipient].add(made)
        # Slow enough that some kills fall between the final dot and the commit of its reply.
        await asyncio.sleep(0.05)
        return "250 2.0.0 OK"


class Load:
    """Sends openings over several connections, every fourth of them incomplete, each by an author
    of its own; sends one again, as it is, until it is acknowledged, as a mail server does.
    """

    def __init__(self, daemon: Daemon, pause: float = 0.05) -> None:
        self.daemon, self.pause = daemon, pause
        self.acknowledged: list[str] = []
        self.again = 0
        self.stopped = threading.Event()
        self.threads = [
            threading.Thread(target=self._send, args=(name,), daemon=True)
            for name in range(SENDERS)
        ]
        for thread in self.threads:
            thread.start()

    def _send(self, name: int) -> None:
        number = 0
        while not self.stopped.is_set():
            number += 1
            author = f"responder{name}.{number}@example.com"
            words = SAMPLE if number % 4 else SAMPLE.replace("I am incident commander. ", "")
            self._until_taken(mail(words, f"Failure {os.urandom(4).hex()}", author), author)

    def _until_taken(self, message: Any, author: str) -> None:
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", self.daemon.port, timeout=10) as client:
                    client.send_message(message, author, "incidents@example.com")
                    self.acknowledged.append(str(message["Message-ID"]).strip("<>"))
                time.sleep(self.pause)
                return
            except (OSError, smtplib.SMTPException):
                if str(message["Message-ID"]).strip("<>") in self.acknowledged[-SENDERS:]:
                    # Only its farewell was lost.
                    return
                self.again += 1
                time.sleep(0.1)

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()


class Killer:
    """Kills a daemon, or one of its processes, at random moments; remembers when."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.chance = random.Random(os.urandom(8))
        self.kills: list[tuple[Victim, datetime]] = []

    def kill(self, victim: Victim) -> None:
        """Let the load run for a moment, kill, and wait until all is ready again."""
        time.sleep(self.chance.uniform(0.05, 0.8))
        self.kills.append((victim, datetime.now(UTC)))
        if victim == "all":
            self.daemon.kill()
            self.daemon.start()
            return
        times = self.daemon.times("ready")
        os.kill(self.daemon.child(victim), signal.SIGKILL)
        until(lambda: self.daemon.times("ready") > times, f"a new {victim}", 60)

    def of_desk(self) -> list[datetime]:
        """List when a desk died."""
        return [at for victim, at in self.kills if victim in ("desk", "all")]


def reckon(daemon: Daemon, load: Load, killer: Killer, witness: Witness) -> str:
    """Nothing that was acknowledged is missing, nothing was done twice; gives the counts."""
    aside = _run_aside_again(daemon, len(killer.kills))
    rows = _settled(daemon)
    acted = _acted_on_once(rows, load.acknowledged)
    owed, twice = _sent_once(daemon, killer.of_desk(), witness)
    died = Counter(victim for victim, _ in killer.kills)
    killed = ", ".join(f"{name} {count} times" for name, count in sorted(died.items()))
    return (
        f"killed {killed}: {len(load.acknowledged)} mails acknowledged, {load.again} tries sent"
        f" again; {len(rows)} on record, {acted} acted on once, {len(rows) - acted} known as"
        f" duplicates, {aside} set aside and run again; {owed} letters owed, each"
        f" sent, {twice} of them more than once, all of these under one Message-ID, handed over"
        " before a kill and not committed"
    )


def _settled(daemon: Daemon) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]] | None:
        # The relay is in this process; it shall have time to take what is owed.
        time.sleep(0.5)
        (owed,) = daemon.records().connection.execute(OWED).fetchone()
        return None if owed else daemon.records().mails()

    return list(until(found, "all mails to be settled", 600))


def _run_aside_again(daemon: Daemon, kills: int) -> int:
    """Two kills in turn that fell on one mail set it aside, as they should: run it again."""
    aside = [row for row in _settled(daemon) if row["verdict"] == "shunted"]
    assert {row["reason"] for row in aside} <= {"the desk died of it twice"}
    assert len(aside) <= kills / 5
    for row in aside:
        daemon.run("shunted", "retry", str(row["id"]))
    return len(aside)


def _acted_on_once(rows: Sequence[dict[str, Any]], acknowledged: Sequence[str]) -> int:
    assert {row["verdict"] for row in rows} <= {"accepted", "rejected", "duplicate"}
    acted = Counter(row["message_id"] for row in rows if row["verdict"] != "duplicate")
    assert set(acknowledged) <= set(acted)
    assert set(acted.values()) == {1}
    incidents = [row["incident"] for row in rows if row["verdict"] == "accepted"]
    assert len(set(incidents)) == len(incidents)
    return len(acted)


def _sent_once(daemon: Daemon, died: Sequence[datetime], witness: Witness) -> tuple[int, int]:
    """Each letter owed was sent; again only if a desk died in between, and before the commit."""
    rows = daemon.records().connection.execute(
        "SELECT l.message_id, l.mail, l.kind, d.* FROM letter l JOIN delivery d ON d.letter = l.id"
    )
    owed = [dict(row) for row in rows]
    # An author whose mail is incomplete is asked again after 5 minutes, by another letter.
    copies = [row for row in owed if row["kind"] == "opening"]
    causes = Counter((row["mail"], row["recipient"]) for row in copies)
    assert set(causes.values()) == {1}
    # A result is committed once, and then nobody is asked again.
    assert {(row["state"], row["attempts"]) for row in owed} == {("sent", 1)}
    names = {(f"<{row['message_id']}>", row["recipient"]): row["done_at"] for row in owed}
    assert names.keys() == witness.handed.keys()
    assert {len(ids) for ids in witness.subjects.values()} == {1}
    for name, done_at in names.items():
        times = witness.handed[name]
        assert max(times) <= datetime.fromisoformat(done_at)
        for one, next_one in pairwise(times):
            assert any(one - LATE <= at <= next_one for at in died)
    return len(owed), sum(len(times) > 1 for times in witness.handed.values())
