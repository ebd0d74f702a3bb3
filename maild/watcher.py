"""The watcher: takes what lies in a mailbox, each mail once, and moves it out of people's way.

What has been taken our database knows alone: UIDVALIDITY and UID, written in one commit with the
mail, before anything is moved. Flags and folders are for people. It knows no IMAP: the `Mailbox` is
whatever fits below.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from maild.mail.envelope import raw_from_fields
from maild.mail.headers import author, fields, split_content
from maild.mail.message import Authenticated, RawMessage, Reply
from maild.mail.watermark import Watermark
from maild.trouble import Broken

MAX_HAUL: Final = 32
MAX_HAUL_OCTETS: Final = 4 << 20
# Refused mails that the desk looks at for the owner's sake: so many an hour, so big at the most.
MAX_SHOWN: Final = 20
MAX_SHOWN_OCTETS: Final = 256 << 10
SHOWN_SECONDS: Final = 3600.0


class Mailbox(Protocol):
    """What the watcher needs of a mailbox; all of it raises Broken where the connection is lost."""

    validity: int

    async def uids(self, first: int, last: int | None = None, *, kept: bool = False) -> list[int]:
        """List the UIDs from first to last, in order; kept: not those marked as deleted."""
        ...

    async def fetch(self, uid: int, max_bytes: int) -> bytes | Reply | None:
        """Give a mail's octets; a Reply says why not (4yz: perhaps later), None that it is gone."""
        ...

    async def move(self, uids: Sequence[int], folder: str) -> Reply | None:
        """Move mails to a folder; a Reply says why it did not work."""
        ...

    async def wait(self, seconds: float) -> None:
        """Wait until something has changed, or so long."""
        ...


class Doorkeeper(Protocol):
    """What the watcher needs of the door."""

    def recipient(self, address: str) -> Reply | None:
        """Refuse a recipient that is none of ours."""
        ...

    def author(self, raw: RawMessage) -> Reply | None:
        """Refuse an author who may not post."""
        ...

    async def proved(self, raw: RawMessage) -> RawMessage | Reply:
        """Find out whether From is genuine; a Reply refuses the mail, perhaps for now only."""
        ...

    async def collect(self, raws: Sequence[RawMessage], *marks: Watermark) -> Reply:
        """Commit mails and how far the mailbox is taken with them: all or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Folders:
    """Which mailbox it is, and where its mails go; an empty folder leaves them where they are.

    name: the mailbox in our database and log. address: the list's, where a mail names none of ours.
    """

    name: str
    address: str
    done: str
    refused: str
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the watcher waits, in seconds.

    renew: for the server's word that there is mail; then it looks anyhow. again: for a mail that
    could not be fetched. trouble: for our own store. first_rest to last_rest: between connections.
    tries: how often a mail is fetched before it is moved aside; proofs: and how often where nobody
    can be asked whether its From is genuine.
    """

    renew: float = 240.0
    again: float = 20.0
    unmoved: float = 60.0
    trouble: float = 5.0
    first_rest: float = 1.0
    last_rest: float = 120.0
    tries: int = 5
    proofs: int = 180


@dataclass(slots=True)
class _Haul:
    """What is committed at once: mails, and how far the mailbox is taken with them."""

    before: Watermark | None
    after: Watermark
    raws: list[RawMessage] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    octets: int = 0

    @property
    def full(self) -> bool:
        return len(self.done) + len(self.refused) >= MAX_HAUL or self.octets >= MAX_HAUL_OCTETS

    def take(self, uid: int, raw: RawMessage) -> None:
        self.raws.append(raw)
        self.done.append(uid)
        self.octets += len(raw.content)
        self.after = self.after.decided(uid)

    def show(self, raw: RawMessage, reply: Reply) -> None:
        """Bring a refused mail along, so that the owner hears of it where it reads as an incident."""
        self.raws.append(replace(raw, authenticated=Authenticated("refused", str(reply))))
        self.octets += len(raw.content)

    def refuse(self, uid: int, *, aside: bool) -> None:
        self.refused.append(uid)
        self.after = self.after.decided(uid, refused=aside)


