"""Mails made to break their reader; each is octets, or what makes them, by name."""

from collections.abc import Callable
from typing import Final

TOP: Final = (
    b"From: Kim <kim@example.net>\r\nTo: incidents@example.com\r\nSubject: Checkout is down\r\n"
    b"Date: Sun, 1 Mar 2026 11:58:00 +0000\r\n"
)
BODY: Final = (
    b"\r\nSeverity: 2\r\nPhase: 1\r\nIC: me\r\nChannel: #inc-1\r\n\r\nThe disk is full.\r\n"
)
PLAIN: Final = TOP + BODY
TEXT: Final = TOP + b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
HTML: Final = TOP + b"Content-Type: text/html; charset=utf-8\r\n\r\n"
MIXED: Final = TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
MB: Final = 1_000_000


def multiparts(depth: int) -> bytes:
    """A multipart in a multipart, and so on."""
    levels = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i)
        for i in range(depth)
    )
    return TOP + b"".join(levels) + b"Content-Type: text/plain\r\n" + BODY


def attached(octets: int) -> bytes:
    """A text beside an attachment of that size, in base64."""
    line = b"QUJD" * 19 + b"\r\n"
    head = b"--b\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return MIXED + b"--b\r\n" + BODY + head + line * (octets // len(line)) + b"--b--\r\n"


