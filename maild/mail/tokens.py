"""Tokens in addresses of ours: nobody can make one who does not have the key."""

import base64
import hmac
import re
from dataclasses import dataclass
from typing import Final

LENGTH: Final = 12
# Five octets are eight letters of base32, and number a million million deliveries.
_NUMBER_OCTETS: Final = 5
_NUMBER_LENGTH: Final = 8
_BOUNCES: Final = re.compile(r"(?P<sign>-bounces\+|\+bounces-)(?P<token>[a-z0-9]+)@", re.I)


@dataclass(frozen=True, slots=True)
class BounceName:
    """What a bounce address names: one delivery, proved by its HMAC, or else a whole batch's token.

    delivery: None where the token is a batch's, which has to be looked up.
    """

    token: str
    delivery: int | None = None


def token(key: bytes, purpose: str, *cause: object) -> str:
    """Give the token for a cause: 12 letters and digits in lower case, 60 bits of an HMAC.

    purpose: "draft", "bounce", "confirm" or "leave", so that one is never taken for another.
    """
    text = "\n".join((purpose, *(str(part) for part in cause)))
    digest = hmac.digest(key, text.encode(), "sha256")
    return base64.b32encode(digest[:10]).decode("ascii").lower()[:LENGTH]


def delivery_token(key: bytes, number: int) -> str:
    """Give the token that names one delivery (VERP): its number and an HMAC, 20 letters and digits."""
    octets = number.to_bytes(_NUMBER_OCTETS, "big")
    return base64.b32encode(octets).decode("ascii").lower() + token(key, "delivery", number)


def bounce_name(key: bytes, address: str) -> BounceName | None:
    """Say what a bounce address of ours names, None where it bears no token or a forged one."""
    match = _BOUNCES.search(address.lower())
    if match is None:
        return None
    found = match["token"]
    if len(found) == LENGTH:
        return BounceName(found)
    if len(found) != _NUMBER_LENGTH + LENGTH:
        return None
    try:
        number = int.from_bytes(base64.b32decode(found[:_NUMBER_LENGTH].upper()), "big")
    except ValueError:
        return None
    genuine = hmac.compare_digest(found, delivery_token(key, number))
    return BounceName(found, number) if genuine else None


def token_of(reverse_path: str | None) -> str | None:
    """Give the token in a reverse-path of ours, None where there is none."""
    match = _BOUNCES.search(reverse_path or "")
    return match["token"].lower() if match else None


def with_token(reverse_path: str, found: str) -> str:
    """Put another token into a reverse-path of ours."""
    return _BOUNCES.sub(lambda match: f"{match['sign']}{found}@", reverse_path, count=1)
