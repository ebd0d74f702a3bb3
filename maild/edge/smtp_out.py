"""The way out: to the relay by SMTP, over connections that are kept; a reply for each recipient."""

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from maild.mail.message import Reply, Unreachable

SECONDS: Final = 60.0
MAX_USES: Final = 100
LOST: Final = Reply(451, 4, 2, "the connection was lost; nobody knows whether it was taken")

# RFC 5321 §4.2.3: no mailbox of that name, not here, not allowed.
_NO_MAILBOX: Final = (550, 551, 553)
_ENHANCED: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})\s+")

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
        self.idle: list[tuple[SMTP, int]] = []
        self.slots = asyncio.Semaphore(relay.connections)

    async def send(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes
    ) -> Mapping[str, Reply] | Unreachable:
        """Send one mail in one transaction; gives each recipient's reply (RFC 5321 §3.3).

        `Unreachable` says that nobody was asked, so nobody's attempt counts.
        """
        async with self.slots:
            try:
                client, uses = await self._client()
            except (SMTPException, OSError, TimeoutError) as error:
                return Unreachable(str(error) or type(error).__name__)
            try:
                replies = await self._transactions(client, reverse_path, recipients, content)
            except BaseException:
                client.close()
                raise
            if isinstance(replies, Unreachable) or not client.is_connected or uses >= MAX_USES:
                client.close()
            else:
                self.idle.append((client, uses + 1))
            return replies

    async def _client(self) -> tuple[SMTP, int]:
        while self.idle:
            client, uses = self.idle.pop()
            if client.is_connected:
                return client, uses
            client.close()
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
        return client, 1

    async def _transactions(
        self, client: SMTP, reverse_path: str | None, recipients: Sequence[str], content: bytes
    ) -> Mapping[str, Reply] | Unreachable:
        """Send to plain addresses without SMTPUTF8, which a server after the relay may not know;
        to the others with it, or not at all (RFC 6531 §3.2).
        """
        plain = [r for r in recipients if _ascii(reverse_path or "", r)]
        others = [r for r in recipients if r not in plain]
        replies: dict[str, Reply] = {}
        for group, options in ((plain, []), (others, ["SMTPUTF8"])):
            if group:
                found = await self._transaction(client, reverse_path, group, content, options)
                if isinstance(found, Unreachable):
                    # Those who were asked have their answer; nobody else was asked.
                    return replies or found
                replies |= found
        return replies

    async def _transaction(
        self,
        client: SMTP,
        reverse_path: str | None,
        recipients: Sequence[str],
        content: bytes,
        options: Sequence[str],
    ) -> Mapping[str, Reply] | Unreachable:
        try:
            refused, _ = await client.sendmail(
                reverse_path or "", list(recipients), content, mail_options=list(options)
            )
        except SMTPRecipientsRefused as error:
            return {e.recipient: _refusal(e.code, e.message) for e in error.recipients}
        except (SMTPConnectError, SMTPServerDisconnected, OSError, TimeoutError):
            client.close()
            return dict.fromkeys(recipients, LOST)
        except SMTPResponseException as error:
            if error.code == 421:
                return Unreachable(error.message)
            if not 200 <= error.code < 600:
                # What speaks no SMTP has lost step, and would go on to.
                client.close()
            return dict.fromkeys(recipients, _reply(error.code, error.message))
        except SMTPNotSupported:
            return dict.fromkeys(recipients, NO_SMTPUTF8)
        except (SMTPException, ValueError) as error:
            # A library that lost step, an address it will not print: never reuse the connection.
            client.close()
            return dict.fromkeys(recipients, Reply(451, 5, 0, f"not sent: {type(error).__name__}"))
        sent = Reply(250, 0, 0, "sent")
        return {
            r: _refusal(refused[r].code, refused[r].message) if r in refused else sent
            for r in recipients
        }

    async def close(self) -> None:
        """Say QUIT on every idle connection."""
        for client, _ in self.idle:
            client.close()
        self.idle.clear()


def _ascii(*texts: str) -> bool:
    return all(text.isascii() for text in texts)


def _reply(code: int, message: str) -> Reply:
    """Keep the relay's words and its enhanced status (RFC 2034).

    Anything that is no 2yz, 4yz or 5yz is taken as temporary.
    """
    text = " ".join(message.split())[:300]
    code = code if 200 <= code < 600 else 451
    match = _ENHANCED.match(text)
    if match is None or int(match[1]) != code // 100:
        return Reply(code, 0, 0, text)
    return Reply(code, int(match[2]), int(match[3]), text[match.end() :])


def _refusal(code: int, message: str) -> Reply:
    """Read a reply to RCPT; without an enhanced status, 550 and its like are about the address."""
    reply = _reply(code, message)
    unsaid = (reply.subject, reply.detail) == (0, 0)
    return replace(reply, subject=1) if unsaid and code in _NO_MAILBOX else reply
