"""Whom did it not reach, and how finally? Delivery reports (RFC 3464, RFC 6533), and older bounces.

Reading is total: octets that are no report give nobody. Whether a report is to be believed is not
asked here; the token in the address that it was written to says so (`tokens.bounce_name`).
"""

import re
from email import message_from_bytes
from email.message import Message
from typing import Final

from flufl.bounce import all_failures

from maild.mail.complaint import complaint
from maild.mail.headers import decoded, fields, split_content
from maild.mail.headers import first as first_field
from maild.mail.message import Failure

MAX_OCTETS: Final = 262_144
MAX_FAILURES: Final = 500
MAX_WHY: Final = 200

_BOUNCES = re.compile(r"(?:-bounces|\+bounces-)", re.I)
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# An address of RFC 6533 §3: \x{E9} is é.
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


def is_bounce_address(address: str) -> bool:
    """Whether it may be an address that bounces come to."""
    return _BOUNCES.search(address.rpartition("@")[0]) is not None


def failures(content: bytes) -> tuple[Failure, ...]:
    """List the recipients whom a bounce says were not reached; those reached are left out.

    A feedback report names one who was reached, and complains.
    """
    try:
        message = message_from_bytes(content[:MAX_OCTETS])
        if (complained := complaint(message)) is not None:
            return (complained,)
        reports = [part for part in message.walk() if part.get_content_type() in _REPORTS]
        if reports:
            found = [f for part in reports for f in _report(part)]
        else:
            found = _without_report(message)
    except Exception:
        # `email` and the library raise anything on hostile octets; a bounce names somebody or nobody.
        return ()
    return tuple(found[:MAX_FAILURES])


def _report(part: Message) -> list[Failure]:
    """Read a report's groups of fields, one for each recipient (RFC 3464 §2.1)."""
    section, body = split_content(part.as_bytes())
    encoding = first_field(fields(section), "content-transfer-encoding").lower()
    if encoding in ("base64", "quoted-printable"):
        coded = Message()
        coded["Content-Transfer-Encoding"] = encoding
        coded.set_payload(body.decode("ascii", "replace"))
        octets = coded.get_payload(decode=True)
        body = octets if isinstance(octets, bytes) else b""
    groups = re.split(rb"\r?\n(?:[ \t]*\r?\n)+", body)
    return [failure for group in groups if (failure := _group(group + b"\n")) is not None]


def _group(group: bytes) -> Failure | None:
    found = fields(group)
    named = [first_field(found, name) for name in ("original-recipient", "final-recipient")]
    addresses = dict.fromkeys(address for text in named if (address := _address(text)))
    action = first_field(found, "action").lower()
    if not addresses or action not in ("failed", "delayed"):
        return None
    why = first_field(found, "diagnostic-code").partition(";")[2].strip()
    return Failure(
        tuple(addresses),
        _status(first_field(found, "status"), why, action),
        action == "delayed",
        _words(why),
    )


def _address(text: str) -> str:
    """Take the address of "rfc822; bob@example.com" or "utf-8; ..." in lower case."""
    value = text.partition(";")[2].strip().strip("<>")
    value = _ESCAPED.sub(lambda match: chr(min(int(match[1], 16), 0x10FFFF)), value)
    return decoded(value).lower() if "@" in value else ""


def _status(stated: str, why: str, action: str) -> str:
    """Give the status; where it says nothing (5.0.0), the one in the other server's words."""
    statuses = [".".join(match) for match in _STATUS.findall(f"{stated[:20]} {why[:500]}")]
    telling = [status for status in statuses if not status.endswith(".0.0")]
    return next(iter(telling or statuses), "4.0.0" if action == "delayed" else "5.0.0")


def _without_report(message: Message) -> list[Failure]:
    delayed, failed = all_failures(message)
    return [
        Failure((address.decode("utf-8", "replace").lower(),), status, still_tried)
        for addresses, status, still_tried in ((failed, "5.0.0", False), (delayed, "4.0.0", True))
        for address in sorted(addresses)
    ]


def _words(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_WHY else line[: MAX_WHY - 4].rsplit(" ", 1)[0] + " ..."
