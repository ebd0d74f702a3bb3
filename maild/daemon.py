"""The composition root: what starts, in which order, and how it stops.

The supervisor binds the sockets, makes the database, forks the door and the desk, and watches both.
One that falls is started again; the other goes on meanwhile, and the listening sockets stay open.
At SIGHUP all that is configured is read anew, and one after the other is started with it.
"""

import asyncio
import contextlib
import importlib
import mmap
import os
import signal
import socket
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import ip_network
from typing import Any, Final

from maild.alarms import Alarms
from maild.canary import Canary
from maild.config import ConfigError, exposure_fault
from maild.delivery import Deliverer
from maild.desk import Desk
from maild.door import Door
from maild.edge import fork_server
from maild.edge.clock import now
from maild.edge.disk import Disk
from maild.edge.imap_in import opened as opened_mailbox
from maild.edge.key import lock
from maild.edge.listening import Listening, handed, opened
from maild.edge.log import Log, set_up
from maild.edge.metrics import Timed
from maild.edge.metrics import serve as serve_pages
from maild.edge.readers import Readers, read_all
from maild.edge.smtp_in import Limits, serve
from maild.edge.store.arrivals import Arrivals
from maild.edge.store.connection import connect
from maild.edge.store.digests import Digests
from maild.edge.store.drafts import Drafts
from maild.edge.store.expiry import Expiry
from maild.edge.store.ledger import Ledger
from maild.edge.store.outbox import News, Outbox
from maild.edge.store.reminders import Reminders
from maild.edge.store.schema import migrate
from maild.edge.store.troubles import Troubles
from maild.edge.systemd import take_sockets
from maild.edge.templates import faults
from maild.edge.turn import Turn
from maild.health import OCTETS, Health, noted, say_alive
from maild.incident.entry import Notice
from maild.keeping import Keeping
from maild.loops import Clocks
from maild.mail.message import Outgoing
from maild.minding import Caller, canary_of, is_full, watches
from maild.pump import Pump
from maild.reading.report import Reader
from maild.reports import Reports
from maild.site import Site, open_site
from maild.supervisor import BEAT_SECONDS, STOP_SECONDS, Alive, Child, Supervisor
from maild.trouble import Broken
from maild.trust import authenticator, signer_of, way_out
from maild.values import keep_of, listen_address
from maild.watcher import Watcher

POLL_SECONDS: Final = 0.25
TROUBLE: Final = 0
DOOR_TROUBLE: Final = 1
# While the desk waits for somebody else's lock, the door waits for the desk.
DESK_PATIENCE: Final = 2.0
# Little, so that a burst is taken at once and read after it.
NICE: Final = 5


@dataclass(frozen=True, slots=True)
class Shared:
    """What the processes have in common besides the database file.

    sockets: those that the door listens on, each with what is spoken there. wake: a pipe, read by
    the desk, written by the door. octets: TROUBLE is not zero while the desk cannot write, so that
    the door says 451, DOOR_TROUBLE while the door cannot, so that the desk tells of it; besides how
    the mailbox and the door are (`health`). turn: who of both writes next. forks: the fork
    server's end of a socket, and the desk's, by which it asks for readers. life: a pipe that nobody
    writes; its end tells children that the supervisor is gone.
    """

    sockets: tuple[Listening, ...]
    wake: tuple[int, int]
    octets: mmap.mmap
    turn: Turn
    forks: tuple[socket.socket, socket.socket]
    life: tuple[int, int]


