"""Put a stamp on a copy of somebody's mail; all but the two parts that carry it pass byte for byte.

The first inline text/plain and the first inline text/html are decoded, prefixed and encoded anew in
UTF-8. A mail where that does not round-trip, and one that is signed or encrypted, is wrapped whole,
the stamp beside it (design, section 6 and house rule 10).
"""

import base64
import hashlib
import quopri
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP
from functools import lru_cache
from itertools import islice, zip_longest

from maild.mail.headers import (
    MAX_CONTENT_FIELD,
    body_of,
    fields,
    is_charset,
    split_content,
)

_SEALED = (
    "multipart/signed",
    "multipart/encrypted",
    "application/pkcs7-mime",
    "application/x-pkcs7-mime",
)
# Not looked into: what is sealed, and a digest, whose parts are mails.
_CLOSED = (*_SEALED, "multipart/digest")
# What no longer holds for a part that is encoded anew.
_CONTENT = frozenset(
    {
        "content-type",
        "content-transfer-encoding",
        "content-length",
        "content-md5",
        "lines",
        "mime-version",
    }
)
_BODY_TAG = re.compile(r"<body\b[^<>]*>", re.I)
_CHARSET = re.compile(r";\s*charset[*\d]*\s*=\s*(?:\"[^\"]*\"|[^\s;]*)", re.I)
_MAX_DEPTH = 20
_MAX_DELIMITERS = 400


@dataclass(frozen=True, slots=True)
class _Entity:
    """A MIME entity by its place: content[start:body] is its header section, [body:end] its body."""

    start: int
    body: int
    end: int
    head: Message

    @property
    def kind(self) -> str:
        return self.head.get_content_type()


def stamped(content: bytes, text: str, html: str) -> bytes:
    """Give the mail with the stamp on top of its text and its HTML, or wrapped with the stamp beside.

    text: lines ending in a newline. html: a fragment. The header section stays, but for Content-*
    fields of a part that is encoded anew.
    """
    try:
        top = _entity(content, 0, len(content))
        if top.kind in _SEALED:
            return wrapped(content, text)
        plain, marked = _targets(content, top)
        edits = [
            (part, _encoded(content, part, stamp, is_html))
            for part, stamp, is_html in ((plain, text, False), (marked, html, True))
            if part is not None
        ]
    except (ValueError, LookupError, TypeError, AttributeError):
        # What `email` and the codecs raise on hostile fields, UnicodeError and binascii.Error too.
        return wrapped(content, text)
    if not edits or any(new is None for _, new in edits):
        return wrapped(content, text)
    for part, new in sorted(edits, key=lambda edit: -edit[0].start):
        content = content[: part.start] + (new or b"") + content[part.end :]
    return content


def wrapped(content: bytes, text: str) -> bytes:
    """Give the stamp as a text of its own, and the whole original attached as message/rfc822."""
    section, _ = split_content(content)
    outer = b"".join(
        f
        for name, f in fields(section)
        if not name.startswith("content-") and name != "mime-version"
    )
    message = EmailMessage(policy=SMTP)
    message.set_content(
        text + "\nThe original mail is attached, as it came.\n", cte="quoted-printable"
    )
    message.make_mixed(boundary="=_maild_" + hashlib.sha256(content).hexdigest()[:32])
    boundary = message.get_boundary() or ""
    head, body = split_content(message.as_bytes())
    body = body.rpartition(f"--{boundary}--".encode())[0]
    original = content.removesuffix(b"\r\n") + b"\r\n"
    encoding = "7bit" if content.isascii() else "8bit"
    attached = (
        f"--{boundary}\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n"
        'Content-Disposition: attachment; filename="original.eml"\r\n\r\n'
    ).encode()
    return outer + head + b"\r\n" + body + attached + original + f"--{boundary}--\r\n".encode()


def _entity(content: bytes, start: int, end: int) -> _Entity:
    section, body = split_content(content[start:end])
    mime = [f for name, f in fields(section) if name.startswith("content-")]
    if any(len(field) > MAX_CONTENT_FIELD for field in mime):
        # The parser needs the square of its length; nobody who writes mail needs so much.
        raise ValueError("a Content field that is too long")
    return _Entity(start, end - len(body), end, _head(b"".join(mime)))


