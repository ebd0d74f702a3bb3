"""Many mails in one: MIME multipart/digest (RFC 2046 §5.1.5), and plain text (RFC 1153)."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from maild.mail.build import Letter, octets
from maild.mail.headers import PRIVATE_FIELDS, fields, first, split_content, with_fields
from maild.mail.html import html_to_text
from maild.mail.message import Envelope, RawMessage
from maild.mail.parse import parse

_SHOWN: Final = ("date", "from", "to", "cc", "subject", "message-id")
MAX_TEXT: Final = 65_536
_PREAMBLE_LINE: Final = "-" * 70
_LINE: Final = "-" * 30


@dataclass(frozen=True, slots=True)
class Original:
    """A mail on record that went to the list; content: None where the bundle has no room for it."""

    number: int
    incident: str
    author: str
    subject: str
    at: datetime
    content: bytes | None


def as_mime(letter: Letter, originals: Sequence[Original]) -> bytes:
    """Print our text, and behind it the mails as they came, each a part of a multipart/digest."""
    mails = [_public(original.content) for original in originals if original.content is not None]
    alone = octets(replace(letter, html=""))
    if not mails:
        return alone
    section, text = split_content(alone)
    found = fields(section)
    ours = b"".join(f for name, f in found if not _is_mime(name))
    kind = b"".join(f for name, f in found if name.startswith("content-"))
    first_part = kind + b"\r\n" + text
    encoding = "8bit" if any(not mail.isascii() for mail in mails) else "7bit"
    # Nobody can write a mail that holds the hash of itself.
    mark = hashlib.sha256(b"\0".join((first_part, *mails))).hexdigest()[:32]
    digest = _multipart(
        "digest",
        f"=_digest_{mark}",
        encoding,
        (b"Content-Type: message/rfc822\r\n\r\n" + mail for mail in mails),
    )
    whole = _multipart("mixed", f"=_mixed_{mark}", encoding, (first_part, digest))
    return ours + b"MIME-Version: 1.0\r\n" + whole


def _is_mime(name: str) -> bool:
    return name.startswith("content-") or name == "mime-version"


def _multipart(kind: str, boundary: str, encoding: str, parts: Iterable[bytes]) -> bytes:
    head = (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    delimiter = f"\r\n--{boundary}".encode()
    body = b"".join(delimiter + b"\r\n" + part for part in parts)
    return head.encode() + body.removeprefix(b"\r\n") + delimiter + b"--\r\n"


def _public(content: bytes) -> bytes:
    """Take the private fields off; a mail without any stays as it came, octet by octet."""
    names = {name for name, _ in fields(split_content(content)[0])}
    return with_fields(content, PRIVATE_FIELDS, b"") if names & PRIVATE_FIELDS else content


def as_plain(letter: Letter, originals: Sequence[Original], title: str) -> bytes:
    """Print one text: ours, a line of 70 hyphens, the mails between lines of 30, and the end."""
    told = [_told(original.content) for original in originals if original.content is not None]
    end = f"End of {title}"
    body = f"\n\n{_LINE}\n\n".join((*told, f"{end}\n{'*' * len(end)}"))
    text = f"{title}\n\n{letter.text.rstrip()}\n\n{_PREAMBLE_LINE}\n\n{body}\n"
    return octets(replace(letter, text=text, html=""))


def _told(content: bytes) -> str:
    """Write one mail: the fields that RFC 1153 keeps, in its order, and the text."""
    found = fields(split_content(content)[0])
    values = ((name, first(found, name)) for name in _SHOWN)
    head = "\n".join(
        f"{_NAMES[name]}: {' '.join(value.split())}" for name, value in values if value
    )
    return f"{head}\n\n{_text(content)}"


_NAMES: Final = {name: name.title().replace("-Id", "-ID") for name in _SHOWN}


def _text(content: bytes) -> str:
    # The envelope is nobody's business here.
    mail = parse(RawMessage(Envelope(None, ()), content, _EPOCH))
    texts = [
        html_to_text(part.text[:MAX_TEXT]) if part.html else part.text[:MAX_TEXT]
        for part in mail.parts
    ]
    text = "\n\n".join(text.strip() for text in texts if text.strip())
    # A line of hyphens of the author's own would end the mail for a program that cuts a digest.
    return re.sub(rf"(?m)^(?=-{{{len(_LINE)}}})", " ", text.replace("\r\n", "\n")) or "(no text)"


_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
