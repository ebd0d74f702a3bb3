"""Mail that comes in by SMTP: a hardened receiver on aiosmtpd, the only module that imports it.

`serve` takes listening sockets and gives a `Reception`; each client is a `Connection`, each message
an `Intake` while it comes in; who is let in and what a commit is, the `Doorkeeper` decides. The
library keeps the session and reads MAIL, RCPT and EHLO; commands, paths, DATA and ends are ours.
"""
# ruff: noqa: N802 (aiosmtpd finds commands and hooks by these names)

import asyncio
import contextlib
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address
from socket import socket
from typing import Final, Protocol

import structlog
from aiosmtpd.smtp import SMTP, Session
from aiosmtpd.smtp import Envelope as Transaction

from maild.mail.message import Envelope, RawMessage, Reply

log = structlog.get_logger()
Clock = Callable[[], datetime]

# After a 421 the connection is closed (RFC 5321 §3.8): `Connection.say` sees to it.
CLOSING: Final = Reply(421, 3, 2, "Closing for a while, try again later")
TOO_LONG: Final = Reply(421, 4, 2, "That took too long, closing")
TOO_MANY: Final = Reply(421, 7, 0, "Too much from one client, try again later")
UNKNOWN: Final = Reply(500, 5, 1, "Command not recognized")
NEEDS_SMTPUTF8: Final = Reply(553, 6, 7, "Such an address needs SMTPUTF8 (RFC 6531)")
HELP: Final = Reply(214, 0, 0, "See RFC 5321")
VRFY: Final = Reply(252, 5, 0, "Cannot say, but will take mail and try")
ANSWERS: Final = {"AUTH": UNKNOWN, "STARTTLS": UNKNOWN, "HELP": HELP, "VRFY": VRFY}

COMMAND_OCTETS: Final = 512 + 26 + 10  # RFC 5321 §4.5.3.1.4; for SIZE and SMTPUTF8 a little more
PATH_OCTETS: Final = 64 + 1 + 255  # RFC 5321 §4.5.3.1.1 and §4.5.3.1.2
UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# A path (RFC 5321 §4.1.2) and what follows it. A source route is read and ignored (appendix C).
ATOMS: Final = r'[^\s"()<>\[\]:;@\\,]+'
MAILBOX: Final = rf'(?:{ATOMS}|"(?:[^"\\]|\\.)*")@(?:{ATOMS}|\[[^\s<>\[\]\\]+\])|(?i:postmaster)|'
PATH: Final = re.compile(rf'<(?:@[^\s<>:"]+:)?(?P<mailbox>{MAILBOX})>(?: +(?P<parameters>[ -~]*))?')

# Replies of the library lack enhanced codes. The greeting, HELO and EHLO have none (RFC 2034 §4).
LACKING: Final = re.compile(r"(?!220)[245]\d\d (?!\d\.\d+\.\d+ )")
ENHANCED: Final = {"500": "5.5.2", "501": "5.5.4", "502": "5.5.1", "503": "5.5.1", "552": "5.3.4"}


