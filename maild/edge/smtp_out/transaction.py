"""One mail transaction as a client: the envelope in one flight where the server lets us (RFC 2920).

It takes over a connection that is greeted, encrypted and logged in. What a server says is never
trusted to keep step: a reply that is none, or one that nobody asked for, ends the connection.
"""

import asyncio
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from maild.mail.message import Reply, Unreachable

MAX_REPLY: Final = 32_768
GO_ON: Final = 354
CLOSING: Final = 421

# RFC 5321 §4.2.3: no mailbox of that name, not here, not allowed.
_NO_MAILBOX: Final = (550, 551, 553)

_REPLY_LINE: Final = re.compile(rb"([2-5]\d\d)(?:([ -])([^\r\n]*))?\r?\n")
_ENHANCED: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})\s+")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f<>]")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


class LostStep(Exception):
    """The connection is gone, or says what is no reply.

    begun: whether the server had answered anything of this transaction.
    """

    def __init__(self, *, begun: bool) -> None:
        super().__init__("the connection was lost")
        self.begun = begun


class Connection(asyncio.Protocol):
    """A connection to a server, from its EHLO on.

    extensions: the EHLO keywords, lower case. seconds: how long one reply is waited for.
    """

    def __init__(
        self, transport: asyncio.Transport, extensions: frozenset[str], seconds: float
    ) -> None:
        self.transport, self.extensions, self.seconds = transport, extensions, seconds
        self._buffer = bytearray()
        self._text: list[bytes] = []
        self._replies: deque[Reply] = deque()
        self._wanted = 0
        self._waiter: asyncio.Future[None] | None = None
        self._over = False
        transport.set_protocol(self)

    @property
    def usable(self) -> bool:
        """Whether another transaction may begin: connected, and nothing said that was not asked."""
        return not (self._over or self._replies or self._buffer or self.transport.is_closing())

    def close(self) -> None:
        """Say QUIT where that makes sense, and hang up (RFC 5321 §4.1.1.10)."""
        if self.usable:
            self.transport.write(b"QUIT\r\n")
        self._over = True
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Cut what came into replies; a waiter is woken when it has all of its own."""
        self._buffer += data
        at = 0
        while (end := self._buffer.find(b"\n", at)) >= 0:
            line = _REPLY_LINE.fullmatch(self._buffer, at, end + 1)
            if line is None:
                self._end()
                return
            at = end + 1
            self._text.append(line[3] or b"")
            if line[2] != b"-":
                text = b" ".join(self._text).decode("utf-8", "replace")
                self._replies.append(reply(int(line[1]), text))
                self._text.clear()
        del self._buffer[:at]
        if len(self._buffer) + sum(map(len, self._text)) > MAX_REPLY:
            self._end()
        elif self._waiter is not None and len(self._replies) >= self._wanted:
            self._wake()

    def eof_received(self) -> bool:
        """Hang up too."""
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake who waits: no reply will come."""
        self._end()

    def _end(self) -> None:
        self._over = True
        self.transport.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def transact(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes, utf8: bool
    ) -> Mapping[str, Reply] | Unreachable:
        """Send one mail (RFC 5321 §3.3); gives each recipient's reply.

        utf8: with SMTPUTF8 (RFC 6531). `Unreachable` where the server says 421: nobody's attempt
        counts. Raises LostStep, TimeoutError; ValueError for an address that no command can hold.
        """
        commands = self._envelope(reverse_path, recipients, content, utf8)
        said: list[Reply] = []
        for flight in [commands] if "pipelining" in self.extensions else [[c] for c in commands]:
            said += await self._ask(b"".join(flight), len(flight), begun=bool(said))
        sender, *asked, data = said
        content_wanted = data.code == GO_ON
        if content_wanted:
            taken = _done(sender) and any(map(_done, asked))
            # With nobody to send it to, an empty mail is the way out (RFC 2920 §3.1).
            (data,) = await self._ask(stuffed(content) if taken else b".\r\n", 1, begun=True)
        elif data.positive:
            data = replace(data, code=451)
        closing = next((answer for answer in (*said, data) if answer.code == CLOSING), None)
        if closing is not None:
            self.close()
            return Unreachable(str(closing))
        if not content_wanted:
            await self._reset()
        if not _done(sender):
            return dict.fromkeys(recipients, _final(sender))
        fates = (data if _done(answer) else _about_address(answer) for answer in asked)
        return dict(zip(recipients, map(_final, fates), strict=True))

    async def _reset(self) -> None:
        """End a transaction that had no content: another MAIL would be refused (RFC 5321 §4.1.4)."""
        try:
            (answer,) = await self._ask(b"RSET\r\n", 1, begun=True)
        except (LostStep, TimeoutError):
            self.close()
            return
        if not _done(answer):
            self.close()

    def _envelope(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes, utf8: bool
    ) -> list[bytes]:
        """Write MAIL, RCPT for each, and DATA, which is the last of a flight (RFC 2920 §3.1)."""
        for address in (reverse_path or "", *recipients):
            if _UNPRINTABLE.search(address):
                raise ValueError("an address with a control character, a blank or a bracket")
        options = ""
        if "size" in self.extensions:
            options += f" SIZE={len(content)}"
        if "8bitmime" in self.extensions and not content.isascii():
            options += " BODY=8BITMIME"
        if utf8:
            options += " SMTPUTF8"
        lines = [f"MAIL FROM:<{reverse_path or ''}>{options}"]
        lines += [f"RCPT TO:<{recipient}>" for recipient in recipients]
        return [f"{line}\r\n".encode() for line in (*lines, "DATA")]

    async def _ask(self, flight: bytes, answers: int, *, begun: bool) -> list[Reply]:
        """Send commands, or a mail, and wait for their replies; begun: some were answered before."""
        if not self.usable:
            raise LostStep(begun=begun)
        self._waiter, self._wanted = asyncio.get_running_loop().create_future(), answers
        self.transport.write(flight)
        try:
            async with asyncio.timeout(self.seconds):
                await self._waiter
        finally:
            self._waiter = None
        found = list(self._replies)
        if len(found) != answers:
            raise LostStep(begun=begun or bool(found))
        self._replies.clear()
        return found


@lru_cache(maxsize=8)
def stuffed(content: bytes) -> bytes:
    """Write a mail as DATA wants it: lines end in CR LF, dots doubled, a dot at the end (RFC 5321 §4.5.2)."""
    ends = content.count(b"\r\n")
    if content.count(b"\n") != ends or content.count(b"\r") != ends:
        content = _LINE_END.sub(b"\r\n", content)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    dotted = b"." + content if content.startswith(b".") else content
    return dotted.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _done(answer: Reply) -> bool:
    return answer.code < 300


def _final(answer: Reply) -> Reply:
    """Take what is neither done, refused nor deferred (3yz) as deferred."""
    return replace(answer, code=451) if 300 <= answer.code < 400 else answer


def _about_address(answer: Reply) -> Reply:
    """Read a refusal of RCPT; without an enhanced status, 550 and its like are about the address."""
    unsaid = (answer.subject, answer.detail) == (0, 0)
    return replace(answer, subject=1) if unsaid and answer.code in _NO_MAILBOX else answer


def reply(code: int, message: str) -> Reply:
    """Keep a server's words and its enhanced status (RFC 2034)."""
    text = " ".join(message.split())[:300]
    match = _ENHANCED.match(text)
    if match is None or int(match[1]) != code // 100:
        return Reply(code, 0, 0, text)
    return Reply(code, int(match[2]), int(match[3]), text[match.end() :])
