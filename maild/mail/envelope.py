"""The envelope of a mail that comes without one: what its header fields say of it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from maild.mail.headers import addresses, author, date, fields, first, parse_date, split_content
from maild.mail.message import Envelope, RawMessage


def raw_from_fields(
    content: bytes,
    received_at: datetime,
    posting_address: str,
    via: str,
    ours: Callable[[str], bool] = lambda _: True,
) -> RawMessage:
    """Make a message of octets that come from a file or by IMAP; the envelope is what its fields say.

    The reverse-path is the topmost Return-Path (`<>` is the null one), else From; the recipient is
    Delivered-To, else X-Original-To, else the list's addresses in To and Cc, else the posting
    address (interface, "JSON of maild read and maild replay"). ours: whether Delivered-To and
    X-Original-To name one of our addresses; a mailbox that was forwarded to bears its own there.
    """
    if content.startswith(b"From ") and b"\n" in content:
        content = content.partition(b"\n")[2]
    found = fields(split_content(content)[0])
    path = first(found, "return-path")
    reverse_path = path.strip().strip("<>").strip() if path else author(found).address
    local, _, domain = posting_address.lower().partition("@")
    boxes = [box.address for box in (*addresses(found, "to"), *addresses(found, "cc"))]
    named = [
        box
        for box in boxes
        if box.lower().endswith(f"@{domain}")
        and re.match(rf"{re.escape(local)}(?:[+-]|@)", box.lower())
        and ours(box)
    ]
    delivered = [
        box.address
        for name in ("delivered-to", "x-original-to")
        for box in addresses(found, name)
        if ours(box.address)
    ]
    recipients = tuple(delivered[:1] or named or [posting_address])
    return RawMessage(Envelope(reverse_path or None, recipients), content, received_at, via)


def receipt_time(content: bytes, now: datetime) -> datetime:
    """Say when a mail of an archive was received: its topmost Received field, else its Date."""
    found = fields(split_content(content)[0])
    for name, field in found:
        if name == "received":
            at = parse_date(field.decode("latin-1").rpartition(";")[2].strip())
            if at is not None:
                return at.astimezone(UTC)
            break
    at = date(found)
    return min(at.astimezone(UTC), now) if at is not None else now
