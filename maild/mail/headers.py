"""Guarded reading of header fields, and cutting and prepending them as octets.

Python's `email` raises eight kinds of exception when a header field is *read* (a group in To, an
id with a bracket, a date out of range, ...), and takes seconds on long ones. So fields are found
here, as octets, within limits, and each value is decoded by a function that cannot raise.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta, timezone
from email.header import decode_header
from email.utils import getaddresses, parsedate_tz
from typing import Final

from maild.mail.message import Address

MAX_FIELD_OCTETS: Final = 16_384
MAX_CONTENT_FIELD: Final = 4_000
MAX_FIELDS: Final = 2_000
MAX_HEADER_OCTETS: Final = 262_144
MAX_ENCODED_WORDS: Final = 200
MAX_ADDRESSES: Final = 500
MIN_BARE_ID: Final = 6

Field = tuple[str, bytes]
"""A header field: its name in lower case, and the whole field as octets with its line end."""

_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"(?m)^(?P<name>[!-9;-~]++)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)")
# Possessive throughout: what does not match is given up at once, in linear time.
_MSG_ID = re.compile(r"<\s*+((?![@>])[^<>\s]++(?<!@))\s*+>")
_BARE_ID = re.compile(r"(?<![^\s<>,;()\"])[^\s<>,;()\"@]++@[^\s<>,;()\"]++")
# "Kevin Riggle <kevin@example.com>", as most are; what else there may be, `getaddresses` knows.
_ATOM = r"[A-Za-z0-9_+-]++"
_DOTTED = rf"{_ATOM}(?:\.{_ATOM})*+"
_PLAIN_BOX = re.compile(rf"((?:{_ATOM} )*+)<({_DOTTED}@{_DOTTED})>|({_DOTTED}@{_DOTTED})")
_WORD = re.compile(r"=\?[!->@-~]+\?[bqBQ]\?[!->@-~]*\?=")
_NOTATIONS = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"})
_YEARS = range(1900, MAXYEAR)
_FOLD = re.compile(r"\r?\n[ \t]+")
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u2060\ufeff]")


# What an author wrote to his own server, or about whom he did not tell the others.
PRIVATE_FIELDS: Final = frozenset(
    {
        "bcc",
        "return-path",
        "delivered-to",
        "x-original-to",
        "envelope-to",
        "disposition-notification-to",
        "return-receipt-to",
        "x-confirm-reading-to",
    }
)


def split_content(content: bytes) -> tuple[bytes, bytes]:
    """Cut the octets into header section (with its last line end) and body, after RFC 5322 §2.1."""
    found = _END.search(content)
    if content.startswith((b"\r\n", b"\n")):
        return b"", content.lstrip(b"\r").removeprefix(b"\n")
    if found is None:
        return content, b""
    newline = 2 if content[found.start() : found.start() + 2] == b"\r\n" else 1
    return content[: found.start() + newline], content[found.end() :]


def fields(section: bytes) -> tuple[Field, ...]:
    """List the header fields in order; what is no field (a From_ line, garbage) is passed over.

    Only the first MAX_HEADER_OCTETS and MAX_FIELDS are looked at.
    """
    found = []
    for match in _FIELD.finditer(section[:MAX_HEADER_OCTETS]):
        found.append((match["name"].decode("ascii").lower(), match[0]))
        if len(found) >= MAX_FIELDS:
            break
    return tuple(found)


def body_of(field: bytes) -> str:
    """Give the unfolded field body, not yet decoded; octets over 127 are read as UTF-8 or Latin-1."""
    raw = field.partition(b":")[2][:MAX_FIELD_OCTETS]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return (_FOLD.sub(" ", text) if "\n" in text else text).strip()


def decoded(text: str) -> str:
    """Decode RFC 2047 encoded words to one line without control characters; never raises."""
    if "=?" in text:
        text = _decode_words(text)
    if text.isascii() and text.isprintable():
        return text.strip()
    text = _INVISIBLE.sub("", re.sub(r"[\r\n\t]+", " ", text))
    return unicodedata.normalize("NFC", text).strip()


def _decode_words(text: str) -> str:
    if text.count("=?") > MAX_ENCODED_WORDS:
        return text
    if not text.isascii():
        # decode_header reads ASCII alone; raw UTF-8 between encoded words stays as it is.
        return _WORD.sub(lambda word: _decode_words(word[0]), text)
    try:
        pieces = decode_header(text)
    except Exception:
        # binascii.Error, HeaderParseError and more on hostile input: the words as written will do.
        return text
    return "".join(_piece(octets, charset) for octets, charset in pieces)


def _piece(octets: bytes | str, charset: str | None) -> str:
    if isinstance(octets, str):
        return octets
    return decode_octets(octets, charset or "utf-8")


def decode_octets(octets: bytes, charset: str) -> str:
    """Decode with the charset named, else UTF-8, else windows-1252; unknown octets become U+FFFD.

    A text that says us-ascii or Latin-1 and is valid UTF-8 beyond ASCII is taken as UTF-8.
    """
    name = charset.strip().strip("\"'").lower()
    if name in ("us-ascii", "ascii", "iso-8859-1", "latin-1", "utf8", "unknown-8bit", ""):
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            name = "windows-1252"
    try:
        text = octets.decode(name if is_charset(name) else "utf-8", "replace")
    except (LookupError, ValueError):
        text = octets.decode("utf-8", "replace")
    # UTF-7 and some of Python's own codecs give lone surrogates, which nothing can store or send.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def is_charset(name: str) -> bool:
    """Whether it is a charset that is known; Python's own notations, some of them slow, are none."""
    try:
        return codecs.lookup(name).name.replace("-", "_") not in _NOTATIONS
    except (LookupError, ValueError):
        return False


