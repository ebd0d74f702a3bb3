"""Tokens in addresses of ours: nobody can make one who does not have the key."""

import base64
import hmac
from typing import Final

LENGTH: Final = 12


def token(key: bytes, purpose: str, *cause: object) -> str:
    """Give the token for a cause: 12 letters and digits in lower case, 60 bits of an HMAC.

    purpose: "draft", "bounce", "confirm" or "leave", so that one is never taken for another.
    """
    text = "\n".join((purpose, *(str(part) for part in cause)))
    digest = hmac.digest(key, text.encode(), "sha256")
    return base64.b32encode(digest).decode("ascii").lower()[:LENGTH]
