"""Figures for Prometheus, and the two pages that show how we are. Nothing is counted but when asked,
save how long reading took."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from maild.mail.message import RawMessage
from maild.reading.report import Read

HEAD_OCTETS: Final = 8192
HEAD_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 10.0
_STATUS: Final = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Not Well"}


@dataclass(frozen=True, slots=True)
class Family:
    """One figure, with a value for each label; label "" is a figure without one."""

    kind: Literal["counter", "gauge"]
    name: str
    meaning: str
    label: str
    values: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: its status, the type of its content, and the content."""

    status: int
    type: str
    content: bytes


class Readers(Protocol):
    """Whatever reads mails."""

    async def read(self, raw: RawMessage) -> Read:
        """Read one mail."""
        ...


class Timed:
    """Readers whose time is taken; costs a microsecond a mail."""

    def __init__(self, readers: Readers) -> None:
        self.readers, self.registry = readers, CollectorRegistry()
        self.seconds = Histogram(
            "maild_reader_seconds",
            "How long a mail took in the readers, with waiting for a free one.",
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2),
        )

    async def read(self, raw: RawMessage) -> Read:
        """Read one mail, and note how long it took."""
        begun = time.perf_counter()
        try:
            return await self.readers.read(raw)
        finally:
            self.seconds.observe(time.perf_counter() - begun)

    def page(self, families: Iterable[Family]) -> Page:
        """Write all figures as Prometheus reads them."""
        registry = CollectorRegistry()
        registry.register(_Collected(families))
        text = generate_latest(registry) + generate_latest(self.registry)
        return Page(200, CONTENT_TYPE_LATEST, text)


class _Collected:
    """What the library asks for figures."""

    def __init__(self, families: Iterable[Family]) -> None:
        self.families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
        for family in self.families:
            labels = [family.label] if family.label else []
            metric = kinds[family.kind](family.name, family.meaning, labels=labels)
            for value, amount in family.values:
                metric.add_metric([value] if labels else [], amount)
            yield metric


async def serve(
    place: tuple[str, int],
    pages: Callable[[str], Awaitable[Page]],
    log: Callable[..., None],
) -> None:
    """Serve pages by HTTP until cancelled; while the place cannot be had, try again."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever asks may leave or stall: nothing of that is ours.
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            method, path = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")[:2]
            asked = method in ("GET", "HEAD")
            page = await pages(path.partition("?")[0]) if asked else Page(405, "text/plain", b"")
            writer.write(_printed(page, body=method == "GET"))
            await writer.drain()
        writer.close()

    while True:
        try:
            server = await asyncio.start_server(talk, *place, limit=HEAD_OCTETS)
        except OSError as error:
            log("metrics_unbound", reason=str(error))
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        log("metrics", port=server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()


def _printed(page: Page, *, body: bool) -> bytes:
    head = (
        f"HTTP/1.1 {page.status} {_STATUS[page.status]}\r\nContent-Type: {page.type}\r\n"
        f"Content-Length: {len(page.content)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + (page.content if body else b"")