def first(found: Iterable[Field], name: str) -> str:
    """Give the decoded body of the first field of that name, "" where there is none."""
    return next((decoded(body_of(field)) for key, field in found if key == name), "")


def addresses(found: Iterable[Field], name: str) -> tuple[Address, ...]:
    """List the mailboxes of all fields of that name; groups and rubbish give nothing."""
    return _mailboxes([body_of(field) for key, field in found if key == name])


def _mailboxes(bodies: Sequence[str]) -> tuple[Address, ...]:
    # A quoted encoded word is illegal (RFC 2047 §5) and common; decoding comes last, so that a
    # comma inside of a decoded name does not split it.
    if len(bodies) == 1 and (box := _PLAIN_BOX.fullmatch(bodies[0])):
        return (Address((box[1] or "").rstrip(), box[2] or box[3]),)
    plain = [body for body in bodies if body.count("(") < 50 and body.count(",") < 20_000]
    if not plain:
        return ()
    try:
        pairs = getaddresses(plain)[:MAX_ADDRESSES]
    except Exception:
        # IndexError, AttributeError, RecursionError on hostile input.
        return ()
    boxes = []
    for name, address in pairs:
        if "@" in address and not re.search(r"[\s<>]", address):
            boxes.append(Address(decoded(name), decoded(address)))
    return tuple(boxes)


def author(found: Sequence[Field]) -> Address:
    """Give the author, the first mailbox of From (RFC 5322 §3.6.2), else of Sender; "" where none."""
    for name in ("from", "sender"):
        for box in addresses(found, name):
            return box
    return Address(first(found, "from"), "")


def message_ids(found: Iterable[Field], name: str) -> tuple[str, ...]:
    """List the ids of a Message-ID, In-Reply-To or References field, without angle brackets.

    Phrases, comments and commas around them are passed over; a lone id without brackets counts.
    """
    body = " ".join(body_of(field) for key, field in found if key == name)
    bracketed = [i for i in _MSG_ID.findall(body) if "@" in i or len(i) >= MIN_BARE_ID]
    return tuple(dict.fromkeys(bracketed or _BARE_ID.findall(body)[:1]))


def date(found: Iterable[Field]) -> datetime | None:
    """Give the Date field in the zone that it was written in; None where it is missing or no date."""
    return parse_date(next((body_of(field) for key, field in found if key == "date"), ""))


def parse_date(text: str) -> datetime | None:
    """Read an RFC 5322 date-time, None where it cannot be; -0000 is UTC.

    A year has to be one of §3.3, 1900 or later, and short of the last that can be reckoned with.
    """
    try:
        parts = parsedate_tz(text[:200])
        if parts is None:
            return None
        offset = timedelta(seconds=parts[9] or 0)
        zone = timezone(offset) if offset else UTC
        return datetime(*parts[:6], tzinfo=zone) if parts[0] in _YEARS else None
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def with_fields(content: bytes, drop: frozenset[str], add: bytes) -> bytes:
    """Take fields off by name (lower case) and put others on top; the body stays as it is."""
    section, body = split_content(content)
    kept = [field for name, field in fields(section) if name not in drop]
    if kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\r\n"
    return add + b"".join(kept) + b"\r\n" + body
