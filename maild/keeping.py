"""The clock of what is kept how long: a little at each tick, so that nothing waits for it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Final, Protocol

from maild.incident.redaction import note_of

REST: Final = timedelta(minutes=10)


class Expiry(Protocol):
    """What the clock needs of a store; each call is a short transaction, and raises Broken."""

    def bodies(self, before: datetime) -> int:
        """Drop some bodies of sent letters; says how many."""
        ...

    def mails(self, before: datetime, note: str, now: datetime) -> int:
        """Redact some old mails; says how many."""
        ...

    def merging(self) -> Iterator[None]:
        """Take what was dropped out of the full text index, step by step."""
        ...

    def tidy(self, now: datetime) -> None:
        """Drop notes that nothing looks at any more."""
        ...


class Keeping:
    """Drops what is due; sent, mails: how long bodies and words are kept, None for ever."""

    def __init__(
        self,
        expiry: Expiry,
        sent: timedelta | None,
        mails: timedelta | None,
        zone: tzinfo,
        log: Callable[..., None],
    ) -> None:
        self.expiry, self.mails, self.zone, self.log = expiry, mails, zone, log
        # A body holds a mail's words; it must not outlast them.
        self.sent = min((span for span in (sent, mails) if span is not None), default=None)
        self._steps: Iterator[tuple[int, int]] | None = None
        self._next_at: datetime | None = None

    def tick(self, now: datetime) -> None:
        """Do one step; after the last one rest for ten minutes. Raises Broken."""
        if self._next_at is not None and self._next_at - REST <= now < self._next_at:
            return
        self._steps = self._steps or self._run(now)
        try:
            if next(self._steps, None) is not None:
                return
        except BaseException:
            self._steps = None
            raise
        self._steps, self._next_at = None, now + REST

    def _run(self, now: datetime) -> Iterator[tuple[int, int]]:
        """Drop all that is due at a moment, step by step; each says how much it was."""
        bodies = mails = 0
        while self.sent is not None and (count := self.expiry.bodies(now - self.sent)):
            bodies += count
            yield count, 0
        note = note_of(now.astimezone(self.zone).date())
        while self.mails is not None and (count := self.expiry.mails(now - self.mails, note, now)):
            mails += count
            yield 0, count
        if mails:
            for _ in self.expiry.merging():
                yield 0, 0
        self.expiry.tidy(now)
        if bodies or mails:
            self.log("dropped", bodies=bodies, mails=mails)