class _House:
    """What the children are started with; read anew at SIGHUP, whole or not at all."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.sockets = opened(site.places(), handed(take_sockets()))
        check_terms(site, self.sockets)
        self.wake, self.life, self.octets = os.pipe(), os.pipe(), mmap.mmap(-1, OCTETS)
        self.turn = Turn()
        self.forks = socket.socketpair(type=socket.SOCK_DGRAM)
        os.set_blocking(self.wake[0], False)
        os.set_blocking(self.wake[1], False)
        self.log = set_up("supervisor")

    def shared(self) -> Shared:
        return Shared(self.sockets, self.wake, self.octets, self.turn, self.forks, self.life)

    def run(self, child: Callable[[Site, Shared, Alive], None], alive: Alive) -> None:
        os.close(self.life[1])
        child(self.site, self.shared(), alive)

    def reread(self) -> None:
        """Take a new configuration, rules and templates; raises what is wrong with them."""
        if self.site.source is None:
            raise ConfigError("nobody said where the configuration is")
        site = open_site(self.site.source)
        if problems := faults(*site.template_folders):
            raise ConfigError("\n".join(problems))
        if site.database != self.site.database:
            raise ConfigError("store.path: another database needs another start of the daemon")
        sockets = opened(site.places(), self.sockets)
        try:
            check_terms(site, sockets)
        except ConfigError:
            for new in set(sockets) - set(self.sockets):
                new.socket.close()
            raise
        for gone in set(self.sockets) - set(sockets):
            gone.socket.close()
        self.site, self.sockets = site, sockets

    def say_ready(self) -> None:
        ports = [one.port for one in self.sockets]
        self.log("ready", list=self.site.config.list.address, ports=ports, pid=os.getpid())


def check_terms(site: Site, sockets: Sequence[Listening]) -> None:
    """Try what the door will need. Raises ConfigError with what is wrong.

    Sockets that were handed over may be reached from elsewhere where those we name are not.
    """
    signer_of(site)
    if fault := exposure_fault(site.config, (one.host for one in sockets)):
        raise ConfigError(fault)
    if site.terms(reached=False).tls is None and any(one.kind == "smtps" for one in sockets):
        raise ConfigError("smtp: a socket for TLS was handed over; tls_certificate is missing")


def serve_site(site: Site) -> int:
    """Run the daemon until SIGTERM or SIGINT; gives the exit status.

    Raises OSError where a socket cannot be bound, StoreError and Locked for the database, KeyFault
    where we are to sign and cannot.
    """
    site.key()
    held = lock(site.database)
    connection = connect(site.database)
    migrate(connection, str(site.database))
    connection.close()
    house = _House(site)
    works = {"readers": run_readers, "door": run_door, "desk": run_desk}
    children = [Child(name, partial(house.run, work)) for name, work in works.items()]
    try:
        return Supervisor(children, house.say_ready, house.reread).watch()
    finally:
        os.close(held)
        for one in house.sockets:
            one.socket.close()


async def beat(alive: Alive) -> None:
    """Say again and again that this process's loop turns."""
    while True:
        alive()
        await asyncio.sleep(BEAT_SECONDS)


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


def run_door(site: Site, shared: Shared, ready: Alive) -> None:
    """Be the door: take mail until told to stop."""
    log = set_up("door")
    connection = connect(site.database)
    connection.turn = shared.turn.first
    arrivals = Arrivals(connection)

    def broken(error: Exception) -> None:
        log("broken", reason=str(error))
        shared.octets[DOOR_TROUBLE] = 1

    door = Door(
        arrivals,
        site.posting(),
        wake=partial(_committed, shared),
        broken=broken,
        shut=lambda: shared.octets[TROUBLE] != 0,
        authenticate=authenticator(site),
        full=partial(is_full, Disk(site.database.parent)),
    )
    watcher = None
    if mailbox := site.mailbox():
        account, folders = mailbox
        opening, told = partial(opened_mailbox, account), noted(shared.octets, log)
        watcher = Watcher(opening, arrivals.mark, door, folders, now, told)
    with contextlib.closing(connection):
        asyncio.run(_receive(site, shared, door, watcher, ready))


def _committed(shared: Shared) -> None:
    shared.octets[DOOR_TROUBLE] = 0
    # A full pipe has wakes enough in it.
    with contextlib.suppress(BlockingIOError):
        os.write(shared.wake[1], b"w")


async def _receive(
    site: Site, shared: Shared, door: Door, watcher: Watcher | None, ready: Alive
) -> None:
    smtp = site.config.smtp
    limits = Limits(
        max_message_bytes=smtp.max_message_bytes,
        max_connections=smtp.max_connections,
        max_connections_per_client=smtp.max_connections_per_client,
        trusted=tuple(ip_network(net) for net in smtp.trusted_networks),
    )
    sockets = [(one.kind, one.socket) for one in shared.sockets]
    terms = site.terms(reached=not all(one.on_loopback for one in shared.sockets))
    reception = await serve(sockets, door, limits, site.hostname, now, terms)

    def alive() -> None:
        say_alive(shared.octets)
        ready()

    works = [asyncio.create_task(beat(alive)), asyncio.create_task(door.mind())]
    if watcher is not None:
        works.append(asyncio.create_task(watcher.run()))
    await until_told(shared)
    for work in works:
        work.cancel()
    await asyncio.wait(works, timeout=STOP_SECONDS / 4)
    await reception.drain(STOP_SECONDS / 2)


def run_readers(site: Site, shared: Shared, ready: Alive) -> None:
    """Be what the readers are forked from, and share: until told to stop."""
    reader = Reader(site.rules, site.names())
    os.nice(NICE)
    fork_server.serve(shared.forks[0], shared.life[0], partial(read_all, reader), ready)


