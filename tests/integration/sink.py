"""A relay for tests: takes mail on a free loopback port, and refuses as it is told to."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Sink:
    """What it took (octets: the same as they came), and what it answers at RCPT and at the end of DATA ("" takes)."""

    rcpt: Callable[[str], str] = lambda recipient: ""
    data: Callable[[str], str] = lambda subject: ""
    taken: list[tuple[str, tuple[str, ...], EmailMessage]] = field(default_factory=list)
    octets: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        if refusal := self.rcpt(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, policy=default)
        if refusal := self.data(str(message["Subject"])):
            return refusal
        self.octets.append(envelope.content)
        self.taken.append((envelope.mail_from, tuple(envelope.rcpt_tos), message))
        return "250 2.0.0 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return [message for _, recipients, message in self.taken if address in recipients]


@contextmanager
def relay(sink: Sink, port: int = 0, *, smtputf8: bool = True) -> Iterator[int]:
    """Run the sink; gives its port."""
    controller = Controller(
        sink, hostname="127.0.0.1", port=port, ready_timeout=20, enable_SMTPUTF8=smtputf8
    )
    # The controller asks its own port whether it is up, and needs one that it knows.
    if port == 0:
        controller.port = free_port()
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port() -> int:
    """Find a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
