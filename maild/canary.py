"""The canary's clock: a mail to ourselves through the outside, and an alarm if it does not come back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from maild.mail.message import Outgoing

Write = Callable[[int, datetime], Outgoing]


class Canaries(Protocol):
    """What the clock needs of a store."""

    def last(self) -> tuple[int, datetime, bool] | None:
        """Give the last one's number, when it was made, and whether it is still owed to the relay."""
        ...

    def lost(self, before: datetime) -> datetime | None:
        """Say when the first was sent, before then, that has not come back, nor any after it."""
        ...

    def enter(self, number: int, letter: Outgoing, now: datetime) -> None:
        """Note a canary, and owe it."""
        ...


class Canary:
    """Sends canaries, and says which is lost. write: gives the letter of a number."""

    def __init__(
        self,
        store: Canaries,
        write: Write,
        every: timedelta,
        within: timedelta,
        clock: Callable[[], datetime],
        owed: Callable[[], None],
    ) -> None:
        self.store, self.write, self.every, self.within = store, write, every, within
        self.clock, self.owed = clock, owed
        # One that came back while we were not there waits at the other server; it has its time anew.
        self.begun = clock()

    def tick(self, now: datetime) -> None:
        """Send one if it is time; not while the last is still owed, for that one tells the same."""
        last = self.store.last()
        if last is not None:
            number, sent_at, owed = last
            if owed or sent_at <= now < sent_at + self.every:
                return
        number = max(int(now.timestamp()), last[0] + 1 if last else 0)
        self.store.enter(number, self.write(number, now), now)
        self.owed()

    def lost(self, told: bool) -> str:
        """Say in a sentence that one has not come back in time; "" where all have."""
        now = self.clock()
        if not told and now < self.begun + self.within:
            return ""
        sent_at = self.store.lost(now - self.within)
        if sent_at is None:
            return ""
        at = f"{sent_at:%Y-%m-%d %H:%M} UTC"
        return f"The mail that maild sent to itself through the outside at {at} has not come back."