@lru_cache(maxsize=256)
def _head(mime: bytes) -> Message:
    """Parse the Content fields of a part; most parts of all mails have one of a few."""
    return message_from_bytes(mime + b"\r\n")


def _targets(content: bytes, top: _Entity) -> tuple[_Entity | None, _Entity | None]:
    """Find the first inline text/plain and the first inline text/html."""
    plain = marked = None
    stack = [(top, 0)]
    while stack:
        entity, depth = stack.pop()
        if entity.kind.startswith("multipart/"):
            if depth < _MAX_DEPTH and entity.kind not in _CLOSED:
                stack += [(child, depth + 1) for child in reversed(_children(content, entity))]
            continue
        if entity.head.get_content_disposition() == "attachment" or entity.head.get_filename():
            continue
        if entity.kind == "text/plain" and plain is None:
            plain = entity
        elif entity.kind == "text/html" and marked is None:
            marked = entity
    return plain, marked


def _children(content: bytes, entity: _Entity) -> list[_Entity]:
    """Cut a multipart at its delimiter lines (RFC 2046 §5.1.1)."""
    boundary = entity.head.get_boundary()
    if not boundary:
        raise ValueError("a multipart without a boundary")
    delimiter = re.compile(rb"(?m)^--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*\r?(?:\n|\Z)")
    found = delimiter.finditer(content, entity.body, entity.end)
    places = list(islice(found, _MAX_DELIMITERS))
    if len(places) == _MAX_DELIMITERS:
        raise ValueError("a multipart of too many parts")
    children = []
    for place, following in zip_longest(places, places[1:]):
        if place[1] is not None:
            break
        end = _line_end_before(content, following.start()) if following else entity.end
        children.append(_entity(content, place.end(), max(place.end(), end)))
    return children


def _line_end_before(content: bytes, at: int) -> int:
    """Give the place of the line end in front of a delimiter, which belongs to the delimiter."""
    at -= content[at - 1 : at] == b"\n"
    return at - (content[at - 1 : at] == b"\r")


def _encoded(content: bytes, part: _Entity, stamp: str, is_html: bool) -> bytes | None:
    """Decode a part, put the stamp on top, encode it anew in UTF-8; None where it does not decode."""
    text = _decoded(content[part.body : part.end], part.head)
    if text is None:
        return None
    match = _BODY_TAG.search(text) if is_html else None
    at = match.end() if match else 0
    text = text[:at] + stamp + ("" if is_html else "\n") + text[at:]
    section = content[part.start : part.body]
    found = fields(section)
    kept = b"".join(f for name, f in found if name not in _CONTENT)
    version = b"MIME-Version: 1.0\r\n" if part.start == 0 else b""
    kind = _content_type(found)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    body = quopri.encodestring(text.encode("utf-8"), quotetabs=False).replace(b"\n", b"\r\n")
    return kept + version + kind + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + body


def _content_type(found: tuple[tuple[str, bytes], ...]) -> bytes:
    """Keep the type and its parameters, but for the charset, which is UTF-8 now."""
    value = next((body_of(f) for name, f in found if name == "content-type"), "text/plain")
    value = " ".join(_CHARSET.sub("", value).split()).rstrip("; ")
    return f'Content-Type: {value}; charset="utf-8"\r\n'.encode("ascii", "replace")


def _decoded(octets: bytes, head: Message) -> str | None:
    encoding = str(head.get("content-transfer-encoding", "7bit")).strip().lower()
    if encoding == "base64":
        # Strict: a footer that a list put below base64 would be lost.
        octets = base64.b64decode(b"".join(octets.split()), validate=True)
    elif encoding == "quoted-printable":
        octets = quopri.decodestring(octets)
    elif encoding not in ("7bit", "8bit", "binary"):
        return None
    charset = str(head.get_content_charset() or "us-ascii")
    for name in (charset, "utf-8"):
        try:
            if is_charset(name):
                return octets.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    return None
