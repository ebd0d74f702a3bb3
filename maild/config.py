"""The configuration: `maild.toml` to one frozen `Config`, and every mistake at once, with its place.

Each key is documented where it is declared; `maild init` writes its file from these declarations.
"""

import difflib
import json
import textwrap
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from maild.operating import AlarmTable, CanaryTable, MetricsTable, StoreTable, Table
from maild.values import (
    AddressText,
    Authenticate,
    Clock,
    Day,
    Domain,
    Holiday,
    ImapTls,
    Listen,
    Network,
    Poster,
    RewriteFrom,
    Schedule,
    Selector,
    SignedDomain,
    Span,
    Verp,
    Zone,
    is_loopback,
    listen_address,
    toml_of,
)


class ConfigError(Exception):
    """The configuration cannot be used; the text has one line for each mistake."""


class ListTable(Table):
    """The list: its address, its name, and the people who answer for it."""

    address: AddressText = Field(
        default="incidents@example.com", description="The address that people write to."
    )
    name: str = Field(
        default="Incidents",
        min_length=1,
        max_length=60,
        description="The list's name, as mail programs show it.",
    )
    owner: tuple[AddressText, ...] = Field(
        default=("oncall-leads@example.com",),
        min_length=1,
        description="Who is told when nobody answers, or when something breaks.",
    )
    timezone: Zone = Field(
        default="UTC",
        description="The organisation's zone: times without a zone are in it, and days begin in it.",
    )
    addresses: Literal["names", "plus"] = Field(
        default="names",
        description='How we write our own addresses: "names" is incidents-owner@, "plus" is incidents+owner@, for mail servers that know one mailbox only. Both are always understood.',
    )
    tags: tuple[str, ...] = Field(
        default=(),
        description="More tags that other systems put into subjects, such as [incidents]; they are no part of a summary.",
    )


class PostingTable(Table):
    """Who may write, and what a follow-up must say."""

    allow: tuple[Poster, ...] = Field(
        default=("@example.com",),
        description='Domains ("@example.com") and addresses; nobody else may post.',
    )
    follow_ups: Literal["updates", "strict", "carry"] = Field(
        default="updates",
        description='"updates": an update states severity, phase and commander, a note need not. "strict": every follow-up states all three. "carry": what an update leaves out is taken from the record.',
    )
    receipts: Literal["openings", "always", "never"] = Field(
        default="openings", description="When an author is told the number of his incident."
    )
    publish_incomplete_after: Span = Field(
        default="15 min",
        description='When an opening that nobody completes goes to the list as INCOMPLETE, or "never".',
    )
    machines: tuple[AddressText, ...] = Field(
        default=(),
        description="Programs that may post and are never answered; what they leave out goes to the owner.",
    )
    trusted_domains: tuple[Domain, ...] = Field(
        default=(),
        description='Domains ("@example.com") whose From field nobody can forge on the way to us, because the mail server before us checks it. What their people ask of the roster by mail is done at once; all others confirm it by replying to a mail.',
    )
    authenticate: Authenticate = Field(
        default="none",
        description='"none": a trusted relay or network stands before us. "dmarc": the From domain must pass DKIM or SPF, aligned.',
    )
    authserv_id: str = Field(
        default="",
        description='Where a mail server before us authenticates: its name in Authentication-Results; the topmost of these fields is believed, so it must take off forged ones. Empty: we ask the DNS ourselves. Only with "dmarc".',
    )
    trusted_forwarders: tuple[str, ...] = Field(
        default=(),
        description="Domains of forwarders whose ARC seal stands in for the author's own signature.",
    )


