"""On what terms clients are served: who decides, what is offered and asked, how much of it."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Literal, Protocol

from maild.mail.message import RawMessage, Reply

Clock = Callable[[], datetime]
Networks = tuple[IPv4Network | IPv6Network, ...]
# What is spoken on a socket: SMTP, SMTP in TLS from the first octet (RFC 8314), LMTP (RFC 2033).
Kind = Literal["smtp", "smtps", "lmtp"]

# After a 421 the connection is closed (RFC 5321 §3.8): `Connection.say` sees to it.
CLOSING: Final = Reply(421, 3, 2, "Closing for a while, try again later")
TOO_LONG: Final = Reply(421, 4, 2, "That took too long, closing")
TOO_MANY: Final = Reply(421, 7, 0, "Too much from one client, try again later")
UNKNOWN: Final = Reply(500, 5, 1, "Command not recognized")
NEEDS_SMTPUTF8: Final = Reply(553, 6, 7, "Such an address needs SMTPUTF8 (RFC 6531)")
STRANGER: Final = Reply(550, 7, 1, "Your network may not send here; use your mail server")
LOG_IN_FIRST: Final = Reply(530, 7, 0, "Authentication required")
TLS_FIRST: Final = Reply(530, 7, 0, "Must issue a STARTTLS command first")
HELP: Final = Reply(214, 0, 0, "See RFC 5321")
VRFY: Final = Reply(252, 5, 0, "Cannot say, but will take mail and try")
ALLOWED_BEFORE_TLS: Final = frozenset({"NOOP", "EHLO", "STARTTLS", "QUIT"})  # RFC 3207 §4
ANSWERS: Final = {"HELP": HELP, "VRFY": VRFY}


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
    max_failed_logins: wrong passwords from one client in a minute; one connection may have three.
    handshake_seconds: for a PROXY header, and again for a TLS handshake.
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
    max_failed_logins: int = 10
    idle_seconds: float = 300
    data_seconds: float = 600
    connection_seconds: float = 3_600
    handshake_seconds: float = 10
    memory_bytes: int = 200 * 1024 * 1024
    line_bytes: int = 65_536
    trusted: Networks = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What is offered to clients, and asked of them.

    tls: gives what a new connection is to be encrypted with; None: no TLS is offered.
    require_tls: whether plain SMTP must turn to TLS before anything else (RFC 3207).
    check: whether a password is this user's, asked in a thread; None: nobody can log in.
    members_only: whether a client outside the trusted networks must log in to send.
    proxies: networks whose connections begin with a PROXY header, all of them.
    """

    tls: Callable[[], ssl.SSLContext] | None = None
    require_tls: bool = False
    check: Callable[[str, str], bool] | None = None
    members_only: bool = False
    proxies: Networks = ()


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """Who has connected; two connections are two clients."""

    address: IPv4Address | IPv6Address
    trusted: bool

    @property
    def neighbours(self) -> int:
        """What is counted as one: an address, and of IPv6 a /64."""
        return int(self.address) >> (0 if self.address.version == 4 else 64)


def client_at(host: str, limits: Limits) -> Client:
    """Make out who connects from an address; an IPv4 one may be mapped into IPv6."""
    address = ip_address(host)
    address = getattr(address, "ipv4_mapped", None) or address
    return Client(address, any(address in network for network in limits.trusted))
