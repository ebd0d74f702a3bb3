"""Mixed mail from many connections for a while: good, bad, hostile, automatic, rude."""

import asyncio
import os
import random
import time
from collections import Counter
from email.message import EmailMessage
from email.utils import make_msgid

from tests.edge.hostile import HOSTILE

from .conftest import SAMPLE, mail

CONNECTIONS = 50
MAILS_A_CONNECTION = 20
LARGEST = 1_100_000
# How often each kind comes among a thousand mails.
MIX = {
    "update": 450,
    "note": 200,
    "incomplete": 70,
    "machine": 80,
    "bounce": 30,
    "again": 40,
    "command": 30,
    "stranger": 40,
    "hostile": 30,
    "rude": 30,
}
RUDE = (
    b"NONSENSE\r\n",
    b"MAIL FROM:<>\nRCPT TO:<incidents@example.com>\n",
    b"MAIL FROM:<mallory@example.com>\r\nRCPT TO:<incidents@example.com>\r\nDATA\r\nhalf a ma",
    b"RCPT TO:<\x00\xff@example.com>\r\n",
    b"A" * 4_000 + b"\r\n",
    b"MAIL FROM:<mallory@example.com>\r\nRCPT TO:<nobody@example.com>\r\nDATA\r\n",
)


class Person:
    """Who declares an incident, follows it up until it is over, and declares another."""

    def __init__(self, number: int, chance: random.Random) -> None:
        self.number, self.chance = number, chance
        self.address = f"responder{number}@example.com"
        self.opening: EmailMessage | None = None
        self.last = b""

    def mail(self, kind: str) -> tuple[str, str, bytes]:
        """Give the next mail of a kind: reverse-path, recipient, octets."""
        if kind == "again" and self.last:
            return self.address, "incidents@example.com", self.last
        if kind == "hostile":
            content = self.chance.choice(_hostile())
            return "kim@example.net", "incidents@example.com", _crlf(content)
        message = self._written(kind)
        sender = "" if kind == "bounce" else str(message["From"].addresses[0].addr_spec)
        content = _crlf(message.as_bytes())
        if kind not in ("stranger", "bounce"):
            self.last = content
        return sender, str(message["To"]), content

    def _written(self, kind: str) -> EmailMessage:
        name = os.urandom(4).hex()
        me = f"Responder {self.number} <{self.address}>"
        match kind:
            case "machine":
                return mail("I am away.", f"Away {name}", me, Auto_Submitted="auto-replied")
            case "bounce":
                return mail("Undelivered.", "Undelivered", "daemon@far.example.net")
            case "stranger":
                return mail(SAMPLE, f"Mine {name}", "mallory@example.org")
            case "command":
                return mail("help", "help", me, "incidents-request@example.com")
            case "incomplete":
                return mail(SAMPLE.replace("Severity 2, ", ""), f"Failure {name}", me)
            case "note" if self.opening is not None:
                other = f"Other {self.number} <other{self.number}@example.com>"
                return mail(f"Seeing it too: {name}", author=other, answers=self.opening)
            case _ if self.opening is not None and self.chance.random() < 0.1:
                opening, self.opening = self.opening, None
                words = "Severity 2, phase 3, I am IC. It is over."
                return mail(words, author=me, answers=opening)
            case _ if self.opening is not None:
                words = f"Severity {self.chance.randint(1, 4)}, phase 1, I am IC. Channel: #{name}"
                return mail(words, author=me, answers=self.opening)
            case _:
                self.opening = mail(SAMPLE, f"Failure {name}", me)
                return self.opening


def _crlf(content: bytes) -> bytes:
    lines = content.replace(b"\r\n", b"\n").replace(b"\n.", b"\n..")
    return lines.replace(b"\n", b"\r\n").rstrip(b"\r\n") + b"\r\n"


_known: list[bytes] = []


def _hostile() -> list[bytes]:
    if not _known:
        _known.extend(c for make in HOSTILE.values() if len(c := make()) <= LARGEST)
    # A Message-ID of its own makes each a mail of its own.
    return [b"Message-ID: %s\r\n%s" % (make_msgid().encode(), one) for one in _known[:]]


async def _reply(reader: asyncio.StreamReader) -> bytes:
    while (line := await asyncio.wait_for(reader.readline(), 60))[3:4] == b"-":
        pass
    return line[:3]


async def _converse(
    port: int, person: Person, pause: float, end: float, seen: Counter[str]
) -> None:
    """Hold one connection: some mails, one after another."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        assert await _reply(reader) == b"220"
        writer.write(b"EHLO soak.example.com\r\n")
        await _reply(reader)
        for _ in range(MAILS_A_CONNECTION):
            await asyncio.sleep(person.chance.uniform(0, 2 * pause))
            if time.monotonic() > end:
                return
            (kind,) = person.chance.choices(list(MIX), list(MIX.values()))
            if kind == "rude":
                writer.write(person.chance.choice(RUDE))
                seen["rude"] += 1
                return
            code = await _hand_over(reader, writer, *person.mail(kind))
            seen[f"{kind} {code}"] += 1
            seen[code] += 1
            if code == "":
                return
    finally:
        writer.close()


async def _hand_over(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sender: str, to: str, content: bytes
) -> str:
    for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>", "DATA"):
        writer.write(f"{line}\r\n".encode())
        code = await _reply(reader)
        if code[:1] not in (b"2", b"3"):
            return code.decode()
    writer.write(content + b".\r\n")
    return (await _reply(reader)).decode()


async def soak(port: int, seconds: float, rate: float) -> Counter[str]:
    """Send for so long at about so many mails a second; counts by kind and reply, and by reply."""
    seen: Counter[str] = Counter()
    end = time.monotonic() + seconds
    pause = CONNECTIONS / rate

    async def one(number: int) -> None:
        person = Person(number, random.Random(os.urandom(8)))
        while time.monotonic() < end:
            try:
                await _converse(port, person, pause, end, seen)
            except OSError:
                seen["cut off"] += 1

    await asyncio.gather(*(one(number) for number in range(CONNECTIONS)))
    return seen