def run_desk(site: Site, shared: Shared, ready: Alive) -> None:
    """Be the desk: read, conclude, deliver, mind the clock, until told to stop."""
    log = set_up("desk")
    shared.octets[TROUBLE] = 0
    for listening in shared.sockets:
        listening.socket.close()
    os.nice(NICE)
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


def _deliverer(
    site: Site, connection: sqlite3.Connection, key: bytes, news: News, log: Log
) -> Deliverer:
    out = site.config.delivery
    outbox = Outbox(connection, key, out.verp, news)
    out_of_here = way_out(site, lambda error: log("unsigned", reason=str(error)))
    return Deliverer(outbox, out_of_here, now, log, out.connections)


async def _work(site: Site, shared: Shared, ready: Alive, log: Log) -> None:
    connection = connect(site.database, patience=DESK_PATIENCE)
    connection.turn, connection.wanted = shared.turn.after, lambda: shared.turn.wanted
    key = site.key()
    desk = site.desk(connection, key)
    fork = partial(fork_server.ask, shared.forks[1])
    readers = Readers(fork, fork_server.exit_code, (os.cpu_count() or 1) + 2)
    deliverer = _deliverer(site, connection, key, partial(_news, desk, log), log)

    def trouble(error: BaseException | None) -> None:
        if error is not None:
            log("trouble", reason=f"{type(error).__name__}: {error}")
        shared.octets[TROUBLE] = 1 if error is not None else 0

    timed = Timed(readers)
    pump = Pump(desk, timed, now, log, deliverer.wake, trouble)
    drafts = Drafts(connection, Ledger(connection, site.rules.phase.last))
    digests, reminders, wake = Digests(connection), Reminders(connection), deliverer.wake
    canary = canary_of(site, connection, key, wake)
    also = [*_reports(site, desk, digests, log, wake), _keeping(site, connection, log).tick]
    also += [canary.tick] if canary else []
    clocks = Clocks(desk, drafts, digests, reminders, site.schedules(), now, log, wake, also)

    def woken() -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(shared.wake[0], 4096)
        pump.wake()

    asyncio.get_running_loop().add_reader(shared.wake[0], woken)
    minders = _minders(site, shared, connection, desk, deliverer, timed, canary, log)
    loops = (pump.run(), deliverer.run(), clocks.run(), _look(connection, pump, deliverer))
    works = [asyncio.create_task(work) for work in (*loops, *minders)]
    told = asyncio.create_task(until_told(shared))
    try:
        await readers.begin()
        works += [asyncio.create_task(readers.mind()), asyncio.create_task(beat(ready))]
        done, _ = await asyncio.wait({told, *works}, return_when=asyncio.FIRST_COMPLETED)
        for work in done - {told}:
            work.result()
    finally:
        for work in (told, *works):
            work.cancel()
        await asyncio.gather(told, *works, return_exceptions=True)
        readers.stop()
        connection.close()


def _minders(
    site: Site,
    shared: Shared,
    connection: sqlite3.Connection,
    desk: Desk,
    deliverer: Deliverer,
    timed: Timed,
    canary: Canary | None,
    log: Log,
) -> tuple[Coroutine[Any, Any, None], ...]:
    """Give what minds that all goes well."""
    store, disk = Troubles(connection), Disk(site.database.parent)
    found = watches(disk, deliverer, store, lambda: any(shared.octets[: DOOR_TROUBLE + 1]), canary)
    news, wake = partial(_news, desk, log), deliverer.wake
    alarms = Alarms(found, store, Caller(site, log), news, now, log, wake)
    if not site.config.metrics.listen:
        return (alarms.run(),)
    pages = Health(site, shared.octets, alarms, deliverer, disk, timed, now).page
    place = listen_address(site.config.metrics.listen)
    return (alarms.run(), serve_pages(place, pages, log))


def _keeping(site: Site, connection: sqlite3.Connection, log: Log) -> Keeping:
    store = site.config.store
    sent, mails = keep_of(store.keep_sent), keep_of(store.keep_mails)
    return Keeping(Expiry(connection), sent, mails, site.zone, log)


def _reports(
    site: Site, desk: Desk, store: Digests, log: Log, owed: Callable[[], None]
) -> tuple[Callable[[datetime], None], ...]:
    """Give the clock of the monthly report; only where it is wanted, what draws is imported."""
    if not site.config.report.monthly:
        return ()
    draw = importlib.import_module("maild.edge.plots").draw
    return (Reports(desk, store, site.schedules()["daily"].at, draw, log, owed).tick,)
