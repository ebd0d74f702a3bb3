"""The canary: a mail to ourselves through the outside, known again by its token."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from maild.letters.letterhead import Letterhead, Sheet, printed
from maild.mail.message import Address, Mail, Outgoing

_TOKEN: Final = re.compile(r"\bcanary-(\d{1,12})-([a-z2-7]{12})\b")


def canary(
    head: Letterhead, number: int, token: str, to: str, spans: tuple[str, str], now: datetime
) -> Outgoing:
    """Write a canary; the token stands in the subject, which every forwarder keeps.

    spans: how often one goes out, and how soon it has to be back, in words.
    """
    local, _, domain = head.identity.posting.rpartition("@")
    every, within = spans
    sheet = Sheet(
        kind="canary",
        cause=(number, token),
        to=Address("", to),
        subject=f"maild looks whether its mail gets through: canary-{number}-{token}",
        template="canary",
        model={
            "list": head.identity.posting,
            "every": every,
            "within": within,
            "back": f"{local}+canary@{domain}",
        },
        date=now,
        # With the null reverse-path: its failure is told by its not coming back.
        submitted="auto-replied",
    )
    return printed(head, sheet)


def canary_of(mail: Mail, token: Callable[[int], str]) -> int | None:
    """Say which canary of ours a mail is, by its number; None where it is none.

    token: gives the token of a number; nobody else can make it.
    """
    for number, found in _TOKEN.findall(mail.subject.lower()):
        if token(int(number)) == found:
            return int(number)
    return None