class Watcher:
    """Watches one mailbox for ever, beside whatever else the door does."""

    def __init__(
        self,
        opened: Callable[[], AbstractAsyncContextManager[Mailbox]],
        known: Callable[[str], Watermark | None],
        door: Doorkeeper,
        folders: Folders,
        clock: Callable[[], datetime],
        log: Callable[..., None],
        pace: Pace = Pace(),
    ) -> None:
        self.opened, self.known, self.door, self.folders = opened, known, door, folders
        self.clock, self.log, self.pace = clock, log, pace
        self._rest = pace.first_rest
        self._stumbled: int | None = None
        self._retry_at = 0.0
        self._unmoved = False
        self._shown: deque[float] = deque(maxlen=MAX_SHOWN)

    async def run(self) -> None:
        """Watch for ever: connect, look, wait, look again; after any trouble start anew."""
        while True:
            try:
                await self._watch()
            except Broken as error:
                self.log("imap_lost", mailbox=self.folders.name, reason=str(error))
            except Exception as error:
                self.log("imap_bug", mailbox=self.folders.name, error=error)
            # Jitter, so that many who lost one server do not all come back at once.
            await asyncio.sleep(self._rest * random.uniform(0.7, 1.0))
            self._rest = min(self._rest * 2, self.pace.last_rest)

    async def _watch(self) -> None:
        async with self.opened() as box:
            self.log("imap_open", mailbox=self.folders.name, validity=box.validity)
            while True:
                patience = await self.look(box)
                self._rest = self.pace.first_rest
                await box.wait(patience)

    async def look(self, box: Mailbox) -> float:
        """Take all that is new, in order; says in how many seconds to look again. Raises Broken."""
        self._unmoved = False
        known = self.known(self.folders.name)
        mark = await self._tidied(box, known)
        fresh = await box.uids(mark.uid + 1)
        haul = _Haul(known, mark)
        due = asyncio.get_running_loop().time() >= self._retry_at
        for uid in (*fresh, *(uid for uid, _ in mark.failed if due)):
            try:
                await self._bring(box, uid, haul)
            except Broken:
                # What was fetched is whole; and what breaks us twice must not stop the others.
                if uid in (self._stumbled, *dict(mark.failed)):
                    self._failed(uid, haul, "the connection was lost at it")
                self._stumbled = uid
                await self._keep(haul)
                raise
            if haul.full:
                if not await self._land(box, haul):
                    return self.pace.trouble
                haul = _Haul(haul.after, haul.after)
        if not await self._land(box, haul):
            return self.pace.trouble
        if haul.after.failed:
            return max(1.0, self._retry_at - asyncio.get_running_loop().time())
        return self.pace.unmoved if self._unmoved else self.pace.renew

    async def _tidied(self, box: Mailbox, known: Watermark | None) -> Watermark:
        """Say how far the mailbox is taken; move what should have been moved and is still there."""
        name = self.folders.name
        mark = known or Watermark(name, box.validity)
        if mark.validity != box.validity:
            # The numbers mean nothing any more; a mail that we have had is a duplicate to the desk.
            self.log("imap_renumbered", mailbox=name, was=mark.validity, validity=box.validity)
            return Watermark(name, box.validity)
        if not (mark.uid and (self.folders.done or self.folders.refused)):
            return mark
        here = await box.uids(1, mark.uid, kept=True)
        waiting = dict(mark.failed)
        await self._move(box, [u for u in here if u not in waiting and u not in mark.refused])
        await self._move(box, [u for u in here if u in mark.refused], refused=True)
        return mark.left(frozenset(here))

    async def _bring(self, box: Mailbox, uid: int, haul: _Haul) -> None:
        """Fetch a mail and decide on it: it is taken, refused, gone, or passed by."""
        content = await box.fetch(uid, self.folders.max_bytes)
        if content is None:
            haul.after = haul.after.decided(uid)
        elif isinstance(content, bytes):
            raw = raw_from_fields(
                content,
                self.clock(),
                self.folders.address,
                "imap",
                lambda address: self.door.recipient(address) is None,
            )
            judged = self.door.author(raw) or await self.door.proved(raw)
            if isinstance(judged, RawMessage):
                haul.take(uid, judged)
            elif judged.deferred:
                self._failed(uid, haul, judged.text, self.pace.proofs)
            else:
                name = author(fields(split_content(content)[0])).address
                if self._room_to_show(len(content)):
                    haul.show(raw, judged)
                self._refused(uid, haul, judged, name)
        elif content.deferred:
            self._failed(uid, haul, content.text)
        else:
            self._refused(uid, haul, content, "")

    def _room_to_show(self, octets: int) -> bool:
        """Whether one more refused mail may be brought to the desk; it counts as brought."""
        now = asyncio.get_running_loop().time()
        full = len(self._shown) == MAX_SHOWN and now - self._shown[0] < SHOWN_SECONDS
        if full or octets > MAX_SHOWN_OCTETS:
            return False
        self._shown.append(now)
        return True

    def _refused(self, uid: int, haul: _Haul, reply: Reply, name: str) -> None:
        haul.refuse(uid, aside=bool(self.folders.refused or self.folders.done))
        self.log("refused", reply=str(reply), mailbox=self.folders.name, uid=uid, author=name)

    def _failed(self, uid: int, haul: _Haul, why: str, most: int = 0) -> None:
        haul.after = haul.after.passed_by(uid)
        self._retry_at = asyncio.get_running_loop().time() + self.pace.again
        tries = haul.after.tries(uid)
        self.log("imap_unfetched", mailbox=self.folders.name, uid=uid, tries=tries, reason=why)
        if tries >= (most or self.pace.tries):
            self._refused(uid, haul, Reply(554, 3, 0, f"Cannot be taken: {why}"), "")

    async def _keep(self, haul: _Haul) -> bool:
        """Commit; False where the store is in trouble, so that all of it is tried again later."""
        if haul.after == haul.before and not haul.raws:
            return True
        reply = await self.door.collect(haul.raws, haul.after)
        return reply.positive

    async def _land(self, box: Mailbox, haul: _Haul) -> bool:
        """Commit, and only then move: at worst a mail lies where it was, and is moved later."""
        if not await self._keep(haul):
            return False
        await self._move(box, haul.done)
        await self._move(box, haul.refused, refused=True)
        return True

    async def _move(self, box: Mailbox, uids: Sequence[int], *, refused: bool = False) -> None:
        folder = (refused and self.folders.refused) or self.folders.done
        if not (uids and folder):
            return
        failure = await box.move(uids, folder)
        if failure is not None:
            self._unmoved = True
            self.log(
                "imap_unmoved",
                mailbox=self.folders.name,
                folder=folder,
                count=len(uids),
                reason=failure.text,
            )
