"""Who receives what: modes, digests, and a filter by severity (interface, `maild roster`)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

Mode = Literal["immediate", "updates", "none"]
DigestKind = Literal["daily", "weekly", "none"]
Occasion = Literal["raised", "resolved"]
Form = Literal["summary", "mime", "plain"]

MODES: Final[tuple[Mode, ...]] = ("immediate", "updates", "none")
DIGESTS: Final[tuple[DigestKind, ...]] = ("daily", "weekly", "none")
CONFIRM_WITHIN: Final = timedelta(days=7)
OCCASIONS: Final[tuple[Occasion, ...]] = ("raised", "resolved")
FORMS: Final[tuple[Form, ...]] = ("summary", "mime", "plain")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber's choices.

    mode: every mail at once, openings and updates only, or none. severity: this grave and graver;
    None is all. form: of the digest: our summary, or the mails of the period themselves, as MIME
    parts or in one plain text (RFC 1153). at_once: on what he hears of an incident at once besides.
    paused_at: since when he gets no copies, because too many came back.
    """

    address: str
    mode: Mode = "immediate"
    digest: DigestKind = "daily"
    severity: int | None = None
    form: Form = "summary"
    at_once: tuple[Occasion, ...] = ()
    paused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody would like changed; None leaves it as it is. severity: 0 is all."""

    mode: Mode | None = None
    digest: DigestKind | None = None
    severity: int | None = None
    form: Form | None = None
    at_once: tuple[Occasion, ...] = ()


@dataclass(frozen=True, slots=True)
class RosterChange:
    """What an address has from now on; None: it is taken off the roster."""

    address: str
    now: Subscription | None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A change that waits until its subscriber has answered our mail; token: nobody can guess it."""

    token: str
    change: RosterChange
    asked_at: datetime


def chosen(subscription: Subscription, choices: Choices) -> Subscription:
    """Lay choices over a subscription."""
    severity = subscription.severity if choices.severity is None else choices.severity or None
    wanted = tuple(one for one in OCCASIONS if one in choices.at_once)
    return replace(
        subscription,
        mode=choices.mode or subscription.mode,
        digest=choices.digest or subscription.digest,
        severity=severity,
        form=choices.form or subscription.form,
        at_once=wanted or subscription.at_once,
    )
