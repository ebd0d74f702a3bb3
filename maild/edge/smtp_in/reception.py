"""What all connections share: who may come in, who may send, what is held, and how to close.

aiosmtpd calls the hooks `handle_...`.
"""
# ruff: noqa: N802 (aiosmtpd finds hooks by these names)

import asyncio
import contextlib
from collections import Counter
from typing import Protocol

import structlog
from aiosmtpd.smtp import Envelope as Transaction
from aiosmtpd.smtp import Session

from maild.edge.smtp_in.login import MECHANISMS
from maild.edge.smtp_in.terms import (
    CLOSING,
    LOG_IN_FIRST,
    NEEDS_SMTPUTF8,
    STRANGER,
    TOO_MANY,
    Client,
    Clock,
    Doorkeeper,
    Limits,
    Terms,
)
from maild.mail.message import Reply

log = structlog.get_logger()


class Guest(Protocol):
    """A connection, as the reception knows it."""

    client: Client
    transactions: int
    recipient: str | None

    @property
    def offers_tls(self) -> bool: ...
    @property
    def offers_login(self) -> bool: ...
    @property
    def session_authenticated(self) -> bool: ...
    def hang_up(self, linger_seconds: float = 5) -> None: ...


class Closable(Protocol):
    """Something that lets clients in until it is closed."""

    def close(self) -> None: ...


class Reception:
    """What all connections share, and how to close. aiosmtpd calls the hooks `handle_...`."""

    def __init__(
        self, keeper: Doorkeeper, limits: Limits, hostname: str, clock: Clock, terms: Terms
    ) -> None:
        self.doorkeeper, self.limits, self.terms = keeper, limits, terms
        self.hostname, self.clock = hostname, clock
        self.listeners: list[Closable] = []
        self.connections: set[Guest] = set()
        self.commits: set[asyncio.Task[None]] = set()
        self.held_octets, self.draining = 0, False
        # Checking a password costs 16 MB and a core for a while, whoever asks for it.
        self.checking = asyncio.Semaphore(2)
        self._present, self._neighbours = set[Client](), Counter[int]()
        self._recent, self._failed, self._minute_ends = Counter[int](), Counter[int](), 0.0

    def enter(self, client: Client) -> Reply | None:
        """Count a new connection among all; or say why it is refused."""
        if self.draining:
            return CLOSING
        if len(self._present) >= self.limits.max_connections:
            return TOO_MANY
        self._present.add(client)
        self._neighbours[client.neighbours] += 1
        return None

    def admit(self, client: Client) -> Reply | None:
        """Count a client among its own, once it is known who it is; or say why it is refused."""
        who, limits = client.neighbours, self.limits
        self._recent_minute()
        self._recent[who] += 1
        often = self._recent[who] > limits.max_connections_per_minute
        many = self._neighbours[who] > limits.max_connections_per_client
        return TOO_MANY if (often or many) and not client.trusted else None

    def introduce(self, client: Client, behind: Client) -> None:
        """Count a client in the place of the proxy that it stands behind."""
        self.leave(client)
        self._present.add(behind)
        self._neighbours[behind.neighbours] += 1

    def leave(self, client: Client) -> None:
        """Count a client no longer; may be said twice."""
        if client in self._present:
            self._present.discard(client)
            self._neighbours[client.neighbours] -= 1
            if not self._neighbours[client.neighbours]:
                del self._neighbours[client.neighbours]

    def may_log_in(self, client: Client) -> bool:
        """Whether a client has not guessed too often in this minute."""
        self._recent_minute()
        return self._failed[client.neighbours] < self.limits.max_failed_logins

    def failed(self, client: Client) -> None:
        """Count a wrong password."""
        self._failed[client.neighbours] += 1

    def _recent_minute(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._minute_ends:
            self._recent, self._failed, self._minute_ends = Counter(), Counter(), now + 60

    async def handle_EHLO(
        self, server: Guest, session: Session, _: Transaction, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        # The library's AUTH line knows STARTTLS only.
        own = [line for line in replies[:-1] if not line.startswith("250-AUTH")]
        own += ["250-PIPELINING", "250-ENHANCEDSTATUSCODES"]
        own += ["250-STARTTLS"] if server.offers_tls else []
        own += [f"250-AUTH {' '.join(MECHANISMS)}"] if server.offers_login else []
        return [*own, replies[-1]]

    async def handle_MAIL(
        self, server: Guest, _: Session, transaction: Transaction, path: str, *__: object
    ) -> str:
        if server.transactions >= self.limits.max_transactions and not server.client.trusted:
            return str(TOO_MANY)
        stranger = not (server.client.trusted or server.session_authenticated)
        if self.terms.members_only and stranger:
            return str(LOG_IN_FIRST if self.terms.check else STRANGER)
        if not (path.isascii() or transaction.smtp_utf8):
            return str(NEEDS_SMTPUTF8)
        server.transactions += 1
        transaction.mail_from = path
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: Guest, _: Session, transaction: Transaction, path: str, *__: object
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
            listener.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.commits:
                    await asyncio.wait(self.commits)
        log.info("drained", cut=len(self.connections), commits_running=len(self.commits))
        while self.connections:
            for connection in tuple(self.connections):
                connection.hang_up(linger_seconds=0)
            await asyncio.sleep(0)  # The loop tells them in its next round that they are lost.