class Doorkeeper(Protocol):
    """Who is let in: asked at RCPT, after the final dot, and to commit. A Reply of the first two
    refuses; None is welcome. Whatever is raised, the client is told 451 4.3.0 and no more."""

    def recipient(self, address: str) -> Reply | None: ...
    def author(self, raw: RawMessage) -> Reply | None: ...
    async def arrive(self, raw: RawMessage) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one client, and all of them together, may ask of us.

    max_errors: replies of 4yz and 5yz on one connection before it is closed.
    data_seconds: for the whole content of one message, however busily it comes.
    memory_bytes: message content that all connections together may hold.
    line_bytes: the longest line of a message; RFC 5321 asks for 1,000, real HTML mail needs more.
    trusted: networks whose clients may have any number of connections, commands and transactions.
    """

    max_message_bytes: int = 26_214_400
    max_recipients: int = 100
    max_connections: int = 200
    max_connections_per_client: int = 20
    max_connections_per_minute: int = 600
    max_errors: int = 10
    max_commands: int = 1_000
    max_transactions: int = 100
    idle_seconds: float = 300
    data_seconds: float = 600
    connection_seconds: float = 3_600
    memory_bytes: int = 200 * 1024 * 1024
    line_bytes: int = 65_536
    trusted: tuple[IPv4Network | IPv6Network, ...] = ()


def command_fault(line: bytes) -> Reply | None:
    """Say what is wrong with a command line before it is understood; None is nothing."""
    if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
        return Reply(500, 5, 2, "Lines end with CR LF (RFC 5321 section 2.3.8)")
    if len(line) > COMMAND_OCTETS:
        return Reply(500, 5, 2, "Command line too long")
    if UNFIT.search(line[:-2].decode(errors="surrogateescape")):
        return Reply(501, 5, 2, "Commands are UTF-8 without control characters")
    return None


class Reception:
    """What all connections share, and how to close. aiosmtpd calls the hooks `handle_...`."""

    def __init__(self, keeper: Doorkeeper, limits: Limits, hostname: str, clock: Clock) -> None:
        self.doorkeeper, self.limits = keeper, limits
        self.hostname, self.clock = hostname, clock
        self.listeners: list[asyncio.Server] = []
        self.connections: set[Connection] = set()
        self.commits: set[asyncio.Task[None]] = set()
        self.held_octets, self.draining = 0, False
        self._recent, self._minute_ends = Counter[int](), 0.0

    def admit(self, newcomer: "Connection") -> Reply | None:
        """Count a new connection; or say why it is refused."""
        if self.draining:
            return CLOSING
        client, limits = newcomer.neighbours, self.limits
        if newcomer.loop.time() >= self._minute_ends:
            self._recent, self._minute_ends = Counter(), newcomer.loop.time() + 60
        self._recent[client] += 1
        own = sum(other.neighbours == client for other in self.connections)
        often = self._recent[client] > limits.max_connections_per_minute
        tiresome = often or own >= limits.max_connections_per_client
        if len(self.connections) >= limits.max_connections or (tiresome and not newcomer.trusted):
            return TOO_MANY
        self.connections.add(newcomer)
        return None

    async def handle_EHLO(
        self, server: "Connection", session: Session, _: Transaction, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        return [*replies[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", replies[-1]]

    async def handle_MAIL(
        self, server: "Connection", _: Session, transaction: Transaction, path: str, *__: object
    ) -> str:
        if server.transactions >= self.limits.max_transactions and not server.trusted:
            return str(TOO_MANY)
        if not (path.isascii() or transaction.smtp_utf8):
            return str(NEEDS_SMTPUTF8)
        server.transactions += 1
        transaction.mail_from = path
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: "Connection", _: Session, transaction: Transaction, path: str, *__: object
    ) -> str:
        server.recipient = path
        if len(transaction.rcpt_tos) >= self.limits.max_recipients:
            return "452 4.5.3 Too many recipients"
        if not (path.isascii() or transaction.smtp_utf8):
            return str(NEEDS_SMTPUTF8)
        if refusal := self.doorkeeper.recipient(path):
            return str(refusal)
        transaction.rcpt_tos.append(path)
        return "250 2.1.5 OK"

    async def drain(self, seconds: float) -> None:
        """Close: accept nobody, answer with 421, wait so long for commits to end, cut the rest."""
        self.draining = True
        for listener in self.listeners:
            listener.close()  # And no wait_closed(): from Python 3.12 it waits for clients.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.commits:
                    await asyncio.wait(self.commits)
        log.info("drained", cut=len(self.connections), commits_running=len(self.commits))
        for connection in self.connections:
            connection.hang_up(linger_seconds=0)
        while self.connections:
            await asyncio.sleep(0)  # The loop tells them in its next round that they are lost.


class Intake:
    """The content of one message, kept only while all is well; its octets are counted always."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self.content = bytearray()
        self.fault: Reply | None = None
        self.octets = self._held = 0

    def add(self, piece: bytes) -> None:
        """Take a line without the client's dot (RFC 5321 §4.5.2), or a piece of a longer one."""
        line = piece[1:] if piece.startswith(b".") else piece
        self.octets += len(line)
        self.fault = self.fault or self._fault_of(line)
        if self.fault:
            self.drop()
        else:
            self.content += line
            self._held += len(line)
            self._reception.held_octets += len(line)

    def _fault_of(self, line: bytes) -> Reply | None:
        if self.octets > self._reception.limits.max_message_bytes:
            return Reply(552, 3, 4, "Message too big")
        if not line.endswith(b"\r\n"):
            return Reply(554, 6, 0, "A line of the message is too long")
        if line.count(b"\r") + line.count(b"\n") != 2:
            return Reply(554, 6, 0, "Bare CR or LF in the message (RFC 5321 section 2.3.8)")
        full = self._reception.held_octets + len(line) > self._reception.limits.memory_bytes
        return Reply(452, 3, 1, "Too much mail at once, try again later") if full else None

    def drop(self) -> None:
        """Forget the content and give its memory back."""
        self._reception.held_octets -= self._held
        self.content, self._held = bytearray(), 0


