"""Who complains of a mail of ours? Feedback reports (ARF, RFC 5965) from a mailbox's provider.

Whether one is to be believed is not asked here; the token in the reverse-path of the mail that it is
about says so (`tokens.bounce_name`).
"""

from email.message import Message
from typing import Final

from maild.mail.headers import Field, fields, split_content
from maild.mail.headers import first as first_field
from maild.mail.message import Failure

_REPORT: Final = "message/feedback-report"
_ORIGINALS: Final = ("message/rfc822", "text/rfc822-headers")
# RFC 5965 §7.3, RFC 6430; "not-spam" is the opposite, "virus" and "auth-failure" say nothing of him.
_COMPLAINTS: Final = ("abuse", "fraud", "opt-out", "opt-out-list", "other")


def is_feedback(content_type: str) -> bool:
    """Whether a Content-Type says that the mail is a feedback report."""
    return "feedback-report" in content_type.lower()


def complaint(message: Message) -> Failure | None:
    """Read a feedback report: whom it names, and the reverse-path of the mail that it is about."""
    parts = {part.get_content_type(): part for part in message.walk()}
    if _REPORT not in parts:
        return None
    found = _body(parts[_REPORT])
    kind = first_field(found, "feedback-type").lower()
    if kind not in _COMPLAINTS:
        return None
    originals = [_body(parts[name]) for name in _ORIGINALS if name in parts]
    paths = [first_field(found, "original-mail-from")]
    paths += [first_field(original, "return-path") for original in originals]
    named = (first_field(found, "original-rcpt-to"),)
    return Failure(
        addresses=tuple(name.strip("<> ").lower() for name in named if name),
        status="",
        why=kind,
        complaint=True,
        path=next((path.strip("<> ") for path in paths if path.strip("<> ")), ""),
    )


def _body(part: Message) -> tuple[Field, ...]:
    _, body = split_content(part.as_bytes())
    return fields(split_content(body)[0])
