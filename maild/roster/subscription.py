"""Who receives what: modes, digests, and a filter by severity (interface, `maild roster`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Mode = Literal["immediate", "updates", "none"]
DigestKind = Literal["daily", "weekly", "none"]

MODES: Final[tuple[Mode, ...]] = ("immediate", "updates", "none")
DIGESTS: Final[tuple[DigestKind, ...]] = ("daily", "weekly", "none")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber's choices.

    mode: every mail at once, openings and updates only, or none. severity: this grave and graver;
    None is all. paused_at: since when he gets no copies, because too many came back.
    """

    address: str
    mode: Mode = "immediate"
    digest: DigestKind = "daily"
    severity: int | None = None
    paused_at: datetime | None = None
