"""How many bounces are too many: points for each day with one, fewer as time goes by.

A bounce counts only for a subscriber, once a day, the gravest of the day; what says nothing of the
address (a mail refused for its content, its size or our reputation) counts nothing. Who calls a mail
spam wants no more of them: one proved complaint is enough.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from maild.mail.message import Reply

Gravity = Literal["complaint", "hard", "soft", "none"]

THRESHOLD: Final = 5.0
POINTS: Final[dict[Gravity, float]] = {
    "complaint": THRESHOLD,
    "hard": 2.0,
    "soft": 1.0,
    "none": 0.0,
}
# One point is forgotten in so long a time.
FORGOTTEN_AFTER: Final = timedelta(days=7)

# RFC 3463 §3: what a permanent failure says of the address, by subject and detail; else by subject.
_DETAILS: Final[dict[str, Gravity]] = {
    "0.0": "hard",
    "1.7": "none",  # the sender's address
    "1.8": "none",
    "2.2": "soft",  # the mailbox is full
    "2.3": "none",  # the mail is too long
    "2.4": "soft",  # a mailing list's own trouble
}
_SUBJECTS: Final[dict[str, Gravity]] = {"1": "hard", "2": "hard", "4": "soft"}


@dataclass(frozen=True, slots=True)
class Bouncing:
    """What a subscriber's bounces amount to.

    score: points at that moment. counted: points of that day, of which each has one bounce.
    """

    score: float
    at: datetime
    counted: float = 0.0

    @property
    def too_many(self) -> bool:
        """Whether his copies are to be paused."""
        return self.score >= THRESHOLD


def gravity_of(status: str) -> Gravity:
    """Say what an enhanced status ("5.1.1") says of the address (RFC 3463)."""
    kind, _, rest = status.partition(".")
    if kind == "4":
        return "soft"
    if kind != "5":
        return "none"
    return _DETAILS.get(rest) or _SUBJECTS.get(rest.partition(".")[0], "none")


def gravity_of_reply(reply: Reply) -> Gravity:
    """Say what our own relay's reply says of the address; one without an enhanced status, nothing."""
    if reply.deferred:
        return "soft"
    if reply.positive or (reply.subject, reply.detail) == (0, 0):
        return "none"
    return gravity_of(f"5.{reply.subject}.{reply.detail}")


def counted(before: Bouncing | None, gravity: Gravity, now: datetime, *, certain: bool) -> Bouncing:
    """Count a bounce.

    certain: the proof names this subscriber alone. What a batch's token says, which every reader of
    that batch has seen, brings nobody over the threshold.
    """
    points = POINTS[gravity]
    today = 0.0
    score = 0.0
    if before is not None:
        score = max(0.0, before.score - (now - before.at) / FORGOTTEN_AFTER)
        today = before.counted if before.at.date() == now.date() else 0.0
    after = score + max(0.0, points - today)
    if not certain:
        after = max(score, min(after, THRESHOLD - 1))
    return Bouncing(after, now, max(points, today))
