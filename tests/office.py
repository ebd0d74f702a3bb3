"""A desk with a throwaway database: mails in, letters out, no daemon."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import Any

from maild.config import config_of
from maild.desk import Desk
from maild.edge.files import default_folder, load_rules
from maild.edge.store.arrivals import Arrivals
from maild.edge.store.connection import connect
from maild.edge.store.schema import migrate
from maild.edge.templates import renderer
from maild.incident.entry import Entry
from maild.mail.message import Authenticated, Envelope, RawMessage
from maild.mail.parse import parse
from maild.reading.report import Reader
from maild.site import Site

NOON = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
RULES = load_rules()
UNASKED = Authenticated("")


class Office:
    """Hands mails to a desk one by one; each comes a minute after the one before."""

    def __init__(self, **tables: Any) -> None:
        self.site = Site(
            config_of(tables), Path("/nowhere"), RULES, renderer(default_folder("templates"))
        )
        self.connection = connect(":memory:")
        migrate(self.connection, ":memory:")
        self.desk: Desk = self.site.desk(self.connection, b"k" * 32)
        self.reader = Reader(RULES, self.site.names())
        self.now = NOON
        self.count = 0

    def take(
        self,
        text: str,
        subject: str = "Checkout is down",
        author: str = "Kevin Riggle <kevin@example.com>",
        to: str = "incidents@example.com",
        html: str = "",
        refused: bool = False,
        **fields: str,
    ) -> tuple[Entry, list[EmailMessage]]:
        """Take a mail (refused: one that the mailbox's door shows only); gives what was concluded, and the letters that it made us write."""
        self.count += 1
        self.now += timedelta(minutes=1)
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"], message["Subject"] = author, to, subject
        message["Message-ID"] = fields.pop("Message_ID", f"<mail-{self.count}@laptop.example.com>")
        message["Date"] = fields.pop("Date", self.now)
        for name, value in fields.items():
            message[name.replace("_", "-")] = value
        if text:
            message.set_content(text)
        if html:
            message.set_content(html, subtype="html")
        sender = message["From"].addresses[0].addr_spec
        standing = Authenticated("refused", "550 5.7.1 No") if refused else UNASKED
        return self.receive(message.as_bytes(), sender, to, standing)

    def receive(
        self,
        content: bytes,
        reverse_path: str | None,
        to: str,
        standing: Authenticated = UNASKED,
    ) -> tuple[Entry, list[EmailMessage]]:
        """Take octets as they are; gives what was concluded, and the letters that we owe for it."""
        envelope = Envelope(reverse_path, (to,))
        raw = RawMessage(envelope, content, self.now, authenticated=standing)
        (number,) = Arrivals(self.connection).keep([raw])
        mail = parse(raw)
        before = len(self.letters())
        entry = self.desk.conclude(number, raw, mail, self.reader.read(mail), self.now)
        return entry, self.letters()[before:]

    def letters(self) -> list[EmailMessage]:
        rows = self.connection.execute("SELECT content FROM letter ORDER BY id")
        return [message_from_bytes(row["content"], policy=default) for row in rows]

    def close(self) -> None:
        self.connection.close()


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def offered(text: str) -> Sequence[str]:
    """List what a letter offers to type: its lines indented by four."""
    return [line.strip() for line in text.split("\n") if line[:4] == "    " and line[4:5].strip()]
