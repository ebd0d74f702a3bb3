"""Full text over the record: what was found."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """What a search has found: a mail, or (mail is None) an incident by its name.

    words: the place in the mail where it was found, cut with "...".
    """

    incident: str | None
    mail: int | None
    at: datetime
    author: str
    subject: str
    words: str
