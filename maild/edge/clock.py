"""The time: the one place that asks for it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Give the moment, aware, in UTC."""
    return datetime.now(UTC)
