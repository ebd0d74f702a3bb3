"""The way out: to the relay by SMTP, over connections that are kept; a reply for each recipient."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from aiosmtplib import SMTP, SMTPException, SMTPHeloError, SMTPServerDisconnected

from maild.edge.smtp_out.transaction import Connection, LostStep
from maild.mail.message import Reply, Unreachable

SECONDS: Final = 60.0
MAX_USES: Final = 100
LOST: Final = Reply(451, 4, 2, "the connection was lost; nobody knows whether it was taken")
NO_SMTPUTF8: Final = Reply(
    553, 6, 7, "not sent: the relay takes no address beyond ASCII (SMTPUTF8, RFC 6531)"
)

Tls = Literal["none", "starttls", "implicit"]


@dataclass(frozen=True, slots=True)
class Relay:
    """Where the relay is and how to speak to it; tls_context None is the default one."""

    host: str
    port: int
    hostname: str
    tls: Tls = "none"
    user: str = ""
    password: str = ""
    connections: int = 4
    tls_context: ssl.SSLContext | None = None


class SmtpOut:
    """Sends mails to the relay; as many at a time as there are connections."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.idle: list[tuple[Connection, int]] = []
        self.slots = asyncio.Semaphore(relay.connections)

    async def send(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes
    ) -> Mapping[str, Reply] | Unreachable:
        """Send one mail; gives each recipient's reply (RFC 5321 §3.3).

        Plain addresses go without SMTPUTF8, which a server after the relay may not know; the others
        with it, or not at all (RFC 6531 §3.2). `Unreachable` says that nobody was asked, so nobody's
        attempt counts.
        """
        plain = [r for r in recipients if _ascii(reverse_path or "", r)]
        others = [r for r in recipients if r not in plain]
        replies: dict[str, Reply] = {}
        async with self.slots:
            for group, utf8 in ((plain, False), (others, True)):
                if group:
                    found = await self._transaction(reverse_path, group, content, utf8)
                    if isinstance(found, Unreachable):
                        # Those who were asked have their answer; nobody else was asked.
                        return replies or found
                    replies |= found
        return replies

    async def _transaction(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes, utf8: bool
    ) -> Mapping[str, Reply] | Unreachable:
        try:
            connection, uses = await self._connection()
        except (SMTPException, OSError, TimeoutError) as error:
            return Unreachable(str(error) or type(error).__name__)
        if utf8 and "smtputf8" not in connection.extensions:
            self.idle.append((connection, uses))
            return dict.fromkeys(recipients, NO_SMTPUTF8)
        replies: Mapping[str, Reply] | Unreachable | None = None
        try:
            replies = await connection.transact(reverse_path, recipients, content, utf8)
        except (LostStep, OSError, TimeoutError) as error:
            if isinstance(error, LostStep) and uses and not error.begun:
                # It was closed while it lay idle; nothing was asked of the relay yet.
                return await self._transaction(reverse_path, recipients, content, utf8)
            return dict.fromkeys(recipients, LOST)
        except ValueError as error:
            return dict.fromkeys(recipients, Reply(451, 5, 0, f"not sent: {error}"))
        finally:
            if replies is None or not connection.usable or uses + 1 >= MAX_USES:
                connection.close()
            else:
                self.idle.append((connection, uses + 1))
        return replies

    async def _connection(self) -> tuple[Connection, int]:
        """Give a connection, and how many transactions it has seen."""
        while self.idle:
            connection, uses = self.idle.pop()
            if connection.usable:
                return connection, uses
            connection.close()
        relay = self.relay
        client = SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=relay.hostname,
            timeout=SECONDS,
            use_tls=relay.tls == "implicit",
            start_tls=relay.tls == "starttls",
            tls_context=relay.tls_context,
            username=relay.user or None,
            password=relay.password or None,
        )
        await client.connect()
        try:
            await client.ehlo()
        except SMTPHeloError:
            await client.helo()
        if not isinstance(client.transport, asyncio.Transport):
            raise SMTPServerDisconnected("the connection was lost")
        extensions = frozenset(name.lower() for name in client.esmtp_extensions)
        return Connection(client.transport, extensions, SECONDS), 0

    async def close(self) -> None:
        """Say QUIT on every idle connection."""
        for connection, _ in self.idle:
            connection.close()
        self.idle.clear()


def _ascii(*texts: str) -> bool:
    return all(text.isascii() for text in texts)
