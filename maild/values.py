"""What a value of the configuration may be: addresses, networks, spans, schedules, clocks, zones."""

import json
import re
import shlex
from datetime import date, timedelta
from ipaddress import ip_address, ip_network
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

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


FOR_EVER: Final = "for ever"
_KEEP_DAYS: Final = {"day": 1, "week": 7, "month": 30, "year": 365}
_KEEP: Final = re.compile(r"^([1-9]\d{0,3})\s*(day|week|month|year)s?$")


def address_of(value: str) -> str:
    """Check an address of the roster or the configuration. Raises ValueError with what is wrong."""
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise ValueError(f"is no e-mail address: {error}") from error


def _domain(value: str) -> str:
    if not re.match(DOMAIN, value.lower()):
        raise ValueError('is no domain; write "@example.com"')
    return value.lower()


def _address_or_domain(value: str) -> str:
    return _domain(value) if value.startswith("@") else address_of(value).lower()


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


def _interval(value: str) -> str:
    if value == "never" or not (length_of(value) or timedelta()):
        raise ValueError('is no length of time above 0; write "15 min" or "2 h"')
    return value


def _keep(value: str) -> str:
    if value != FOR_EVER and not _KEEP.match(value):
        raise ValueError('is no time to keep something; write "7 days", "2 years" or "for ever"')
    return value


def _argv(value: object) -> object:
    if isinstance(value, str):
        return tuple(shlex.split(value))
    return tuple(value) if isinstance(value, list) else value


def _loopback_listen(value: str) -> str:
    if value and not is_loopback(listen_address(_listen(value))[0]):
        raise ValueError('can be reached by other machines; write "127.0.0.1:9125"')
    return value


def _maybe_address(value: str) -> str:
    return address_of(value) if value else value


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError as error:
        raise ValueError(f'is no network; write "10.0.0.0/8" or "192.0.2.7": {error}') from error
    return value


def _private(tls: str, table: ValidationInfo) -> str:
    host = table.data.get("host", "")
    if tls == "none" and host and not is_loopback(host):
        raise ValueError("on the way there anybody could read the password")
    return tls


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nobody else is on the way to it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Clock = Annotated[str, AfterValidator(_clock)]
Holiday = Annotated[str, AfterValidator(_holiday)]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
AddressText = Annotated[str, AfterValidator(address_of)]
Domain = Annotated[str, AfterValidator(_domain)]
ImapTls = Annotated[Literal["implicit", "starttls", "none"], AfterValidator(_private)]
Poster = Annotated[str, AfterValidator(_address_or_domain)]
Zone = Annotated[str, AfterValidator(_zone)]
Listen = Annotated[str, AfterValidator(_listen)]
Argv = Annotated[tuple[str, ...], BeforeValidator(_argv)]
Interval = Annotated[str, AfterValidator(_interval)]
Keep = Annotated[str, AfterValidator(_keep)]
LoopbackListen = Annotated[str, AfterValidator(_loopback_listen)]
MaybeAddress = Annotated[str, AfterValidator(_maybe_address)]
Network = Annotated[str, AfterValidator(_network)]
Span = Annotated[str, AfterValidator(_span)]
Schedule = Annotated[str, AfterValidator(_schedule)]
Authenticate = Literal["none", "dmarc"]
Verp = Literal["probe", "always", "never"]
RewriteFrom = Literal["foreign", "always", "never"]
SignedDomain = Annotated[str, Field(pattern=r"^(?:(?:[a-z0-9-]+\.)+[a-z0-9-]+)?$")]
Selector = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]


def length_of(span: str) -> timedelta | None:
    """Give a length of time such as "15 min"; None for "never"."""
    match = _SPAN.match(span)
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]]) if match else None


def keep_of(text: str) -> timedelta | None:
    """Give how long something is kept, such as "7 days"; None for ever."""
    match = _KEEP.match(text)
    return timedelta(days=int(match[1]) * _KEEP_DAYS[match[2]]) if match else None


def listen_address(place: str) -> tuple[str, int]:
    """Split a place to listen on, such as "127.0.0.1:8025" or "[::1]:8025"."""
    host, _, port = place.rpartition(":")
    return host.strip("[]"), int(port)


def toml_of(value: object) -> str:
    """Write a value as `maild.toml` has it."""
    if isinstance(value, tuple):
        return "[" + ", ".join(toml_of(item) for item in value) + "]"
    # JSON's strings, numbers and booleans are TOML's.
    return json.dumps(value, ensure_ascii=False)
