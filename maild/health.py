"""How we are: the two pages `/metrics` and `/healthz`, of what the desk knows at the moment."""

import asyncio
import mmap
import struct
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from maild.alarms import Alarms
from maild.delivery import Deliverer
from maild.edge.disk import Disk
from maild.edge.metrics import Family, Page, Timed
from maild.edge.store.connection import StoreError
from maild.edge.store.figures import Figures, figures, try_to_write
from maild.site import Site
from maild.supervisor import SILENT_SECONDS
from maild.trouble import Broken

# Places in the memory that door and desk share.
IMAP: Final = 2
BEAT: Final = 8
OCTETS: Final = BEAT + struct.calcsize("d")
NO_IMAP, IMAP_UP, IMAP_DOWN = range(3)
PLAIN: Final = "text/plain; charset=utf-8"
VERDICTS: Final = ("accepted", "rejected", "ignored", "command", "duplicate", "shunted")


def say_alive(octets: mmap.mmap) -> None:
    """Say, in the door, that it lives."""
    struct.pack_into("d", octets, BEAT, time.monotonic())


def noted(octets: mmap.mmap, log: Callable[..., None]) -> Callable[..., None]:
    """Give a log that besides notes how the mailbox is."""
    states = {"imap_open": IMAP_UP, "imap_lost": IMAP_DOWN, "imap_bug": IMAP_DOWN}

    def write(event: str, **fields: object) -> None:
        octets[IMAP] = states.get(event, octets[IMAP])
        log(event, **fields)

    return write


class Health:
    """Answers for the desk, and for the door as far as its beat tells."""

    def __init__(
        self,
        site: Site,
        octets: mmap.mmap,
        alarms: Alarms,
        deliverer: Deliverer,
        disk: Disk,
        timed: Timed,
        clock: Callable[[], datetime],
    ) -> None:
        self.site, self.octets, self.alarms, self.deliverer = site, octets, alarms, deliverer
        self.disk, self.timed, self.clock = disk, timed, clock

    async def page(self, path: str) -> Page:
        """Give a page; both cost nothing until somebody asks."""
        try:
            if path == "/healthz":
                wrong = await self._unwell()
                return Page(503 if wrong else 200, PLAIN, f"{wrong or 'ok'}\n".encode())
            if path == "/metrics":
                found = await asyncio.to_thread(figures, self.site.database)
                return self.timed.page(self._families(found, self.clock()))
        except (StoreError, Broken) as error:
            return Page(503, PLAIN, f"The database: {error}\n".encode())
        return Page(404, PLAIN, b"Here are /metrics and /healthz.\n")

    async def _unwell(self) -> str:
        (heard,) = struct.unpack_from("d", self.octets, BEAT)
        if time.monotonic() - heard > SILENT_SECONDS:
            return "The door does not say that it lives; no mail is taken."
        if wrong := self.alarms.unwell():
            return " ".join(wrong.split())
        await asyncio.to_thread(try_to_write, self.site.database)
        return ""

    def _families(self, found: Figures, now: datetime) -> list[Family]:
        def gauge(name: str, meaning: str, value: float) -> Family:
            return Family("gauge", f"maild_{name}", meaning, "", (("", value),))

        oldest = (now - found.oldest).total_seconds() if found.oldest else 0.0
        verdicts = tuple((name, found.verdicts.get(name, 0)) for name in VERDICTS)
        troubles = tuple((w.name, w.name in self.alarms.words) for w in self.alarms.watches)
        digests = tuple((kind, at.timestamp()) for kind, at in sorted(found.digests.items()))
        families = [
            Family("counter", "maild_mails", "Mails on record.", "verdict", verdicts),
            gauge("mails_waiting", "Mails taken and not concluded yet.", found.waiting),
            gauge("incidents_open", "Incidents that are not over.", found.open),
            gauge("deliveries_pending", "Deliveries that are owed.", found.pending),
            gauge("outbox_age_seconds", "Age of the oldest letter that is owed.", max(0.0, oldest)),
            gauge("relay_up", "Whether the relay could be reached.", not self.deliverer.down),
            gauge("disk_free_ratio", "Free part of the database's disk.", self.disk.free),
            Family("gauge", "maild_trouble", "What alarms have told.", "trouble", troubles),
            Family("gauge", "maild_digest_timestamp_seconds", "Last digest.", "kind", digests),
        ]
        if self.octets[IMAP] != NO_IMAP:
            up = self.octets[IMAP] == IMAP_UP
            families.append(gauge("imap_up", "Whether the mailbox is watched.", up))
        if found.canary:
            at = found.canary.timestamp()
            families.append(gauge("canary_timestamp_seconds", "Last canary that came back.", at))
        return families
