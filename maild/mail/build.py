"""Our own mails: built with `email`, never concatenated; ids that a crash cannot make twice."""

import hashlib
import quopri
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import SMTP, SMTPUTF8, Compat32, EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
from typing import Literal

from maild.mail.headers import decoded, split_content
from maild.mail.message import Address

Submitted = Literal["auto-replied", "auto-generated"]

MAX_REFERENCES = 20


@dataclass(frozen=True, slots=True)
class Image:
    """A PNG that travels with the HTML, which names it as cid:..."""

    cid: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of ours before it is octets.

    reply_to, in_reply_to: None for none. references: ids without angle brackets, root first.
    submitted: answers are "auto-replied", all else "auto-generated". fields: more header fields.
    """

    sender: Address
    to: Address
    subject: str
    text: str
    html: str
    message_id: str
    date: datetime
    submitted: Submitted
    loop: str
    reply_to: Address | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    images: tuple[Image, ...] = ()


def message_id(domain: str, *cause: object) -> str:
    """Make an id from what causes a mail: the same mail made twice has the same id.

    Without angle brackets (RFC 5322 §3.6.4).
    """
    digest = hashlib.sha256("\n".join(str(part) for part in cause).encode()).hexdigest()
    return f"{digest[:32]}@{domain}"


def octets(letter: Letter) -> bytes:
    """Print a letter (RFC 5322, RFC 3834 §5): text and HTML, marked as a machine's."""
    boxes = (("From", letter.sender), ("To", letter.to), ("Reply-To", letter.reply_to))
    international = any(box is not None and not box.address.isascii() for _, box in boxes)
    found = [(name, mailbox(box)) for name, box in boxes if box is not None]
    found += [
        ("Subject", letter.subject),
        ("Date", format_datetime(letter.date)),
        ("Message-ID", f"<{letter.message_id}>"),
    ]
    if letter.in_reply_to is not None:
        found.append(("In-Reply-To", f"<{letter.in_reply_to}>"))
    if letter.references:
        ids = short_references(letter.references)
        found.append(("References", " ".join(f"<{i}>" for i in ids)))
    found += [
        ("Auto-Submitted", letter.submitted),
        ("X-Auto-Response-Suppress", "All"),
        ("X-Loop", letter.loop),
        *letter.fields,
    ]
    policy = SMTPUTF8 if international else SMTP
    return printed_fields(found, policy) + _entity(letter).as_bytes(policy=_LINES)


def _entity(letter: Letter) -> MIMEBase:
    """Make the text, with the HTML beside it, and with its pictures (RFC 2046, 2387, 2392)."""
    text = _text("plain", letter.text)
    if not letter.html:
        return text
    name = letter.message_id.partition("@")[0]
    page: MIMEBase = _text("html", letter.html)
    if letter.images:
        page = MIMEMultipart("related", f"=_related_{name}", [page], type="text/html")
        for image in letter.images:
            picture = MIMEImage(image.content, "png")
            picture["Content-ID"] = f"<{image.cid}>"
            picture["Content-Disposition"] = "inline"
            page.attach(picture)
    return MIMEMultipart("alternative", f"=_{name}", [text, page])


def _text(kind: str, text: str) -> MIMEBase:
    part = MIMENonMultipart("text", kind, charset="utf-8")
    encoding = _encoding(text)
    part["Content-Transfer-Encoding"] = encoding
    if encoding == "quoted-printable":
        text = quopri.encodestring(text.encode("utf-8", "replace")).decode("ascii")
    part.set_payload(text)
    return part


def _encoding(text: str) -> str:
    """Say how a text travels; "=_" begins a delimiter of ours, and so is encoded away."""
    short = max(map(len, text.split("\n"))) < _MAX_WORD
    return "7bit" if text.isascii() and short and "=_" not in text else "quoted-printable"


def _mailbox(box: Address) -> Mailbox:
    local, _, domain = box.address.rpartition("@")
    return Mailbox(one_line(box.name), local, domain)


def one_line(text: str) -> str:
    """Make a header field's value of any text: no line break, no control character.

    What looks like an encoded word is none here, but EmailMessage would take it for one, decode it
    and print the line break that it may hold; so it is broken up.
    """
    line = " ".join(text.split()).replace("=?", "= ?")
    return decoded(line.encode("utf-8", "replace").decode("utf-8"))


def short_references(ids: Iterable[str]) -> tuple[str, ...]:
    """Keep the root and the last ids, so that the field stays readable (RFC 5322 §3.6.4)."""
    known = tuple(dict.fromkeys(ids))
    if len(known) <= MAX_REFERENCES:
        return known
    return (known[0], *known[-(MAX_REFERENCES - 1) :])


