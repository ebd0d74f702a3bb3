"""Mail traffic on loopback for the benchmarks: a generator, a sink, and a private Postfix as peer."""

import asyncio
import contextlib
import os
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

OPENING = """\
From: Responder {n} <responder{n}@example.com>\r
To: incidents@example.com\r
Subject: Failure {run} {n}\r
Date: Mon, 02 Nov 2026 10:00:00 +0000\r
Message-ID: <{run}.{n}@bench.example.com>\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
\r
Half of the payments in region {n} fail since the deploy at noon. Customers see\r
a blank page, the queue of retries grows by a thousand a minute, and the\r
dashboard of the card gateway shows nothing. We roll back now.\r
\r
{filling}\r
\r
Severity 2, phase 1. {command} Coordinating via #pay-{n}.\r
"""
FILLING = (
    "The replica lags behind, traffic is shifted to the other region, caches warm up.\r\n" * 22
).strip()
MEMBERS = "far.example.com"
COMMAND = "I am incident commander."


def opening(run: str, number: int, command: str = COMMAND) -> bytes:
    """Write an opening of about 2.5 KB; without a command it is incomplete."""
    return OPENING.format(run=run, n=number, filling=FILLING, command=command).encode()


@dataclass
class Answers:
    """What a load saw: seconds from MAIL FROM to the 250 of each mail, and of all."""

    latencies: list[float] = field(default_factory=list)
    begun: float = 0.0
    ended: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.latencies) / (self.ended - self.begun)

    def percentile(self, share: float) -> float:
        """Give a percentile in milliseconds."""
        return sorted(self.latencies)[int(len(self.latencies) * share)] * 1000


def send(
    port: int,
    mails: list[bytes],
    connections: int,
    to: str = "incidents@example.com",
    rate: float = 0,
    hello: str = "EHLO",
) -> Answers:
    """Send mails over some connections, as fast as they go or at a rate (open loop); LMTP by "LHLO"."""
    return asyncio.run(_send(port, mails, connections, to, rate, hello))


async def _send(
    port: int, mails: list[bytes], connections: int, to: str, rate: float, hello: str
) -> Answers:
    answers, numbers = Answers(), iter(range(len(mails)))
    answers.begun = time.perf_counter()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        writer.write(f"{hello} bench.example.com\r\n".encode())
        while (await reader.readline())[3:4] == b"-":
            pass
        for number in numbers:
            due = answers.begun + number / rate if rate else time.perf_counter()
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(
                f"MAIL FROM:<responder{number}@example.com>\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode()
            )
            for _ in range(3):
                assert (await reader.readline())[:1] in b"23"
            writer.write(mails[number] + b".\r\n")
            assert (await reader.readline())[:3] == b"250"
            answers.latencies.append(time.perf_counter() - due)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    answers.ended = time.perf_counter()
    return answers


class Sink:
    """A relay that takes all and counts the copies for members; runs in a thread of its own."""

    def __init__(self, delay: float = 0) -> None:
        self.recipients, self.last, self.delay, self.port = 0, 0.0, delay, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled is a client that stays until the sink ends.
        with contextlib.closing(writer), contextlib.suppress(asyncio.CancelledError):
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        count = 0
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(self.delay)
                self.recipients, self.last, count = self.recipients + count, time.perf_counter(), 0
                writer.write(b"250 taken\r\n")
            elif verb == b"EHLO":
                writer.write(b"250-sink\r\n250 PIPELINING\r\n")
            elif verb == b"QUIT":
                break
            else:
                count += verb == b"RCPT" and MEMBERS.encode() in line
                writer.write(b"250 OK\r\n")

    def wait(self, recipients: int, seconds: float = 180) -> float:
        """Wait for so many copies; gives when the last came."""
        until = time.perf_counter() + seconds
        while self.recipients < recipients and time.perf_counter() < until:
            time.sleep(0.005)
        assert self.recipients >= recipients, f"{self.recipients} of {recipients} copies came"
        return self.last


@contextlib.contextmanager
def sink(port: int = 0, delay: float = 0) -> Iterator[Sink]:
    """Run a sink; its port is in `.port`."""
    made, up = Sink(delay), threading.Event()
    ends: list[Callable[[], object]] = []

    async def run() -> None:
        server = await asyncio.start_server(made.serve, "127.0.0.1", port, limit=1 << 22)
        made.port = server.sockets[0].getsockname()[1]
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        ends.append(lambda: loop.call_soon_threadsafe(over.set))
        up.set()
        await over.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    up.wait(10)
    yield made
    ends[0]()
    thread.join(10)


POSTFIX = """\
compatibility_level = 3.6
queue_directory = {place}/spool
data_directory = {place}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = peer.example.com
mydestination = list.example.com
mynetworks = 127.0.0.0/8
local_recipient_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:{relay}
transport_maps = inline:{{{{discard.example.com = discard:}}}}
alias_maps = texthash:{place}/etc/aliases
alias_database =
smtp_dns_support_level = disabled
smtp_destination_recipient_limit = {batch}
in_flow_delay = 0
maillog_file = {place}/log
maillog_file_prefixes = {place}
"""
SERVICES = (
    "postlog unix-dgram n - n - 1 postlogd|pickup unix n - n 60 1 pickup|cleanup unix n - n - 0 cleanup"
    "|qmgr unix n - n 300 1 qmgr|rewrite unix - - n - - trivial-rewrite|bounce unix - - n - 0 bounce"
    "|defer unix - - n - 0 bounce|trace unix - - n - 0 bounce|flush unix n - n 1000? 0 flush"
    "|proxymap unix - - n - - proxymap|smtp unix - - n - 100 smtp|error unix - - n - - error"
    "|retry unix - - n - - error|discard unix - - n - - discard|local unix - n n - - local"
    "|anvil unix - - n - 1 anvil|scache unix - - n - 1 scache|tlsmgr unix - - n 1000? 1 tlsmgr"
)


@contextlib.contextmanager
def postfix(place: Path, port: int, relay: int, members: int, batch: int = 50) -> Iterator[int]:
    """Run a private Postfix (as root); gives its main process. Its list is biglist@list.example.com."""
    for name in ("etc", "spool", "data"):
        (place / name).mkdir(parents=True)
    for folder in (place, *place.parents):
        if (
            os.stat(folder).st_uid == os.geteuid()
            and folder != Path("/")
            and folder != Path("/tmp")
        ):
            folder.chmod(0o755)
    shutil.chown(place / "data", "postfix")
    config = POSTFIX.format(place=place, relay=relay, batch=batch)
    (place / "etc/main.cf").write_text(config, "ascii")
    services = SERVICES.replace("|", "\n")
    (place / "etc/master.cf").write_text(
        f"127.0.0.1:{port} inet n - n - 100 smtpd\n{services}\n", "ascii"
    )
    (place / "members").write_text("".join(f"m{n}@{MEMBERS}\n" for n in range(members)), "ascii")
    (place / "etc/aliases").write_text(f"biglist :include:{place}/members\n", "ascii")
    command = ["postfix", "-c", str(place / "etc")]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    time.sleep(1)
    try:
        yield int((place / "spool/pid/master.pid").read_text("ascii"))
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)


def pss_mib(pid: int) -> float:
    """Give the proportional memory of a process and all below it, in MiB."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        try:
            # A child is its thread's: the readers' are not those of the desk's first.
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                todo += [int(child) for child in children.read_text("ascii").split()]
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text("ascii")
            total += next(int(x.split()[1]) for x in rollup.split("\n") if x.startswith("Pss:"))
        except OSError:
            continue
    return total / 1024


def median(values: list[float]) -> float:
    return statistics.median(values)
