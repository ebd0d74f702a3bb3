"""The composition root: what starts, in which order, and how it stops.

The supervisor binds the sockets, makes the database, forks the door and the desk, and watches both.
One that falls is started again; the other goes on meanwhile, and the listening sockets stay open.
"""

import asyncio
import contextlib
import mmap
import os
import selectors
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import ip_network
from typing import Final, Literal, NoReturn

from maild.config import listen_address
from maild.desk import Desk, Pump
from maild.door import Door
from maild.edge.clock import now
from maild.edge.files import load_rules
from maild.edge.key import lock
from maild.edge.log import Log, set_up
from maild.edge.readers import Readers
from maild.edge.smtp_in import Limits, serve
from maild.edge.store.arrivals import Arrivals
from maild.edge.store.connection import connect
from maild.edge.store.digests import Digests
from maild.edge.store.drafts import Drafts
from maild.edge.store.ledger import Ledger
from maild.edge.store.outbox import Outbox
from maild.edge.store.schema import migrate
from maild.edge.systemd import notify
from maild.incident.entry import Notice
from maild.loops import Clocks, Deliverer
from maild.mail.message import Outgoing
from maild.site import Site
from maild.trouble import Broken
from maild.trust import authenticator, signer_of, way_out

STOP_SECONDS: Final = 20.0
FIRST_REST: Final = 0.2
LAST_REST: Final = 30.0
POLL_SECONDS: Final = 0.25

Name = Literal["door", "desk"]


@dataclass(frozen=True, slots=True)
class Shared:
    """What the processes have in common besides the database file.

    sockets: those that the door listens on. wake: a pipe, read by the desk, written by the door.
    trouble: one octet; not zero while the desk cannot write, so that the door says 451.
    life: a pipe that nobody writes; its end tells children that the supervisor is gone.
    """

    sockets: tuple[socket.socket, ...]
    wake: tuple[int, int]
    trouble: mmap.mmap
    life: tuple[int, int]


@dataclass(slots=True)
class _Child:
    name: Name
    run: Callable[[Site, Shared, Callable[[], None]], None]
    pid: int = 0
    status: int = -1
    ready: bool = False
    begun: float = 0.0
    rest: float = 0.0


def serve_site(site: Site) -> int:
    """Run the daemon until SIGTERM or SIGINT; gives the exit status.

    Raises OSError where a socket cannot be bound, StoreError and Locked for the database, KeyFault
    where we are to sign and cannot.
    """
    site.key()
    signer_of(site)
    held = lock(site.database)
    connection = connect(site.database)
    migrate(connection, str(site.database))
    connection.close()
    shared = Shared(bound(site), os.pipe(), mmap.mmap(-1, 1), os.pipe())
    os.set_blocking(shared.wake[0], False)
    os.set_blocking(shared.wake[1], False)
    try:
        return _Supervisor(site, shared).watch()
    finally:
        os.close(held)
        for listening in shared.sockets:
            listening.close()


def bound(site: Site) -> tuple[socket.socket, ...]:
    """Bind what `[smtp] listen` names."""
    sockets = []
    for place in site.config.smtp.listen:
        host, port = listen_address(place)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            listening.close()
            raise OSError(error.errno, f"cannot listen on {place}: {error.strerror}") from error
        listening.listen(1024)
        sockets.append(listening)
    return tuple(sockets)


class _Supervisor:
    def __init__(self, site: Site, shared: Shared) -> None:
        self.site, self.shared = site, shared
        self.log = set_up("supervisor")
        self.children = (_Child("door", run_door), _Child("desk", run_desk))
        self.selector = selectors.DefaultSelector()
        self.signals: set[int] = set()
        self.said_ready = False

    def watch(self) -> int:
        """Start both, start again what falls, stop both when asked to."""
        mine, waker = socket.socketpair()
        mine.setblocking(False)
        waker.setblocking(False)
        self.selector.register(mine, selectors.EVENT_READ)
        old = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, lambda n, _: self.signals.add(n))
        try:
            while not self.signals & {signal.SIGTERM, signal.SIGINT}:
                self._start_due()
                for key, _ in self.selector.select(self._patience()):
                    if key.fileobj is mine:
                        mine.recv(64)
                    else:
                        self._heard(key.data)
                self._reap()
                self._say_ready()
        finally:
            self._stop()
            signal.set_wakeup_fd(old)
            mine.close()
            waker.close()
        return 0

    def _start_due(self) -> None:
        for child in self.children:
            if child.pid == 0 and time.monotonic() >= child.begun + child.rest:
                self._start(child)

    def _patience(self) -> float | None:
        rests = [c.begun + c.rest - time.monotonic() for c in self.children if c.pid == 0]
        return max(0.01, min(rests)) if rests else None

    def _start(self, child: _Child) -> None:
        if child.name == "desk":
            self.shared.trouble[0] = 0
        status, theirs = os.pipe()
        child.begun, child.ready = time.monotonic(), False
        sys.stdout.flush()
        sys.stderr.flush()
        child.pid = os.fork()
        if child.pid == 0:
            os.close(status)
            self._become(child, theirs)
        os.close(theirs)
        child.status = status
        self.selector.register(status, selectors.EVENT_READ, child)

    def _become(self, child: _Child, status: int) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            self.selector.close()
            for other in self.children:
                if other.status >= 0:
                    os.close(other.status)
            os.close(self.shared.life[1])
            child.run(self.site, self.shared, partial(_say, status))
            code = 0
        except KeyboardInterrupt:
            code = 0
        except BaseException as error:
            set_up(child.name)("fell", error=error)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _heard(self, child: _Child) -> None:
        if child.status >= 0 and os.read(child.status, 64):
            child.ready = True
        elif child.status >= 0:
            self._forget(child)

    def _forget(self, child: _Child) -> None:
        self.selector.unregister(child.status)
        os.close(child.status)
        child.status = -1

    def _reap(self) -> None:
        for child in self.children:
            if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
                lived = time.monotonic() - child.begun
                # One that falls before it is ready will do so again; give the world time.
                child.rest = FIRST_REST if child.ready else min(LAST_REST, child.rest * 2)
                child.rest = max(FIRST_REST, child.rest)
                child.begun, child.pid, child.ready = time.monotonic(), 0, False
                if child.status >= 0:
                    self._forget(child)
                self.log("fell", child=child.name, lived=round(lived, 1), again_in=child.rest)

    def _say_ready(self) -> None:
        ready = all(child.ready for child in self.children)
        if ready and not self.said_ready:
            ports = [s.getsockname()[1] for s in self.shared.sockets]
            self.log("ready", list=self.site.config.list.address, ports=ports, pid=os.getpid())
            notify("READY=1")
        self.said_ready = ready

    def _stop(self) -> None:
        """Let the door end its commits, then the desk its deliveries; then insist."""
        notify("STOPPING=1")
        for child in self.children:
            if child.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for child in self.children:
            while child.pid and not os.waitpid(child.pid, os.WNOHANG)[0]:
                if time.monotonic() > until:
                    os.kill(child.pid, signal.SIGKILL)
                time.sleep(0.02)
        self.log("stopped")


