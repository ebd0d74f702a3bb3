"""What is due, and when: today the drafts that nobody completes (reading rules, section 7)."""

from datetime import datetime, timedelta
from typing import Literal

from maild.incident.entry import Draft
from maild.incident.verdict import VITAL
from maild.reading.rules import Cadence

Due = Literal["ask", "publish"]


def draft_due(
    draft: Draft, now: datetime, cadence: Cadence, publish_after: timedelta | None
) -> Due | None:
    """Say what is due for a held draft: ask once more, or send it out as INCOMPLETE.

    publish_after: None is never. Only an opening that states anything at all goes out.
    """
    if draft.state != "held":
        return None
    age = now - draft.created_at
    states = any(name in draft.stated.values for name in (*VITAL, "channel"))
    if draft.kind == "opening" and publish_after is not None and states and age >= publish_after:
        return "publish"
    if draft.reminded == 0 and age >= timedelta(minutes=cadence.draft_reminder):
        return "ask"
    return None


def next_draft_at(
    draft: Draft, cadence: Cadence, publish_after: timedelta | None
) -> datetime | None:
    """Say when a held draft is next due; None when nothing more happens by itself."""
    ask = draft.created_at + timedelta(minutes=cadence.draft_reminder)
    if draft.reminded == 0:
        return ask
    return draft.created_at + publish_after if publish_after is not None else None
