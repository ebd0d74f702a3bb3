"""The door: takes arrivals, commits them, and only then says 250. It never looks into a mail.

The one exception is the author's address, read guarded, for the right to post.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from maild.mail.headers import author, fields, split_content
from maild.mail.message import Authenticated, RawMessage, Reply
from maild.mail.watermark import Watermark
from maild.roster.posting import Posting

Authenticate = Callable[[RawMessage], Awaitable[Authenticated]]

MAX_BATCH: Final = 256
MAX_BATCH_OCTETS: Final = 8 << 20

# A store that failed is tried again after a rest; one that did not, after as many rests.
REST_SECONDS: Final = 3.0
RESTS: Final = 20

TAKEN: Final = Reply(250, 0, 0, "Taken; it is on record")
TRY_AGAIN: Final = Reply(451, 3, 0, "Try again later")
NO_ROOM: Final = Reply(452, 3, 1, "No room just now; try again later")


class Arrivals(Protocol):
    """What the door needs of a store."""

    def keep(self, batch: Sequence[RawMessage], marks: Sequence[Watermark] = ()) -> tuple[int, ...]:
        """Commit a batch and how far mailboxes are taken with it; gives each record's number."""
        ...

    def try_to_write(self) -> bool:
        """Commit something that changes nothing, down to the disk; False where others write."""
        ...


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What is committed together or not at all, and who waits for that."""

    raws: tuple[RawMessage, ...]
    marks: tuple[Watermark, ...]
    receipt: asyncio.Future[Reply]

    @property
    def octets(self) -> int:
        return sum(len(raw.content) for raw in self.raws)


class Door:
    """Answers three questions of who brings mail: this recipient? this author? taken?

    wake: called after each commit, so that the desk looks. broken: called with what went wrong.
    shut: whether the store is in trouble, so that nothing is taken just now. authenticate: finds out
    whether From is genuine; None believes everybody. full: whether the disk is nearly full.
    """

    def __init__(
        self,
        arrivals: Arrivals,
        posting: Posting,
        wake: Callable[[], None],
        broken: Callable[[Exception], None],
        shut: Callable[[], bool],
        authenticate: Authenticate | None = None,
        full: Callable[[], bool] = lambda: False,
    ) -> None:
        self.arrivals, self.posting, self.wake, self.broken = arrivals, posting, wake, broken
        self.shut, self.authenticate, self.full = shut, authenticate, full
        self._waiting: list[_Parcel] = []
        self._writer: asyncio.Task[None] | None = None
        self._failed = False

    def recipient(self, address: str) -> Reply | None:
        """Refuse a recipient that is none of ours (RFC 5321 §3.3); None is welcome."""
        return self.posting.recipient(address)

    def author(self, raw: RawMessage) -> Reply | None:
        """Refuse an author who may not post; None is welcome.

        Never asked for a null reverse-path: that is taken, and ignored later.
        """
        if raw.envelope.reverse_path is None:
            return None
        found = fields(split_content(raw.content)[0])
        return self.posting.author(author(found).address, raw.envelope.recipients)

    async def arrive(self, raw: RawMessage) -> Reply:
        """Commit a mail together with all that wait; 250 only after the COMMIT.

        Refused where From has to be genuine and is not, or nobody can be asked (then for now only).
        """
        if closed := self._closed():
            return closed
        proved = await self.proved(raw)
        return proved if isinstance(proved, Reply) else await self.collect((proved,))

    async def proved(self, raw: RawMessage) -> RawMessage | Reply:
        """Give a mail with what authentication found; a Reply refuses it, perhaps for now only."""
        if self.authenticate is None or not self.posting.asks(raw.envelope):
            return raw
        found = await self.authenticate(raw)
        return self.posting.unproved(found.standing) or replace(raw, authenticated=found)

    async def collect(self, raws: Sequence[RawMessage], *marks: Watermark) -> Reply:
        """Commit mails of one mailbox, all or none, and in the same commit how far it is taken."""
        if closed := self._closed():
            return closed
        receipt: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Parcel(tuple(raws), marks, receipt))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await receipt

    async def mind(self, rest: float = REST_SECONDS) -> None:
        """Try the store for ever, so that its trouble is known before a mail comes, and its end too."""
        while True:
            await self.collect(())
            for _ in range(RESTS):
                await asyncio.sleep(rest)
                if self._failed:
                    break

    def _closed(self) -> Reply | None:
        """Say why nothing is taken just now; None where the door is open."""
        # A full disk is also why the store is in trouble, and the truer word of the two.
        if self.full():
            return NO_ROOM
        return TRY_AGAIN if self.shut() else None

    async def _write(self) -> None:
        while self._waiting:
            batch: list[_Parcel] = []
            octets = 0
            while self._waiting and len(batch) < MAX_BATCH and octets < MAX_BATCH_OCTETS:
                batch.append(self._waiting.pop(0))
                octets += batch[-1].octets
            reply = await asyncio.to_thread(self._commit, batch)
            for parcel in batch:
                if not parcel.receipt.done():
                    parcel.receipt.set_result(reply)
            if reply.positive:
                self.wake()

    def _commit(self, batch: Sequence[_Parcel]) -> Reply:
        raws = [raw for parcel in batch for raw in parcel.raws]
        marks = [mark for parcel in batch for mark in parcel.marks]
        try:
            if raws or marks:
                self.arrivals.keep(raws, marks)
            elif not self.arrivals.try_to_write():
                # Neither well nor failing: who writes will find out.
                return TRY_AGAIN
        except Exception as error:
            # A full disk, a lock, a bug: whatever it is, the sender keeps the mail and tries again.
            self.broken(error)
            self._failed = True
            return TRY_AGAIN
        self._failed = False
        return TAKEN
