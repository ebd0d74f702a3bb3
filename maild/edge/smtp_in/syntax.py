"""What a command line, a path and a reply look like."""

import re
from typing import Final

from maild.mail.message import Reply

COMMAND_OCTETS: Final = 512 + 26 + 10  # RFC 5321 §4.5.3.1.4; for SIZE and SMTPUTF8 a little more
PATH_OCTETS: Final = 64 + 1 + 255  # RFC 5321 §4.5.3.1.1 and §4.5.3.1.2
UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# A path (RFC 5321 §4.1.2) and what follows it. A source route is read and ignored (appendix C).
ATOMS: Final = r'[^\s"()<>\[\]:;@\\,]+'
MAILBOX: Final = rf'(?:{ATOMS}|"(?:[^"\\]|\\.)*")@(?:{ATOMS}|\[[^\s<>\[\]\\]+\])|(?i:postmaster)|'
PATH: Final = re.compile(rf'<(?:@[^\s<>:"]+:)?(?P<mailbox>{MAILBOX})>(?: +(?P<parameters>[ -~]*))?')

# Replies of the library lack enhanced codes. The greeting, HELO and EHLO have none (RFC 2034 §4).
LACKING: Final = re.compile(r"(?!220)[245]\d\d (?!\d\.\d+\.\d+ )")
ENHANCED: Final = {"500": "5.5.2", "501": "5.5.4", "502": "5.5.1", "503": "5.5.1", "552": "5.3.4"}


def command_fault(line: bytes) -> Reply | None:
    """Say what is wrong with a command line before it is understood; None is nothing."""
    if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
        return Reply(500, 5, 2, "Lines end with CR LF (RFC 5321 section 2.3.8)")
    if len(line) > COMMAND_OCTETS:
        return Reply(500, 5, 2, "Command line too long")
    if UNFIT.search(line[:-2].decode(errors="surrogateescape")):
        return Reply(501, 5, 2, "Commands are UTF-8 without control characters")
    return None
