"""The content of a message while it comes in."""

from typing import Protocol

from maild.edge.smtp_in.terms import Limits
from maild.mail.message import Reply


class Holder(Protocol):
    """Who knows how much all connections hold together."""

    limits: Limits
    held_octets: int


class Intake:
    """The content of one message, kept only while all is well; its octets are counted always."""

    def __init__(self, reception: Holder) -> None:
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