async def _look(connection: sqlite3.Connection, pump: Pump, deliverer: Deliverer) -> None:
    """Wake both when somebody else has written to the database: the door, or a command."""
    version = 0
    while True:
        (found,) = connection.execute("PRAGMA data_version").fetchone()
        if found != version:
            version = found
            pump.wake()
            deliverer.wake()
        await asyncio.sleep(POLL_SECONDS)


async def until_told(shared: Shared) -> None:
    """Wait for SIGTERM, SIGINT, or the supervisor's end."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    loop.add_reader(shared.life[0], told.set)
    await told.wait()
    loop.remove_reader(shared.life[0])


def run_door(site: Site, shared: Shared, ready: Callable[[], None]) -> None:
    """Be the door: take mail until told to stop."""
    log = set_up("door")
    door = Door(
        Arrivals(connect(site.database)),
        site.posting(),
        wake=lambda: _wake(shared.wake[1]),
        broken=lambda error: log("broken", reason=str(error)),
        shut=lambda: shared.trouble[0] != 0,
        authenticate=authenticator(site),
    )
    asyncio.run(_receive(site, shared, door, ready))


def _say(status: int) -> None:
    os.write(status, b"r")


def _wake(pipe: int) -> None:
    # A full pipe has wakes enough in it.
    with contextlib.suppress(BlockingIOError):
        os.write(pipe, b"w")


async def _receive(site: Site, shared: Shared, door: Door, ready: Callable[[], None]) -> None:
    smtp = site.config.smtp
    limits = Limits(
        max_message_bytes=smtp.max_message_bytes,
        max_connections=smtp.max_connections,
        max_connections_per_client=smtp.max_connections_per_client,
        trusted=tuple(ip_network(net) for net in smtp.trusted_networks),
    )
    reception = await serve(shared.sockets, door, limits, site.hostname, now)
    ready()
    await until_told(shared)
    await reception.drain(STOP_SECONDS / 2)


def run_desk(site: Site, shared: Shared, ready: Callable[[], None]) -> None:
    """Be the desk: read, conclude, deliver, mind the clock, until told to stop."""
    log = set_up("desk")
    for listening in shared.sockets:
        listening.close()
    # Little, so that a burst is taken at once and read after it.
    os.nice(5)
    asyncio.run(_work(site, shared, ready, log))


def _news(desk: Desk, log: Log, notices: Sequence[Notice], at: datetime) -> Sequence[Outgoing]:
    try:
        return desk.news(notices, at)
    except Broken:
        raise
    except Exception as error:
        # A template that cannot be rendered must not undo what was delivered.
        log("bug", error=error)
        return ()


async def _work(site: Site, shared: Shared, ready: Callable[[], None], log: Log) -> None:
    connection = connect(site.database)
    key = site.key()
    desk = site.desk(connection, key)
    readers = Readers(load_rules, site.rules_folder, site.names(), (os.cpu_count() or 1) + 2)
    out = site.config.delivery
    outbox = Outbox(connection, key, out.verp, partial(_news, desk, log))
    out_of_here = way_out(site, lambda error: log("unsigned", reason=str(error)))
    deliverer = Deliverer(outbox, out_of_here, now, log, out.connections)

    def trouble(error: BaseException | None) -> None:
        if error is not None:
            log("trouble", reason=f"{type(error).__name__}: {error}")
        shared.trouble[0] = 1 if error is not None else 0

    pump = Pump(desk, readers, now, log, deliverer.wake, trouble)
    drafts = Drafts(connection, Ledger(connection, site.rules.phase.last))
    clocks = Clocks(desk, drafts, Digests(connection), site.schedules(), now, log, deliverer.wake)

    def woken() -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(shared.wake[0], 4096)
        pump.wake()

    asyncio.get_running_loop().add_reader(shared.wake[0], woken)
    works = [asyncio.create_task(work) for work in (pump.run(), deliverer.run(), clocks.run())]
    works.append(asyncio.create_task(_look(connection, pump, deliverer)))
    told = asyncio.create_task(until_told(shared))
    try:
        await readers.begin()
        ready()
        done, _ = await asyncio.wait({told, *works}, return_when=asyncio.FIRST_COMPLETED)
        for work in done - {told}:
            work.result()
    finally:
        for work in (told, *works):
            work.cancel()
        await asyncio.gather(told, *works, return_exceptions=True)
        readers.stop()
        connection.close()
