"""What every letter is written on: the list's name and addresses, its zone, its rules, its templates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from maild.letters.layout import one_blank
from maild.mail.build import Image, Letter, ListIdentity, Submitted, message_id, octets
from maild.mail.message import Address, Audience, Outgoing
from maild.reading.rules import Rules

Render = Callable[[str, Mapping[str, object]], str]
Addresses = Literal["names", "plus"]


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What letters need besides their model.

    render: gives a template's text for a model. owner: who is told when nobody answers.
    publish_after: when an opening that nobody completes goes out; None is never. signs_for: the
    domain whose authors' From a copy may keep; rewrite_from: whose it does not. authserv_id: who we
    are in results of authentication.
    """

    identity: ListIdentity
    zone: tzinfo
    rules: Rules
    render: Render
    owner: tuple[str, ...]
    publish_after: timedelta | None
    bounce: Callable[[str], str]
    signs_for: str = ""
    rewrite_from: Literal["foreign", "always", "never"] = "foreign"
    authserv_id: str = ""

    @property
    def sender(self) -> Address:
        """The list as a mailbox."""
        return Address(self.identity.name, self.identity.posting)

    @property
    def domain(self) -> str:
        """The domain of the ids that we make."""
        return self.identity.posting.rpartition("@")[2]

    def incident_address(self, incident_id: str) -> str:
        """Give an incident's own address, incidents+2026-0007@."""
        local, _, domain = self.identity.posting.rpartition("@")
        return f"{local}+{incident_id.removeprefix('INC-')}@{domain}"

    def draft_address(self, token: str) -> str:
        """Give a held draft's own address."""
        local, _, domain = self.identity.posting.rpartition("@")
        return f"{local}+draft-{token}@{domain}"

    def confirm_address(self, token: str) -> str:
        """Give the address whose reply confirms a change of the roster."""
        local, _, domain = self.identity.posting.rpartition("@")
        return f"{local}+confirm-{token}@{domain}"

    def is_ours(self, found: str) -> bool:
        """Whether a Message-ID is one that we made."""
        local, _, domain = found.partition("@")
        return domain == self.domain and len(local) == 32 and set(local) <= set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One letter's particulars, before it is printed.

    cause: what makes its Message-ID. submitted: answers travel with the null reverse-path. html: the
    template of the HTML part; the default makes it of the text.
    """

    kind: str
    cause: tuple[object, ...]
    to: Address
    subject: str
    template: str
    model: Mapping[str, object]
    date: datetime
    submitted: Submitted = "auto-replied"
    reply_to: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    recipients: tuple[str, ...] | None = None
    audience: Audience = ""
    incident: str | None = None
    draft: str | None = None
    mail: int | None = None
    about: str = ""
    once: str = ""
    ever: bool = False
    html: str = "letter"
    images: tuple[Image, ...] = ()


def printed(head: Letterhead, sheet: Sheet) -> Outgoing:
    """Print a letter: text and HTML, both with the same sentences."""
    blanks = 2 if sheet.kind == "digest" else 1
    text = one_blank(head.render(f"{sheet.template}.txt", sheet.model), blanks)
    made = message_id(head.domain, sheet.kind, *sheet.cause)
    reply_to = Address(head.identity.name, sheet.reply_to) if sheet.reply_to else None
    html = head.render(
        f"{sheet.html}.html",
        {
            **sheet.model,
            "text": text,
            "reply_to": sheet.reply_to or head.identity.posting,
            "subject": sheet.subject,
            "parent": made,
        },
    )
    letter = Letter(
        sender=head.sender,
        to=sheet.to,
        subject=sheet.subject,
        text=text,
        html=html,
        message_id=made,
        date=sheet.date,
        submitted=sheet.submitted,
        loop=head.identity.posting,
        reply_to=reply_to,
        in_reply_to=sheet.in_reply_to,
        references=sheet.references,
        fields=sheet.fields,
        images=sheet.images,
    )
    recipients = (sheet.to.address,) if sheet.recipients is None else sheet.recipients
    return Outgoing(
        message_id=made,
        content=octets(letter),
        reverse_path=None if sheet.submitted == "auto-replied" else head.bounce(made),
        kind=sheet.kind,
        recipients=recipients,
        audience=sheet.audience,
        incident=sheet.incident,
        draft=sheet.draft,
        mail=sheet.mail,
        about=sheet.about,
        once=sheet.once,
        ever=sheet.ever,
    )
