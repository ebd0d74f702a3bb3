"""The right to post, and which addresses are ours (design section 4.1; interface, "Addresses")."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from maild.mail.message import Envelope, Reply, Standing

Room = Literal[
    "posting", "incident", "draft", "confirm", "request", "owner", "bounces", "check", "canary"
]

_DETAIL: Final = (
    (re.compile(r"\d{4}-\d{1,9}"), "incident"),
    (re.compile(r"draft-[a-z0-9]{6,40}"), "draft"),
    (re.compile(r"confirm-[a-z0-9]{6,40}"), "confirm"),
    (re.compile(r"check"), "check"),
    (re.compile(r"canary"), "canary"),
    (re.compile(r"request"), "request"),
    (re.compile(r"owner"), "owner"),
    (re.compile(r"bounces-[a-z0-9-]+"), "bounces"),
)
COMMAND_ROOMS: Final = frozenset({"confirm", "request"})
_POSTING_ROOMS: Final = frozenset({"posting", "incident", "draft"})


@dataclass(frozen=True, slots=True)
class Posting:
    """Who may post where.

    address: the posting address. allow: addresses and "@domains", lower case. owner: named in a
    refusal. trusted: "@domains" whose From field is never forged when it reaches us.
    """

    address: str
    allow: frozenset[str]
    owner: str
    trusted: frozenset[str] = frozenset()

    def room(self, recipient: str) -> Room | None:
        """Say what one of our addresses is; None for an address that is not ours."""
        local, _, domain = recipient.lower().rpartition("@")
        name, _, host = self.address.lower().rpartition("@")
        if domain != host and recipient.lower() != "postmaster":
            return None
        if local == name:
            return "posting"
        if local == "postmaster" or recipient.lower() == "postmaster" or local == f"{name}-owner":
            return "owner"
        if local == f"{name}-request":
            return "request"
        if re.fullmatch(rf"{re.escape(name)}-bounces(?:\+[a-z0-9-]+)?", local):
            return "bounces"
        detail = local.removeprefix(f"{name}+")
        if detail == local:
            return None
        return next((room for pattern, room in _DETAIL if pattern.fullmatch(detail)), None)  # type: ignore[misc]

    def recipient(self, address: str) -> Reply | None:
        """Refuse an address that is none of ours; None is welcome."""
        if self.room(address) is None:
            return Reply(550, 1, 1, "There is no such address here")
        return None

    def may_post(self, author: str) -> bool:
        """Whether an author may post: by address, or by domain or a subdomain of it."""
        return author.lower() in self.allow or not self.allow.isdisjoint(_domains(author))

    def is_trusted(self, author: str) -> bool:
        """Whether the domain of an author, or one above it, is trusted to be the author's."""
        return not self.trusted.isdisjoint(_domains(author))

    def author(self, author: str, recipients: Iterable[str]) -> Reply | None:
        """Refuse an author who may not post at a posting address; None is welcome."""
        posting = any(self.room(recipient) in _POSTING_ROOMS for recipient in recipients)
        if not posting or self.may_post(author):
            return None
        return Reply(550, 7, 1, f"You may not post here; ask {self.owner}")

    def asks(self, envelope: Envelope) -> bool:
        """Whether a mail's From has to be genuine: not for the owner's mail, bounces, canaries.

        A null reverse-path is no person's; it is taken, and ignored later.
        """
        rooms = {self.room(recipient) for recipient in envelope.recipients}
        return envelope.reverse_path is not None and not rooms <= {"owner", "bounces", "canary"}

    def unproved(self, standing: Standing) -> Reply | None:
        """Refuse an author whose From is not proved (RFC 7372); None is welcome."""
        if standing == "pass":
            return None
        if standing == "trouble":
            return Reply(451, 7, 26, "The DNS cannot tell whether From is genuine; try again later")
        return Reply(550, 7, 26, f"From is not proved by DKIM or SPF; ask {self.owner}")


def _domains(address: str) -> frozenset[str]:
    """Give an address's domain and those above it, "@example.com", lower case."""
    labels = address.lower().rpartition("@")[2].split(".")
    return frozenset("@" + ".".join(labels[i:]) for i in range(len(labels) - 1))
