"""What is minded of a running desk: which troubles there are, and how each is told."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from maild.alarms import Watch
from maild.canary import Canary
from maild.delivery import Deliverer
from maild.edge.clock import now
from maild.edge.command import run
from maild.edge.disk import Disk
from maild.edge.store.canaries import Canaries
from maild.edge.store.troubles import Troubles
from maild.letters.canary import canary
from maild.mail.message import Outgoing
from maild.mail.tokens import token
from maild.site import Site
from maild.values import length_of

# Below the first the owner hears, until there is the second again; the same for full.
LOW: Final = (0.10, 0.12)
FULL: Final = (0.02, 0.03)
# A relay that is started again is no trouble, nor is a lock that somebody holds for a moment.
RELAY_PATIENCE: Final = timedelta(seconds=10)
STORE_PATIENCE: Final = timedelta(seconds=5)


def is_full(disk: Disk) -> bool:
    """Whether so little is free that nothing more is taken."""
    return disk.free < FULL[0]


def watches(
    disk: Disk,
    deliverer: Deliverer,
    store: Troubles,
    store_fails: Callable[[], bool],
    canary: Canary | None = None,
) -> tuple[Watch, ...]:
    """List what can go wrong here; mail alone cannot tell of any but the disk that is low."""
    lost = (Watch("canary", canary.lost, about="canary", unwell=True),) if canary else ()
    return (
        *lost,
        Watch("relay", partial(_relay, deliverer, store), RELAY_PATIENCE),
        Watch("disk_full", partial(_full, disk), unwell=True),
        Watch("store", partial(_store, store_fails), STORE_PATIENCE, unwell=True),
        Watch("shunted", partial(_shunted, store)),
        Watch("disk", partial(_low, disk), command=False, about="disk"),
    )


def _relay(deliverer: Deliverer, store: Troubles, told: bool) -> str:
    if deliverer.down is None and told:
        return "The relay could not be reached; it has not been tried since maild started."
    if not deliverer.down:
        return ""
    return f"The relay cannot be reached: {deliverer.down}; {store.owed()} deliveries wait."


def _full(disk: Disk, told: bool) -> str:
    if disk.free >= FULL[told]:
        return ""
    return f"The disk of {disk.folder} is full ({_percent(disk)} free); no mail is taken."


def _low(disk: Disk, told: bool) -> str:
    if disk.free >= LOW[told]:
        return ""
    return f"{_percent(disk)} of the disk of {disk.folder} are free."


def _percent(disk: Disk) -> str:
    return f"{disk.free * 100:.1f} %"


def _store(fails: Callable[[], bool], told: bool) -> str:
    return "The database cannot be written; no mail is taken." if fails() else ""


def _shunted(store: Troubles, told: bool) -> str:
    count = store.shunted()
    words = "A mail" if count == 1 else f"{count} mails"
    return f"{words} could not be processed; see `maild shunted`." if count else ""


def canary_of(
    site: Site, connection: sqlite3.Connection, key: bytes, owed: Callable[[], None]
) -> Canary | None:
    """Give the clock of the canary, None where none is to be sent."""
    table = site.config.canary
    every, within = length_of(table.every), length_of(table.within)
    if not table.address or every is None or within is None:
        return None
    head, spans = site.letterhead(key), (table.every, table.within)

    def write(number: int, at: datetime) -> Outgoing:
        return canary(head, number, token(key, "canary", number), table.address, spans, at)

    return Canary(Canaries(connection), write, every, within, now, owed)


class Caller:
    """Runs the alarm command beside the loop. Where there is none, nothing is run."""

    def __init__(self, site: Site, log: Callable[..., None]) -> None:
        self.site, self.log = site, log
        self.running: set[asyncio.Task[None]] = set()

    def __call__(self, trouble: str, since: datetime, words: str) -> None:
        """Begin to call somebody; returns at once."""
        if self.site.config.alarm.command:
            task = asyncio.create_task(self._call(trouble, since, words))
            self.running.add(task)
            task.add_done_callback(self.running.discard)

    async def _call(self, trouble: str, since: datetime, words: str) -> None:
        address = self.site.config.list.address
        said = " ".join(words.split())
        text = f"{address}: {said}\n\ntrouble: {trouble}\nsince: {since.isoformat()}\n"
        failure = await run(self.site.config.alarm.command, text, self.site.folder)
        if failure is None:
            self.log("alarm_called", trouble=trouble)
        else:
            self.log("alarm_failed", trouble=trouble, reason=failure)