class Connection(SMTP):
    """One client's connection (RFC 5321 §3)."""

    def __init__(self, reception: Reception, loop: asyncio.AbstractEventLoop) -> None:
        # The library's is shared by all connections, and every EHLO of anybody raises it.
        self.command_size_limits = defaultdict(lambda: COMMAND_OCTETS)
        self.line_length_limit = reception.limits.line_bytes
        super().__init__(
            reception,
            data_size_limit=reception.limits.max_message_bytes,
            enable_SMTPUTF8=True,
            hostname=reception.hostname,  # Without it the library asks the DNS, and blocks.
            timeout=reception.limits.idle_seconds,
            loop=loop,
        )
        self.reception = reception
        self.transactions = self._commands = self._errors = 0
        self.recipient: str | None = None  # whom the command at hand is about
        self._command = ""
        self._until = loop.time() + reception.limits.connection_seconds
        self._intake: Intake | None = None  # between 354 and the final dot

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        address = ip_address((transport.get_extra_info("peername") or ["::"])[0])  # None: it left.
        self.client = getattr(address, "ipv4_mapped", None) or address
        self.neighbours = int(self.client) >> (0 if self.client.version == 4 else 64)  # a /64
        self.trusted = any(self.client in network for network in self.reception.limits.trusted)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._intake:
            self._reset_timeout()

    def eof_received(self) -> bool:
        # The library would cancel all. A client that ends only its own direction still hears us.
        self._reader.feed_eof()
        return self.session is not None and self.session.ssl is None

    def connection_lost(self, error: Exception | None) -> None:
        self.reception.connections.discard(self)
        super().connection_lost(error)

    def _timeout_cb(self) -> None:
        self.say(TOO_LONG)

    def say(self, status: str | bytes | Reply) -> None:
        """Write a reply; log and count it if it is a refusal; close the connection after 421."""
        text = status.decode() if isinstance(status, bytes) else str(status)
        if LACKING.match(text) and self._command not in ("HELO", "EHLO"):
            text = f"{text[:3]} {ENHANCED.get(text[:3], text[0] + '.0.0')} {text[4:]}"
        self._writer.write(text.encode("ascii", "replace") + b"\r\n")
        if text[0] in "45":
            self._errors += 1
            path = self.envelope and self.envelope.mail_from
            whom = {"client": str(self.client), "reverse_path": path, "recipient": self.recipient}
            log.info("refused", reply=text, **whom)
        if text.startswith("421"):
            self.hang_up()

    async def push(self, status: str | bytes | Reply) -> None:
        self.say(status)
        with contextlib.suppress(ConnectionError):  # connection_lost() and the next read see to it.
            await self._writer.drain()

    def hang_up(self, linger_seconds: float = 5) -> None:
        """Close the connection when all replies are out, but for no longer than it may linger."""
        self._writer.close()
        if self._writer.transport.get_write_buffer_size():
            self.loop.call_later(linger_seconds, self._writer.transport.abort)

    async def _handle_client(self) -> None:
        try:
            await self.push(self.reception.admit(self) or f"220 {self.hostname} ESMTP")
            while not self._writer.is_closing():
                await self._obey(await self._reader.readuntil(b"\n"))
        except asyncio.LimitOverrunError:
            self.say(TOO_MANY)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # The client has left, as clients may.
        finally:
            if self._intake:
                self._intake.drop()
            self.hang_up()

    async def _obey(self, line: bytes) -> None:
        self._reset_timeout()
        self._commands += 1
        self._command, self.recipient = "", None
        if refusal := self._farewell() or command_fault(line):
            return await self.push(refusal)
        command, _, argument = line[:-2].decode().partition(" ")
        self._command = command.upper() if command.isascii() else ""
        method = getattr(self, f"smtp_{self._command}", None)
        if method is None or self._command in ANSWERS:
            return await self.push(ANSWERS.get(self._command, UNKNOWN))
        try:
            await method(argument.strip() or None)
        except asyncio.IncompleteReadError:
            raise
        except Exception:
            log.exception("bug", client=str(self.client), command=self._command)
            # The rest of a message must not be read as commands.
            await self.push(Reply(421 if self._intake else 451, 3, 0, "Try again later"))

    def _farewell(self) -> Reply | None:
        """Say why this connection has to end; None lets it go on."""
        if self.reception.draining:
            return CLOSING
        if self._errors >= self.reception.limits.max_errors:
            return Reply(421, 7, 0, "Too many errors")
        if self._commands > self.reception.limits.max_commands and not self.trusted:
            return TOO_MANY
        return TOO_LONG if self.loop.time() > self._until else None

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Read a path and its parameters; (None, None) is 553, "<>" the null reverse-path."""
        path = PATH.fullmatch(arg)
        if path is None or len(path["mailbox"].encode()) > PATH_OCTETS:
            return None, None
        return path["mailbox"] or "<>" * (self._command == "MAIL"), path["parameters"] or ""

    async def smtp_DATA(self, arg: str | None) -> None:
        if arg or self.envelope is None or not self.envelope.rcpt_tos:
            return await self.push(Reply(503, 5, 1, "First EHLO, MAIL and RCPT, then only DATA"))
        self.recipient = ", ".join(self.envelope.rcpt_tos)
        self._intake = intake = Intake(self.reception)
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        if cut := await self._receive(intake):
            return await self.push(cut)
        self._intake = None
        await (self.push(intake.fault) if intake.fault else self._commit(intake))
        self.envelope = self._create_envelope()
        return None

    async def _receive(self, intake: Intake) -> Reply | None:
        """Read to the final dot; or say why the connection has to be cut before it."""
        begins = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.reception.limits.data_seconds):
                while intake.octets <= 3 * self.reception.limits.max_message_bytes:
                    try:
                        piece = await self._reader.readuntil(b"\r\n")
                    except asyncio.LimitOverrunError as overrun:
                        piece = await self._reader.read(overrun.consumed)
                    if begins and piece == b".\r\n":
                        return None
                    intake.add(piece)
                    begins = piece.endswith(b"\r\n")
                return TOO_MANY
        return TOO_LONG

    async def _commit(self, intake: Intake) -> None:
        """Let the doorkeeper decide and commit, whatever becomes of the client meanwhile."""
        if self._timeout_handle:
            self._timeout_handle.cancel()
        commit = self.loop.create_task(self._conclude(intake, self.envelope or Transaction()))
        self.reception.commits.add(commit)
        commit.add_done_callback(self.reception.commits.discard)
        await asyncio.shield(commit)

    async def _conclude(self, intake: Intake, transaction: Transaction) -> None:
        path = None if transaction.mail_from == "<>" else transaction.mail_from
        envelope = Envelope(path, tuple(transaction.rcpt_tos))
        try:
            content, intake.content = bytes(intake.content), bytearray()
            raw = RawMessage(envelope, content, self.reception.clock())
            keeper = self.reception.doorkeeper
            reply = keeper.author(raw) or await keeper.arrive(raw)
        except Exception:
            log.exception("bug", client=str(self.client), command=self._command)
            reply = Reply(451, 3, 0, "Try again later")
        finally:
            intake.drop()
        if self.transport:
            self._reset_timeout()
        await self.push(reply)  # Within the task, so that drain() waits for it.


async def serve(
    sockets: Sequence[socket], doorkeeper: Doorkeeper, limits: Limits, hostname: str, clock: Clock
) -> Reception:
    """Receive mail until `drain`; hostname greets, clock gives the aware UTC time of a final dot."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # What matters we log ourselves.
    loop = asyncio.get_running_loop()
    reception = Reception(doorkeeper, limits, hostname, clock)
    for listening in sockets:
        server = await loop.create_server(lambda: Connection(reception, loop), sock=listening)
        reception.listeners.append(server)
    return reception
