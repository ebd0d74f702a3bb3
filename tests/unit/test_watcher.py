"""The watcher, with a mailbox and a door of a few lines: each mail once, and none stops another."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from maild.mail.message import RawMessage, Reply
from maild.mail.watermark import Watermark
from maild.trouble import Broken
from maild.watcher import MAX_HAUL, MAX_SHOWN, MAX_SHOWN_OCTETS, Folders, Pace, Watcher

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TAKEN = Reply(250, 0, 0, "Taken")
LATER = Reply(451, 3, 0, "Try again later")
FOLDERS = Folders("box", "incidents@example.com", "Processed", "Refused", 1000)
QUICK = Pace(renew=0, again=0, unmoved=7, trouble=0, first_rest=0, last_rest=0, tries=3)


@dataclass
class Box:
    """A mailbox; what is at a UID is octets, a Reply, or an exception, and `wait` ends the run."""

    mails: dict[int, bytes | Reply | Exception]
    validity: int = 1
    folders: dict[str, list[int]] = field(default_factory=lambda: {"Processed": [], "Refused": []})
    unmovable: int = 0
    waited: list[float] = field(default_factory=list)

    async def uids(self, first: int, last: int | None = None, *, kept: bool = False) -> list[int]:
        return sorted(u for u in self.mails if first <= u and (last is None or u <= last))

    async def fetch(self, uid: int, max_bytes: int) -> bytes | Reply | None:
        found = self.mails.get(uid)
        if isinstance(found, Exception):
            raise found
        return found

    async def move(self, uids: Sequence[int], folder: str) -> Reply | None:
        if self.unmovable:
            self.unmovable -= 1
            return LATER
        for uid in uids:
            self.folders[folder].append(uid)
            self.mails.pop(uid, None)
        return None

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        raise asyncio.CancelledError


@dataclass
class Door:
    """Takes all but Mallory's, as often as it is not in trouble."""

    trouble: int = 0
    kept: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    mark: Watermark | None = None
    unproved: list[Reply] = field(default_factory=list)

    def known(self, name: str) -> Watermark | None:
        return self.mark

    def recipient(self, address: str) -> Reply | None:
        return None if address == "incidents@example.com" else Reply(550, 1, 1, "No")

    def author(self, raw: RawMessage) -> Reply | None:
        assert raw.envelope.recipients == ("incidents@example.com",)
        assert raw.via == "imap"
        return Reply(550, 7, 1, "No") if b"mallory" in raw.content else None

    async def proved(self, raw: RawMessage) -> RawMessage | Reply:
        return self.unproved.pop(0) if self.unproved else raw

    async def collect(self, raws: Sequence[RawMessage], *marks: Watermark) -> Reply:
        if self.trouble:
            self.trouble -= 1
            return LATER
        for raw in raws:
            kept = self.shown if raw.authenticated.standing == "refused" else self.kept
            kept.append(raw.content.rpartition(b"\n")[2].decode())
        self.commits.append(len(raws))
        (self.mark,) = marks
        return TAKEN


def letter(words: str, author: str = "kevin", **fields: str) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return f"From: {author}@example.com\n{more}\n{words}".encode()


def watch(box: Box, door: Door, folders: Folders = FOLDERS) -> list[str]:
    """Watch until there is nothing to do but wait; gives the events that were logged."""
    events: list[str] = []

    @asynccontextmanager
    async def opened() -> AsyncIterator[Box]:
        yield box

    def log(event: str, **_: object) -> None:
        events.append(event)

    watcher = Watcher(opened, door.known, door, folders, lambda: NOON, log, QUICK)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watcher.run())
    assert "imap_bug" not in events
    return events


def test_what_is_new_is_taken_in_order_and_moved() -> None:
    box, door = Box({5: letter("a"), 9: letter("b")}), Door()
    watch(box, door)
    assert door.kept == ["a", "b"]
    assert box.folders == {"Processed": [5, 9], "Refused": []}
    assert door.mark == Watermark("box", 1, 9)
    assert box.waited == [QUICK.renew]


def test_nothing_is_taken_twice_whether_or_not_it_was_moved() -> None:
    box, door = Box({5: letter("a")}, unmovable=1), Door()
    assert "imap_unmoved" in watch(box, door)
    assert box.folders["Processed"] == []
    assert box.waited == [QUICK.unmoved]
    box.mails[6] = letter("b")
    watch(box, door)
    assert door.kept == ["a", "b"]
    assert box.folders["Processed"] == [5, 6]


def test_without_folders_mails_stay_and_are_known() -> None:
    box, door = Box({5: letter("a"), 6: letter("b", "mallory")}), Door()
    stay = Folders("box", "incidents@example.com", "", "", 1000)
    watch(box, door, stay)
    watch(box, door, stay)
    assert door.kept == ["a"]
    assert set(box.mails) == {5, 6}
    assert door.mark == Watermark("box", 1, 6)


