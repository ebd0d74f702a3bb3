"""One client's connection (RFC 5321 §3), by SMTP or LMTP (RFC 2033).

The library keeps the session and reads MAIL, RCPT and EHLO; commands, paths, DATA, TLS, logging in
and ends are ours.
"""
# ruff: noqa: N802 (aiosmtpd finds commands by these names)

import asyncio
import contextlib
import ssl
from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import structlog
from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as Transaction

from maild.edge.smtp_in.intake import Intake
from maild.edge.smtp_in.login import MAX_FAILURES, WRONG, credentials
from maild.edge.smtp_in.reception import Reception
from maild.edge.smtp_in.syntax import (
    COMMAND_OCTETS,
    ENHANCED,
    LACKING,
    PATH,
    PATH_OCTETS,
    command_fault,
)
from maild.edge.smtp_in.terms import (
    ALLOWED_BEFORE_TLS,
    ANSWERS,
    CLOSING,
    TLS_FIRST,
    TOO_LONG,
    TOO_MANY,
    UNKNOWN,
    Client,
    Kind,
)
from maild.mail.message import Envelope, RawMessage, Reply

log = structlog.get_logger()


class Connection(SMTP):
    """One client's connection (RFC 5321 §3)."""

    def __init__(self, reception: Reception, client: Client, kind: Kind) -> None:
        loop = asyncio.get_running_loop()
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
        self.reception, self.client, self.kind = reception, client, kind
        self.secure, self._failures = False, 0
        self.transactions = self._commands = self._errors = 0
        self.recipient: str | None = None  # whom the command at hand is about
        self._command = ""
        self._until = loop.time() + reception.limits.connection_seconds
        self._intake: Intake | None = None  # between 354 and the final dot

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.secure = transport.get_extra_info("ssl_object") is not None
        super().connection_made(transport)
        self.reception.connections.add(self)

    @property
    def offers_tls(self) -> bool:
        """Whether the client may say STARTTLS."""
        return self.reception.terms.tls is not None and self.kind == "smtp" and not self.secure

    @property
    def offers_login(self) -> bool:
        """Whether the client may say AUTH: never in the clear."""
        return self.reception.terms.check is not None and self.kind != "lmtp" and self.secure

    @property
    def session_authenticated(self) -> bool:
        """Whether the client has logged in."""
        return bool(self.session and self.session.authenticated)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._intake:
            self._reset_timeout()

    def eof_received(self) -> bool:
        # The library would cancel all. A client that ends only its own direction still hears us.
        self._reader.feed_eof()
        return not self.secure

    def connection_lost(self, error: Exception | None) -> None:
        self.reception.connections.discard(self)
        self.reception.leave(self.client)
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
            log.info(
                "refused",
                reply=text,
                client=str(self.client.address),
                reverse_path=self.envelope and self.envelope.mail_from,
                recipient=self.recipient,
            )
        if text.startswith("421"):
            self.hang_up()

    async def push(self, status: str | bytes | Reply) -> None:
        self.say(status)
        with contextlib.suppress(ConnectionError):  # connection_lost() and the next read see to it.
            await self._writer.drain()

    def hang_up(self, linger_seconds: float = 5) -> None:
        """Close the connection when all replies are out, but for no longer than it may linger."""
        self._writer.close()
        # TLS waits for the client's farewell besides.
        if self.secure or self._writer.transport.get_write_buffer_size():
            self.loop.call_later(linger_seconds, self._writer.transport.abort)

    async def _handle_client(self) -> None:
        try:
            await self.push(f"220 {self.hostname} {'LMTP' if self.kind == 'lmtp' else 'ESMTP'}")
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
        if self.kind == "lmtp":  # RFC 2033 §4.1: LHLO in the place of EHLO, and no other greeting.
            self._command = {"LHLO": "EHLO", "EHLO": "", "HELO": ""}.get(
                self._command, self._command
            )
        clear = self.reception.terms.require_tls and self.offers_tls
        if clear and self._command not in ALLOWED_BEFORE_TLS:
            return await self.push(TLS_FIRST)
        method = getattr(self, f"smtp_{self._command}", None)
        if method is None or self._command in ANSWERS:
            return await self.push(ANSWERS.get(self._command, UNKNOWN))
        try:
            await method(argument.strip() or None)
        except asyncio.IncompleteReadError:
            raise
        except Exception:
            log.exception("bug", client=str(self.client.address), command=self._command)
            # The rest of a message must not be read as commands.
            await self.push(Reply(421 if self._intake else 451, 3, 0, "Try again later"))

    def _farewell(self) -> Reply | None:
        """Say why this connection has to end; None lets it go on."""
        if self.reception.draining:
            return CLOSING
        if self._errors >= self.reception.limits.max_errors:
            return Reply(421, 7, 0, "Too many errors")
        if self._commands > self.reception.limits.max_commands and not self.client.trusted:
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
        if intake.fault:
            await self._answer([intake.fault] * len(self.envelope.rcpt_tos))
        else:
            await self._commit(intake)
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
        try:
            content, intake.content = bytes(intake.content), bytearray()
            envelope = Envelope(path, tuple(transaction.rcpt_tos))
            # Of a relay of ours, or in LMTP, SPF would say nothing about who wrote it.
            relayed = self.client.trusted or self.kind == "lmtp"
            raw = RawMessage(
                envelope,
                content,
                self.reception.clock(),
                client="" if relayed else str(self.client.address),
                helo=str(self.session.host_name or "") if self.session else "",
            )
            judge = self._judge_each if self.kind == "lmtp" else self._judge
            replies = await judge(raw)
        except Exception:
            log.exception("bug", client=str(self.client.address), command=self._command)
            replies = [Reply(451, 3, 0, "Try again later")] * len(transaction.rcpt_tos)
        finally:
            intake.drop()
        if self.transport:
            self._reset_timeout()
        await self._answer(replies)  # Within the task, so that drain() waits for it.

    async def _judge(self, raw: RawMessage) -> list[Reply]:
        keeper = self.reception.doorkeeper
        return [keeper.author(raw) or await keeper.arrive(raw)]

    async def _judge_each(self, raw: RawMessage) -> list[Reply]:
        """Refuse for each recipient by itself, and commit once for all that are left."""
        keeper, path = self.reception.doorkeeper, raw.envelope.reverse_path
        each = [
            keeper.author(replace(raw, envelope=Envelope(path, (recipient,))))
            for recipient in raw.envelope.recipients
        ]
        told = zip(raw.envelope.recipients, each, strict=True)
        welcome = tuple(recipient for recipient, refusal in told if refusal is None)
        if not welcome:
            return [refusal for refusal in each if refusal]
        reply = await keeper.arrive(replace(raw, envelope=Envelope(path, welcome)))
        return [refusal or reply for refusal in each]

    async def _answer(self, replies: Sequence[Reply]) -> None:
        """Reply to a message: once, or by LMTP for each recipient (RFC 2033 §4.2)."""
        for reply in replies if self.kind == "lmtp" else replies[:1]:
            await self.push(reply)

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """Turn to TLS (RFC 3207), and forget all that was said in the clear."""
        tls = self.reception.terms.tls
        if arg or tls is None or not self.offers_tls:
            return await self.push(Reply(501, 5, 4, "No parameters") if arg else UNKNOWN)
        transport = cast(asyncio.Transport, self._writer.transport)
        transport.pause_reading()
        # What is here already was said in the clear, perhaps by somebody in between: it must not
        # be obeyed as if it had come through TLS (CVE-2011-0411).
        if self._reader._buffer:  # type: ignore[attr-defined]
            return await self.push(Reply(421, 7, 0, "Nothing may follow STARTTLS"))
        await self.push("220 2.0.0 Ready to start TLS")
        try:
            upgraded = await self._upgrade(transport, tls())
        except OSError as error:
            log.info("tls_failed", client=str(self.client.address), reason=str(error))
            # The loop tells nobody that a connection was lost during the handshake.
            return self.connection_lost(None)
        # The old writer stays referenced by the library: at its end it would close the transport.
        self._writer = asyncio.StreamWriter(upgraded, self, self._reader, self.loop)
        self.transport, self.secure = upgraded, True
        self.session, self.envelope = self._create_session(), self._create_envelope()
        return self._reset_timeout()

    async def _upgrade(
        self, transport: asyncio.Transport, context: ssl.SSLContext
    ) -> asyncio.Transport:
        if self._timeout_handle:
            self._timeout_handle.cancel()
        upgraded = await self.loop.start_tls(
            transport,
            self,
            context,
            server_side=True,
            ssl_handshake_timeout=self.reception.limits.handshake_seconds,
        )
        if upgraded is None:  # It was closed meanwhile.
            raise ConnectionResetError("closed during the handshake")
        return upgraded

    async def smtp_AUTH(self, arg: str | None) -> None:
        """Let a client log in (RFC 4954)."""
        if self.reception.terms.check is None or self.kind == "lmtp":
            return await self.push(UNKNOWN)
        if not self.offers_login:
            return await self.push(Reply(538, 7, 11, "Only through TLS"))
        if self.session is None or not self.session.extended_smtp:
            return await self.push(Reply(503, 5, 1, "First EHLO"))
        if self.session_authenticated or (self.envelope and self.envelope.mail_from):
            return await self.push(Reply(503, 5, 1, "Not now"))
        said = await credentials(arg or "", self._ask)
        return await self.push(said if isinstance(said, Reply) else await self._log_in(*said))

    async def _ask(self, challenge: bytes) -> bytes:
        await self.push(f"334 {b64encode(challenge).decode()}")
        line = await self._reader.readuntil(b"\n")
        self._reset_timeout()
        return line

    async def _log_in(self, user: str, password: str) -> Reply:
        """Check a password; a client that guesses is cut, and waits."""
        reception, check = self.reception, self.reception.terms.check
        if check is None or not reception.may_log_in(self.client):
            return TOO_MANY
        async with reception.checking:
            right = await asyncio.to_thread(check, user, password)
        log.info("login" if right else "login_failed", user=user, client=str(self.client.address))
        if right and self.session:
            self.session.authenticated = True
            return Reply(235, 7, 0, "Welcome")
        reception.failed(self.client)
        self._failures += 1
        return TOO_MANY if self._failures >= MAX_FAILURES else WRONG