def line_of(piece: bytes, octets: int = MB) -> bytes:
    """A text of a single line: the piece over and over."""
    return TEXT + piece * (octets // len(piece))


def field(name: bytes, value: bytes) -> bytes:
    """A plain mail with that field on top."""
    return name + b": " + value + b"\r\n" + PLAIN


HOSTILE: Final[dict[str, Callable[[], bytes]]] = {
    # Structure.
    "a multipart nested 5,000 deep": lambda: multiparts(5_000),
    "a multipart nested 500 deep": lambda: multiparts(500),
    "a mail in a mail, 2,000 deep": lambda: TOP + b"Content-Type: message/rfc822\r\n\r\n" * 2_000 + BODY,
    "a digest nested 3,000 deep": lambda: TOP + b"".join(b"Content-Type: multipart/digest; boundary=b%d\r\n\r\n--b%d\r\n\r\n" % (i, i) for i in range(3_000)),
    "40,000 parts": lambda: MIXED + b"--b\r\n\r\nSeverity: 1\r\n" * 40_000,
    "24 MB of delimiters": lambda: MIXED + b"--b\n\n" * 4_800_000,
    "24 MB of boundary parameters": lambda: TOP + b"\r\n" + b'boundary="' * 2_400_000,
    "24 MB of attachment": lambda: attached(24 * MB),
    "20,000 parameters": lambda: TOP + b"Content-Type: text/plain" + b"".join(b"; a%d=b" % i for i in range(20_000)) + b"\r\n" + BODY,
    "20,000 continued parameters": lambda: TOP + b"Content-Type: text/plain" + b"".join(b"; a*%d*=b" % i for i in range(20_000)) + b"\r\n" + BODY,
    # Header fields.
    "100,000 fields": lambda: b"X-A: b\r\n" * 100_000 + PLAIN,
    "100,000 Content fields": lambda: TOP + b"Content-A: b\r\n" * 100_000 + BODY,
    "a field of 12,000,000 lines": lambda: b"A: b\n" + b" \n" * 12_000_000,
    "24 MB of header without a field": lambda: b"a" * 24 * MB,
    "24 MB of line ends": lambda: b"\n" * 24 * MB,
    "24 MB of carriage returns": lambda: b"\r" * 24 * MB,
    "a Subject of 1 MB": lambda: field(b"Subject", b"a" * MB),
    "a Subject of 1 MB of blanks": lambda: field(b"Subject", b" " * MB),
    "a Subject of 1 MB, folded": lambda: field(b"Subject", b"a\r\n " * 250_000),
    "a Subject of question marks": lambda: field(b"Subject", b"=?utf-8?q?" + b"?" * 16_000),
    "a Subject of 16 kB of severities": lambda: field(b"Subject", b"sev1 " * 3_200),
    "20,000 encoded words": lambda: field(b"Subject", b"=?utf-8?q?a?= " * 20_000),
    "an encoded word with a raw octet": lambda: field(b"Subject", "=?utf-8?q?é?=".encode()),
    "CR LF in an encoded word": lambda: field(b"Subject", b"=?utf-8?q?a=0D=0ABcc:_x@example.org?="),
    "20,000 addresses": lambda: field(b"To", b", ".join(b"u%d@example.com" % i for i in range(20_000))),
    "20,000 To fields": lambda: b"To: u@example.com\r\n" * 20_000 + PLAIN,
    "a From of parentheses": lambda: field(b"From", b"(" * 5_000),
    "a From of quotes": lambda: field(b"From", b'"' * 15_000),
    "a From of angles": lambda: field(b"From", b"<" * 15_000),
    "a To that is a group": lambda: field(b"To", b"unlisted-recipients:; (no To-header on input)"),
    "a Message-ID that is cut off": lambda: field(b"Message-ID", b"<"),
    "a Message-ID with half a literal": lambda: field(b"Message-ID", b"<a@["),
    "References without an angle": lambda: field(b"References", b"a" * 16_000) * 15,
    "References of angles": lambda: field(b"References", b"<a@" * 5_000) * 15,
    "a Date of the year 99999": lambda: field(b"Date", b"Sun, 1 Mar 99999 11:58:00 +0000"),
    "a Date of the year 9999 in the west": lambda: field(b"Date", b"Fri, 31 Dec 9999 23:59:59 -2359"),
    "a Date of the year 1 in the east": lambda: field(b"Date", b"Mon, 1 Jan 0001 00:00:00 +2359") + b"Started: 14:00 UTC",
    "a Date of a far zone": lambda: field(b"Date", b"Sun, 1 Mar 2026 11:58:00 +999999999"),
    # Octets and charsets.
    "a charset that does not exist": lambda: TOP + b"Content-Type: text/plain; charset=x-unknown\r\n" + BODY,
    "a charset with a NUL in its name": lambda: TOP + b'Content-Type: text/plain; charset="a\0b"\r\n' + BODY,
    "a charset that is none: punycode": lambda: TOP + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"z9" * 500_000,
    "a charset that is none: idna": lambda: TOP + b"Content-Type: text/plain; charset=idna\r\n\r\n" + b"a" * MB,
    "a charset that is none: unicode_escape": lambda: TOP + b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\ud800",
    "a megabyte of NULs": lambda: TEXT + b"Severity:\0 2\r\n" + b"\0" * MB,
    "2 MB of quoted-printable": lambda: TOP + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 2 * MB,
    "2 MB of base64 padding": lambda: TOP + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=" * 2 * MB,
    "2 MB of uuencode": lambda: TOP + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 666 a\n" + b"M" * 2 * MB,
    # HTML.
    "20,000 nested divs": lambda: HTML + b"<div>" * 20_000 + b"Severity 2",
    "20,000 nested blockquotes": lambda: HTML + b"<blockquote>" * 20_000 + b"Severity 2" + b"</blockquote>x<br>" * 20_000,
    "20,000 nested links": lambda: HTML + b"<a href=http://x><div>" * 20_000 + b"z" * 1_000,
    "a table of 2 MB": lambda: HTML + b"<table>" + b"<tr><td>a</td><td>b</td></tr>" * 70_000,
    "500,000 angles": lambda: HTML + b"<" * 500_000,
    "a style of 300 kB": lambda: HTML + b"<p style='" + b"text-decoration:" * 20_000 + b"'>a",
    "a link of 400 kB": lambda: HTML + b"<a href=http://x>" + b"www." * 100_000,
    # Lines.
    "24 MB of two-character lines": lambda: TEXT + b"a\r\n" * 8_000_000,
    "24 MB of quotation marks": lambda: TEXT + b">\n" * 12_000_000,
    "24 MB of Content fields in the body": lambda: TEXT + b"Content-A: b\n" * 1_800_000,
    "a thousand closings": lambda: TEXT + b"Regards,\r\n" * 5_000,
    "5,000 rulers": lambda: TEXT + (b"-" * 72 + b"\r\n") * 5_000,
    "5,000 header blocks": lambda: TEXT + b"From: a\r\nSent: b\r\n" * 5_000,
    "5,000 attributions": lambda: TEXT + b"On 1 May 2026 a@b.c wrote:\r\n" * 5_000,
    "10,000 armours": lambda: TEXT + b"-----BEGIN PGP SIGNED MESSAGE-----\r\n" * 10_000,
    "an armour of 60,000 headers": lambda: TEXT + b"-----BEGIN PGP SIGNED MESSAGE-----\r\n" + b"A: b\r\n" * 60_000,
    "a flowed line of 400,000 pieces": lambda: TOP + b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"a \r\n" * 400_000,
    "a line of 190 kB of severities": lambda: line_of(b"This is severity 1 and I am IC. ", 190_000),
    "a line of 190 kB of places": lambda: line_of(b"join #a ", 190_000),
    "a line of 190 kB of people": lambda: line_of(b"Bob is IC. ", 190_000),
    "a line of 190 kB of question marks": lambda: line_of(b"?", 190_000),
    "a line of 190 kB of names": lambda: line_of(b"U2V2ZXJpdHk6IDMu", 190_000),
    **{
        f"a line of 1 MB of {piece.decode()!r}": lambda piece=piece: line_of(piece)
        for piece in (
            b"a", b" ", b"-", b"_", b"(", b"*", b">", b":", b"\"", b"a@", b"a:", b"a, ", b"a. ", b"| a ", b"sev 1 ", b"severity ",
            b"Severity: 1 ", b"IC: Bob ", b"I am IC ", b"#chan ", b"https://", b"+1 555 ", b"14:30 ", b"if ", b"wrote: ",
            b"next update in 30 minutes ", b"coordinating in ", "重大度".encode(), "\u200b".encode(), "\u2028".encode(),
        )
    },
}  # fmt: skip