def test_many_come_in_groups() -> None:
    box, door = Box({uid: letter(str(uid)) for uid in range(1, 101)}), Door()
    watch(box, door)
    assert door.kept == [str(uid) for uid in range(1, 101)]
    assert door.commits == [MAX_HAUL] * 3 + [4]


def test_a_stranger_is_refused_and_moved_aside_even_after_a_failed_move() -> None:
    box, door = Box({5: letter("a", "mallory"), 6: letter("b")}, unmovable=2), Door()
    assert "refused" in watch(box, door)
    assert door.kept == ["b"]
    assert door.mark == Watermark("box", 1, 6, refused=(5,))
    watch(box, door)
    assert box.folders == {"Processed": [6], "Refused": [5]}
    box.mails[7] = letter("c")
    watch(box, door)
    assert door.mark == Watermark("box", 1, 7)


def test_refused_mails_are_shown_to_the_desk_twenty_an_hour_and_no_big_ones() -> None:
    big = letter("big" * (MAX_SHOWN_OCTETS // 3), "mallory")
    box = Box({1: big} | {uid: letter(str(uid), "mallory") for uid in range(2, 60)})
    door = Door()
    watch(box, door)
    assert door.shown == [str(uid) for uid in range(2, 2 + MAX_SHOWN)]
    assert (door.kept, len(box.folders["Refused"])) == ([], 59)


def test_a_foreign_delivered_to_is_passed_over() -> None:
    box, door = Box({5: letter("a", "mallory", Delivered_To="box-17@example.org")}), Door()
    watch(box, door)
    assert door.kept == []


def test_one_too_big_is_moved_aside() -> None:
    box, door = Box({5: Reply(552, 3, 4, "Message too big"), 6: letter("b")}), Door()
    watch(box, door)
    assert box.folders == {"Processed": [6], "Refused": [5]}


def test_one_that_is_gone_is_passed() -> None:
    box, door = Box({5: letter("a"), 6: letter("b")}), Door()
    box.mails[5] = None  # type: ignore[assignment]
    watch(box, door)
    assert door.kept == ["b"]
    assert door.mark == Watermark("box", 1, 6)


@pytest.mark.parametrize("how", [LATER, Broken("lost")], ids=["refused", "lost"])
def test_one_that_cannot_be_fetched_stops_nobody_and_goes_aside_in_the_end(
    how: Reply | Exception,
) -> None:
    box, door = Box({4: letter("a"), 5: how, 6: letter("b")}), Door()
    for _ in range(5):
        watch(box, door)
    assert door.kept == ["a", "b"]
    assert box.folders == {"Processed": [4, 6], "Refused": [5]}


def test_one_that_can_be_fetched_later_is_taken() -> None:
    box, door = Box({5: LATER, 6: letter("b")}), Door()
    watch(box, door)
    assert door.mark == Watermark("box", 1, 6, failed=((5, 1),))
    box.mails[5] = letter("a")
    watch(box, door)
    assert door.kept == ["b", "a"]
    assert door.mark == Watermark("box", 1, 6)
    assert box.folders["Processed"] == [6, 5]


def test_a_store_in_trouble_leaves_all_where_it_is() -> None:
    box, door = Box({5: letter("a"), 6: letter("b", "mallory")}), Door(trouble=1)
    watch(box, door)
    assert (door.kept, set(box.mails), box.waited) == ([], {5, 6}, [QUICK.trouble])
    watch(box, door)
    assert (door.kept, set(box.mails)) == (["a"], set())


def test_other_numbers_are_told_once() -> None:
    box, door = Box({}, validity=2), Door(mark=Watermark("box", 1, 9))
    assert "imap_renumbered" in watch(box, door)
    assert "imap_renumbered" not in watch(box, door)


def test_other_numbers_begin_anew() -> None:
    box, door = Box({5: letter("a")}), Door(mark=Watermark("box", 7, 99, (3,), ((4, 1),)))
    assert "imap_renumbered" in watch(box, door)
    assert door.kept == ["a"]
    assert door.mark == Watermark("box", 1, 5)


def test_a_forged_from_is_moved_aside_and_one_that_nobody_can_prove_now_waits() -> None:
    box, door = Box({5: letter("a"), 6: letter("b"), 7: letter("c")}), Door()
    door.unproved = [Reply(550, 7, 26, "Forged"), *[Reply(451, 7, 26, "The DNS is down")] * 2]
    watch(box, door)
    assert door.kept == []
    assert box.folders == {"Processed": [], "Refused": [5]}
    watch(box, door)
    assert door.kept == ["b", "c"]
