"""The configuration: `maild.toml` to one frozen `Config`, and every mistake at once, with its place.

Each key is documented where it is declared; `maild init` writes its file from these declarations.
"""

import difflib
import json
import re
import textwrap
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

DOMAIN = r"^@(?:[a-z0-9-]+\.)+[a-z0-9-]+$"
_SPAN = re.compile(r"^(\d+)\s*(s|sec|min|h|hour|hours|d|day|days)$")
_UNITS = {
    "s": 1,
    "sec": 1,
    "min": 60,
    "h": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
}
_LISTEN = re.compile(r"^(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5}$")
_SCHEDULE = re.compile(
    r"^(?:daily ([01]\d|2[0-3]):[0-5]\d|weekly (?:mon|tues|wednes|thurs|fri|satur|sun)day ([01]\d|2[0-3]):[0-5]\d|every [1-9]\d? h)$"
)


class ConfigError(Exception):
    """The configuration cannot be used; the text has one line for each mistake."""


def address_of(value: str) -> str:
    """Check an address of the roster or the configuration. Raises ValueError with what is wrong."""
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"is no e-mail address: {error}") from error


def _address_or_domain(value: str) -> str:
    if value.startswith("@"):
        if not re.match(DOMAIN, value.lower()):
            raise ValueError('is no domain; write "@example.com"')
        return value.lower()
    return address_of(value).lower()


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError('is no time zone; write "UTC" or "Europe/Berlin"') from error
    return value


def _listen(value: str) -> str:
    if not _LISTEN.match(value):
        raise ValueError('is no place to listen on; write "127.0.0.1:8025" or "[::1]:8025"')
    return value


def _span(value: str) -> str:
    if value != "never" and not _SPAN.match(value):
        raise ValueError('is no length of time; write "15 min", "2 h" or "never"')
    return value


def _schedule(value: str) -> str:
    if not _SCHEDULE.match(value):
        raise ValueError(
            'is no schedule; write "daily 09:00", "weekly monday 09:00" or "every 4 h"'
        )
    return value


def _clock(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('is no time of day; write "09:00"')
    return value


def _holiday(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise ValueError('is no day; write "2026-12-25"') from error
    return value


Clock = Annotated[str, AfterValidator(_clock)]
Holiday = Annotated[str, AfterValidator(_holiday)]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
AddressText = Annotated[str, AfterValidator(address_of)]
Poster = Annotated[str, AfterValidator(_address_or_domain)]
Zone = Annotated[str, AfterValidator(_zone)]
Listen = Annotated[str, AfterValidator(_listen)]
Span = Annotated[str, AfterValidator(_span)]
Schedule = Annotated[str, AfterValidator(_schedule)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ListTable(_Table):
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


class PostingTable(_Table):
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
    authenticate: Literal["none", "dmarc"] = Field(
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


class SmtpTable(_Table):
    """The way in."""

    listen: tuple[Listen, ...] = Field(
        default=("127.0.0.1:8025",), min_length=1, description="Addresses and ports to listen on."
    )
    hostname: str = Field(
        default="", description="The name in our greeting; the machine's, if empty."
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
    trusted_networks: tuple[str, ...] = Field(
        default=("127.0.0.0/8", "::1"),
        description="Networks exempt from rates, not from size and error limits.",
    )


class DeliveryTable(_Table):
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
    password_file: str = Field(default="", description="A file with the password, mode 600.")
    connections: int = Field(
        default=4, ge=1, le=50, description="Connections to the relay at a time."
    )
    verp: Literal["probe", "always", "never"] = Field(
        default="probe",
        description='Who gets a mail by itself, with a reverse-path that names him when it comes back: "probe": who bounced before, commanders and liaisons; "always": everybody; "never": nobody.',
    )
    rewrite_from: Literal["foreign", "always", "never"] = Field(
        default="foreign",
        description='Whose From becomes "Ana Silva via Incidents" and our address, because a copy with a stamp breaks their signature: "foreign" is everybody outside the domain that we sign for.',
    )


class SigningTable(_Table):
    """Our signature on all that we send: DKIM, and ARC on what we pass on."""

    domain: str = Field(
        default="",
        pattern=r"^(?:(?:[a-z0-9-]+\.)+[a-z0-9-]+)?$",
        description="The domain that we sign for; the list's, if empty.",
    )
    selector: str = Field(
        default="maild",
        pattern=r"^[a-z0-9][a-z0-9.-]*$",
        description="Which of the domain's keys it is: the record is SELECTOR._domainkey.DOMAIN.",
    )
    key_file: str = Field(
        default="",
        description="The private key, mode 600, as `maild dkim-key` makes it; empty: nothing is signed.",
    )


class StoreTable(_Table):
    """Where everything is kept."""

    path: str = Field(
        default="var/maild.db",
        min_length=1,
        description="The database; a path without / in front is beside this file.",
    )


class DigestTable(_Table):
    """The digest for people who were not there."""

    schedule: Schedule = Field(
        default="daily 09:00",
        description='"daily 09:00", "weekly monday 09:00" or "every 4 h", in the list\'s zone.',
    )


class HoursTable(_Table):
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


class PathsTable(_Table):
    """Your own words: a file there stands in for the default of that name."""

    rules: str = Field(default="", description="A folder of rules (severity.toml, ...).")
    templates: str = Field(default="", description="A folder of templates (receipt.txt.j2, ...).")


class Config(_Table):
    """All of `maild.toml`."""

    list: ListTable = ListTable()
    posting: PostingTable = PostingTable()
    smtp: SmtpTable = SmtpTable()
    delivery: DeliveryTable = DeliveryTable()
    signing: SigningTable = SigningTable()
    store: StoreTable = StoreTable()
    digest: DigestTable = DigestTable()
    working_hours: HoursTable = HoursTable()
    paths: PathsTable = PathsTable()


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


def length_of(span: str) -> timedelta | None:
    """Give a length of time such as "15 min"; None for "never"."""
    match = _SPAN.match(span)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]]) if match else None


def listen_address(place: str) -> tuple[str, int]:
    """Split a place to listen on, such as "127.0.0.1:8025" or "[::1]:8025"."""
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)


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
            parts.append(f"{key} = {_toml(declared.default)}\n")
    return "".join(parts)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    # JSON's strings, numbers and booleans are TOML's.
    return json.dumps(value, ensure_ascii=False)