class SmtpTable(Table):
    """The way in."""

    listen: tuple[Listen, ...] = Field(
        default=("127.0.0.1:8025",), description="Addresses and ports to listen on."
    )
    listen_tls: tuple[Listen, ...] = Field(
        default=(), description="The same, with TLS from the first octet (port 465)."
    )
    listen_lmtp: tuple[Listen, ...] = Field(
        default=(), description="The same for LMTP, for a mail server on this machine."
    )
    hostname: str = Field(
        default="", description="The name in our greeting; the machine's, if empty."
    )
    tls_certificate: str = Field(
        default="",
        description='The certificate and its chain, PEM; with it STARTTLS is offered. Renewed files are taken as they are. "%d/NAME" is a credential of systemd\'s.',
    )
    tls_key: str = Field(default="", description="Its key, PEM, without a passphrase.")
    require_tls: bool = Field(
        default=False, description="Whether mail is taken through TLS only (LMTP excepted)."
    )
    auth_file: str = Field(
        default="",
        description="Who may log in, through TLS only: a file that `maild passwd` writes.",
    )
    proxy_networks: tuple[Network, ...] = Field(
        default=(),
        description="Proxies whose connections begin with a PROXY header (version 1 or 2), all of them.",
    )
    max_message_bytes: int = Field(
        default=26_214_400,
        ge=65_536,
        le=1 << 30,
        description="The largest mail that we take, in octets.",
    )
    max_connections: int = Field(
        default=200, ge=1, le=10_000, description="Connections at a time, all together."
    )
    max_connections_per_client: int = Field(
        default=20, ge=1, le=10_000, description="Connections at a time from one address."
    )
    trusted_networks: tuple[Network, ...] = Field(
        default=("127.0.0.0/8", "::1"),
        description="Networks exempt from rates, not from size and error limits. Where other machines can reach us and authenticate is none, only these and who has logged in may send.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        wants = [key for key in ("listen_tls", "require_tls", "auth_file") if getattr(self, key)]
        if not (self.listen or self.listen_tls or self.listen_lmtp):
            raise ValueError("listen, listen_tls and listen_lmtp are empty; nothing could come in")
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("tls_certificate and tls_key need each other")
        if wants and not self.tls_certificate:
            raise ValueError(f"{', '.join(wants)}: needs tls_certificate and tls_key")
        return self


class ImapTable(Table):
    """A second way in: a mailbox that is watched."""

    host: str = Field(default="", description="The IMAP server; empty: off.")
    port: int = Field(default=993, ge=1, le=65_535, description="Its port: 993, or 143.")
    tls: ImapTls = Field(
        default="implicit",
        description='How to speak to it: "implicit" (port 993), "starttls" (port 143), or "none", for a server on this machine only.',
    )
    user: str = Field(default="", description="The user, mostly the mailbox's address.")
    password_file: str = Field(default="", description="A file with the password, mode 600.")
    oauth2_token_command: str = Field(
        default="",
        description="Instead of a password: a command that prints an access token, for XOAUTH2.",
    )
    folder: str = Field(default="INBOX", min_length=1, description="The folder that is watched.")
    done_folder: str = Field(
        default="Processed",
        description="Where a mail goes once it is on record; empty: it stays where it is.",
    )
    refused_folder: str = Field(
        default="Refused",
        description="Where a mail goes that is not taken: its author may not post, or it is too big; empty: as done_folder.",
    )


class DeliveryTable(Table):
    """The way out."""

    transport: Literal["smtp", "maildir"] = Field(
        default="maildir",
        description='"smtp": to the relay below. "maildir": every mail goes into a folder, for trying out.',
    )
    maildir: str = Field(
        default="var/outgoing", description="The folder, where transport is maildir."
    )
    host: str = Field(default="127.0.0.1", description="The relay.")
    port: int = Field(default=25, ge=1, le=65_535, description="The relay's port.")
    tls: Literal["auto", "none", "starttls", "implicit"] = Field(
        default="auto",
        description='How to speak to the relay; "auto" is STARTTLS, unless it is on this machine.',
    )
    user: str = Field(default="", description="The user at the relay; empty: no login.")
    password_file: str = Field(
        default="",
        description='A file with the password, mode 600; "%d/NAME" is a credential of systemd\'s.',
    )
    connections: int = Field(
        default=4, ge=1, le=50, description="Connections to the relay at a time."
    )
    verp: Verp = Field(
        default="probe",
        description='Who gets a mail by itself, with a reverse-path that names him when it comes back: "probe": who bounced before, commanders and liaisons; "always": everybody; "never": nobody.',
    )
    rewrite_from: RewriteFrom = Field(
        default="foreign",
        description='Whose From becomes "Ana Silva via Incidents" and our address, because a copy with a stamp breaks their signature: "foreign" is everybody outside the domain that we sign for.',
    )


class SigningTable(Table):
    """Our signature on all that we send: DKIM, and ARC on what we pass on."""

    domain: SignedDomain = Field(
        default="", description="The domain that we sign for; the list's, if empty."
    )
    selector: Selector = Field(
        default="maild",
        description="Which of the domain's keys it is: the record is SELECTOR._domainkey.DOMAIN.",
    )
    key_file: str = Field(
        default="",
        description="The private key, mode 600, as `maild dkim-key` makes it; empty: nothing is signed.",
    )


class DigestTable(Table):
    """The digest for people who were not there."""

    schedule: Schedule = Field(
        default="daily 09:00",
        description='"daily 09:00", "weekly monday 09:00" or "every 4 h", in the list\'s zone.',
    )


class ReportTable(Table):
    """The monthly report: a month in figures."""

    monthly: bool = Field(
        default=False,
        description="Whether it is sent on the first of the month to all who take a digest.",
    )


class HoursTable(Table):
    """When people work: the lesser incidents are minded in these hours only."""

    begin: Clock = Field(default="09:00", description="When the working day begins.")
    end: Clock = Field(default="17:00", description="When it ends.")
    days: tuple[Day, ...] = Field(
        default=("monday", "tuesday", "wednesday", "thursday", "friday"),
        min_length=1,
        description="The working days of a week.",
    )
    holidays: tuple[Holiday, ...] = Field(
        default=(), description='Days on which nobody works, such as "2026-12-25".'
    )


class PathsTable(Table):
    """Your own words: a file there stands in for the default of that name."""

    rules: str = Field(default="", description="A folder of rules (severity.toml, ...).")
    templates: str = Field(default="", description="A folder of templates (receipt.txt.j2, ...).")


class Config(Table):
    """All of `maild.toml`."""

    list: ListTable = ListTable()
    posting: PostingTable = PostingTable()
    smtp: SmtpTable = SmtpTable()
    imap: ImapTable = ImapTable()
    delivery: DeliveryTable = DeliveryTable()
    signing: SigningTable = SigningTable()
    store: StoreTable = StoreTable()
    alarm: AlarmTable = AlarmTable()
    metrics: MetricsTable = MetricsTable()
    canary: CanaryTable = CanaryTable()
    digest: DigestTable = DigestTable()
    report: ReportTable = ReportTable()
    working_hours: HoursTable = HoursTable()
    paths: PathsTable = PathsTable()

    @model_validator(mode="after")
    def _knows_whom_it_trusts(self) -> Self:
        smtp = self.smtp
        places = (*smtp.listen, *smtp.listen_tls, *smtp.listen_lmtp)
        if fault := exposure_fault(self, [listen_address(place)[0] for place in places]):
            raise ValueError(fault)
        if self.canary.address and self.delivery.transport != "smtp":
            raise ValueError(
                'canary.address: mail goes outside with delivery.transport = "smtp" only'
            )
        return self


def exposure_fault(config: Config, hosts: Iterable[str]) -> str:
    """Say why nobody may listen at these hosts for other machines; "" is nothing.

    From is whatever a sender writes: where it is not checked, somebody must vouch for the sender.
    """
    smtp = config.smtp
    nets = (ip_network(net) for net in smtp.trusted_networks)
    known = bool(smtp.auth_file) or not all(net.is_loopback for net in nets)
    reached = [host for host in hosts if not is_loopback(host)]
    if config.posting.authenticate != "none" or known or not reached:
        return ""
    return (
        f"smtp.listen: other machines can reach {', '.join(reached)}, and posting.authenticate is"
        ' "none": name the network of your mail server in smtp.trusted_networks, or let people'
        " log in (smtp.auth_file)"
    )


def config_of(table: dict[str, Any]) -> Config:
    """Check a parsed `maild.toml`. Raises ConfigError with every mistake."""
    try:
        return Config.model_validate_json(_json(table), strict=True)
    except ValidationError as error:
        lines = [_explain(detail) for detail in error.errors(include_url=False)]
        raise ConfigError("\n".join(lines)) from error


def _json(table: dict[str, Any]) -> str:
    # JSON, because a TOML array is a list, and strict validation of Python values wants a tuple.
    return json.dumps(table, default=str)


def _explain(detail: Any) -> str:
    where = ".".join(str(step) for step in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{where}: there is no such key{_meant(detail['loc'])}"
    message = str(detail["msg"]).removeprefix("Value error, ")
    if isinstance(detail["input"], dict):  # What several keys say together.
        return f"{where}.{message}" if where else message
    return f"{where} = {detail['input']!r}: {message[0].lower() + message[1:]}"


def _meant(location: tuple[Any, ...]) -> str:
    fields = Config.model_fields
    if len(location) > 1:
        table = fields[str(location[0])].annotation
        known = (
            list(table.model_fields)
            if isinstance(table, type) and issubclass(table, BaseModel)
            else []
        )
    else:
        known = list(fields)
    close = difflib.get_close_matches(str(location[-1]), known, 1)
    return f"; is {close[0]} meant?" if close else f"; known are {', '.join(known)}"


def commented() -> str:
    """Write `maild.toml` as `maild init` does: every key with its default, and what it is for."""
    parts = ["# maild's configuration. Every key is here with its default; change what you need.\n"]
    for name, table in Config.model_fields.items():
        kind = table.annotation
        if not isinstance(kind, type) or not issubclass(kind, BaseModel):
            continue
        about = " ".join((kind.__doc__ or "").split())
        parts.append(f"\n[{name}]  # {about}\n")
        for key, declared in kind.model_fields.items():
            lines = textwrap.wrap(declared.description or "", 96)
            parts += [f"# {line}\n" for line in lines]
            parts.append(f"{key} = {toml_of(declared.default)}\n")
    return "".join(parts)
