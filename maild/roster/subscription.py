"""Who receives what: modes, digests, and a filter by severity (interface, `maild roster`)."""

from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["immediate", "updates", "none"]
DigestKind = Literal["daily", "weekly", "none"]
Occasion = Literal["raised", "resolved"]
Form = Literal["summary", "mime", "plain"]

MODES: Final[tuple[Mode, ...]] = ("immediate", "updates", "none")
DIGESTS: Final[tuple[DigestKind, ...]] = ("daily", "weekly", "none")
OCCASIONS: Final[tuple[Occasion, ...]] = ("raised", "resolved")
FORMS: Final[tuple[Form, ...]] = ("summary", "mime", "plain")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber's choices.

    mode: every mail at once, openings and updates only, or none. severity: this grave and graver;
    None is all. form: of the digest: our summary, or the mails of the period themselves, as MIME
    parts or in one plain text (RFC 1153). at_once: on what he hears of an incident at once besides.
    """

    address: str
    mode: Mode = "immediate"
    digest: DigestKind = "daily"
    severity: int | None = None
    form: Form = "summary"
    at_once: tuple[Occasion, ...] = ()