@dataclass(frozen=True, slots=True)
class ListIdentity:
    """The list's name and addresses, as its header fields show them (RFC 2369, RFC 2919)."""

    name: str
    posting: str
    request: str
    owner: str

    @property
    def list_id(self) -> str:
        """The List-Id: local part, dot, domain."""
        return self.posting.replace("@", ".")

    def fields(self) -> tuple[tuple[str, str], ...]:
        """Give the List-* fields of what goes to the list."""
        return (
            ("List-Id", f"{self.name} <{self.list_id}>"),
            ("List-Post", f"<mailto:{self.posting}>"),
            ("List-Help", f"<mailto:{self.request}?subject=help>"),
            ("List-Subscribe", f"<mailto:{self.request}?subject=subscribe>"),
            ("List-Unsubscribe", f"<mailto:{self.request}?subject=unsubscribe>"),
            ("List-Owner", f"<mailto:{self.owner}>"),
            ("Precedence", "list"),
        )


_UNSUBSCRIBE = re.compile(rb"(?im)^(list-unsubscribe:\s*<mailto:[^<>]*\?subject=unsubscribe)>")


def with_leave(content: bytes, token: str) -> bytes:
    """Put a subscriber's own token into List-Unsubscribe (RFC 2369 §3.2), so that nobody asks him again.

    Only for a mail that is his alone: who has the token can take him off the roster.
    """
    section, _ = split_content(content)
    put = rb"\g<1>%20" + token.encode("ascii") + b">"
    return _UNSUBSCRIBE.sub(put, section, count=1) + content[len(section) :]


def rewritten(author: Address, ours: Address) -> Address:
    """Give the mailbox for From where the author's own cannot be signed for: "Ana via Incidents"."""
    name = author.name or author.address.partition("@")[0] or "Somebody"
    return Address(f"{one_line(name)} via {ours.name}", ours.address)


def may_keep(author: str, domain: str) -> bool:
    """Whether a signature for this domain agrees with an author's (relaxed, RFC 7489 §3.1.1).

    The one has to be the other, or a part of it; what else the two have in common, only a list of
    public suffixes knows.
    """
    own = author.lower().rpartition("@")[2]
    return bool(own) and (own == domain or f".{own}".endswith(f".{domain}") or _parent(own, domain))


def _parent(own: str, domain: str) -> bool:
    return "." in own and f".{domain}".endswith(f".{own}")


def mailbox(box: Address) -> str:
    """Write a mailbox for a header field, its name in quotes where it has to be."""
    return str(_mailbox(box))


def redacted(author: Address, message_id: str | None, at: datetime, note: str) -> bytes:
    """Print what stands for a mail whose words were taken away: who, when, which mail it was."""
    known = "@" in author.address and author.address.isascii()
    fields = [("From", mailbox(author))] if known else []
    fields.append(("Date", format_datetime(at)))
    if message_id is not None and message_id.isascii():
        fields.append(("Message-ID", f"<{message_id}>"))
    return printed_fields([*fields, ("Subject", note)]) + f"\r\n{note}\r\n".encode("ascii")


# What needs no encoding and no quoting: most of what a list adds to a copy, a thousand times a day.
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_PLAIN_BOX = re.compile(r"[\w -]+ <[^<>\s]+>", re.ASCII)
_MAX_LINE = 76
_MAX_WORD = 900


class _Parts(Compat32):
    """How the fields of our own parts are printed: they are ASCII, and short but for parameters."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if len(name) + len(value) > _MAX_LINE:
            value = value.replace("; ", ";\r\n ")
        return f"{name}: {value}\r\n".encode("ascii")


_LINES = _Parts(linesep="\r\n", mangle_from_=False)


def printed_fields(
    fields: Sequence[tuple[str, str]], policy: "EmailPolicy[EmailMessage]" = SMTP
) -> bytes:
    """Print header fields, folded and encoded, each with its line end; policy: SMTPUTF8 leaves UTF-8."""
    return b"".join(_printed(name, one_line(value), policy) for name, value in fields)


def _printed(name: str, value: str, policy: "EmailPolicy[EmailMessage]") -> bytes:
    plain = _PLAIN_BOX if name in ("From", "To", "Reply-To") else _PLAIN
    short = len(value) < _MAX_WORD or max(map(len, value.split(" "))) < _MAX_WORD
    if short and plain.fullmatch(value) and "=?" not in value:
        return _folded(name, value).encode("ascii")
    return _built(name, value, policy)


@lru_cache(maxsize=512)
def _built(name: str, value: str, policy: "EmailPolicy[EmailMessage]") -> bytes:
    message = EmailMessage(policy=policy)
    message[name] = value
    return message.as_bytes().rpartition(b"\r\n\r\n")[0] + b"\r\n"


def _folded(name: str, value: str) -> str:
    """Fold at blanks (RFC 5322 §2.2.3); a word that is too long stays whole."""
    lines = [f"{name}:"]
    for word in value.split(" "):
        if len(lines[-1]) + 1 + len(word) > _MAX_LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines) + "\r\n"
