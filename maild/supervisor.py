"""The supervisor: forks its children, starts again what falls, renews them, stops them.

It holds no threads and does no work of its own, so that forking it is safe at any time. Children
say that they live; systemd hears that we do only while all of them did.
"""

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NoReturn

from maild.edge.log import set_up
from maild.edge.systemd import notify, watchdog_seconds

STOP_SECONDS: Final = 20.0
FIRST_REST: Final = 0.2
LAST_REST: Final = 30.0
# A child says this often that it lives; one that was silent for three beats is not alive.
BEAT_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 3 * BEAT_SECONDS
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

Alive = Callable[[], None]


@dataclass(slots=True)
class Child:
    """A process: what it is called and what it runs; `run` is given how to say that it lives.

    generation: of the configuration that it was started with. leaving: since when it has been asked
    to end; 0 is not. rest: how long to wait before it is started again.
    """

    name: str
    run: Callable[[Alive], None]
    pid: int = 0
    status: int = -1
    ready: bool = False
    begun: float = 0.0
    rest: float = 0.0
    heard: float = 0.0
    leaving: float = 0.0
    generation: int = 0


class Supervisor:
    """Watches children until SIGTERM or SIGINT.

    said_ready: called each time that all have become ready. reread: called at SIGHUP; whatever it
    raises leaves all as it was, otherwise every child is renewed.
    """

    def __init__(
        self,
        children: Sequence[Child],
        said_ready: Callable[[], None],
        reread: Callable[[], None],
    ) -> None:
        self.children, self.said_ready, self.reread = children, said_ready, reread
        self.log = set_up("supervisor")
        self.selector = selectors.DefaultSelector()
        self.signals: set[int] = set()
        self.generation = 0
        self._ready = False
        self._watchdog, self._fed = watchdog_seconds(), 0.0

    def watch(self) -> int:
        """Start all, start again what falls, renew all at SIGHUP, stop all when asked to."""
        mine, waker = socket.socketpair()
        mine.setblocking(False)
        waker.setblocking(False)
        self.selector.register(mine, selectors.EVENT_READ)
        old = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, lambda n, _: self.signals.add(n))
        try:
            while not self.signals & {signal.SIGTERM, signal.SIGINT}:
                self._turn(mine)
        finally:
            self._stop()
            signal.set_wakeup_fd(old)
            mine.close()
            waker.close()
        return 0

    def _turn(self, mine: socket.socket) -> None:
        self._start_due()
        for key, _ in self.selector.select(self._patience()):
            if key.fileobj is mine:
                mine.recv(64)
            else:
                self._heard(key.data)
        self._reap()
        if signal.SIGHUP in self.signals:
            self.signals.discard(signal.SIGHUP)
            self._reload()
        self._renew()
        self._say_ready()
        self._feed_watchdog()

    def _patience(self) -> float | None:
        """Say how long there is nothing to do unless somebody speaks; None is for ever."""
        now = time.monotonic()
        waits = [c.begun + c.rest - now for c in self.children if c.pid == 0]
        waits += [c.leaving + STOP_SECONDS - now for c in self.children if c.leaving]
        waits += [self._watchdog / 4] if self._watchdog else []
        return max(0.01, min(waits)) if waits else None

    def _start_due(self) -> None:
        for child in self.children:
            if child.pid == 0 and time.monotonic() >= child.begun + child.rest:
                self._start(child)

    def _start(self, child: Child) -> None:
        status, theirs = os.pipe()
        os.set_blocking(theirs, False)
        child.begun, child.ready, child.leaving = time.monotonic(), False, 0.0
        child.generation = self.generation
        sys.stdout.flush()
        sys.stderr.flush()
        # What we hold is never garbage; a child's collector that looks at it would have a page of its
        # own for each of ours.
        gc.freeze()
        child.pid = os.fork()
        if child.pid == 0:
            os.close(status)
            self._become(child, theirs)
        os.close(theirs)
        child.status = status
        self.selector.register(status, selectors.EVENT_READ, child)

    def _become(self, child: Child, status: int) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            # A terminal that goes away, or a `kill -HUP` to the group, is the supervisor's business.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            self.selector.close()
            for other in self.children:
                if other.status >= 0:
                    os.close(other.status)
            # By this `ps` and `top` tell one from the other.
            with (
                contextlib.suppress(OSError),
                open("/proc/self/comm", "w", encoding="ascii") as comm,
            ):
                comm.write(f"maild-{child.name}")
            child.run(partial(_beat, status))
            code = 0
        except KeyboardInterrupt:
            code = 0
        except BaseException as error:
            set_up(child.name)("fell", error=error)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _heard(self, child: Child) -> None:
        if child.status >= 0 and os.read(child.status, 64):
            child.ready, child.heard = True, time.monotonic()
        elif child.status >= 0:
            self._forget(child)

    def _forget(self, child: Child) -> None:
        self.selector.unregister(child.status)
        os.close(child.status)
        child.status = -1

    def _reap(self) -> None:
        for child in self.children:
            if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
                lived = round(time.monotonic() - child.begun, 1)
                if child.status >= 0:
                    self._forget(child)
                if child.leaving:
                    child.rest = 0.0
                    self.log("left", child=child.name, lived=lived)
                else:
                    # One that falls before it is ready will do so again; give the world time.
                    child.rest = FIRST_REST if child.ready else min(LAST_REST, child.rest * 2)
                    child.rest = max(FIRST_REST, child.rest)
                    self.log("fell", child=child.name, lived=lived, again_in=child.rest)
                child.begun, child.pid, child.ready = time.monotonic(), 0, False
                child.leaving = 0.0

    def _reload(self) -> None:
        notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            self.reread()
        except Exception as error:
            # Whatever is wrong with what was read: what runs shall not stop for it.
            self.log("reload_refused", reason=str(error))
            notify("READY=1")
            return
        self.generation += 1
        self._ready = False
        self.log("reloading")

    def _renew(self) -> None:
        """Let children of an old generation leave, the next when the one before is ready again."""
        for child in self.children:
            if child.generation != self.generation:
                self._dismiss(child)
                return
            if not child.ready:
                return

    def _dismiss(self, child: Child) -> None:
        late = child.leaving and time.monotonic() >= child.leaving + STOP_SECONDS
        if child.pid and (late or not child.leaving):
            child.leaving = time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL if late else signal.SIGTERM)

    def _say_ready(self) -> None:
        ready = all(c.ready and c.generation == self.generation for c in self.children)
        if ready and not self._ready:
            self.said_ready()
            notify("READY=1")
        self._ready = ready

    def _feed_watchdog(self) -> None:
        now = time.monotonic()
        alive = all(c.ready and now - c.heard < SILENT_SECONDS for c in self.children)
        if self._watchdog and alive and now >= self._fed + self._watchdog / 2:
            notify("WATCHDOG=1")
            self._fed = now

    def _stop(self) -> None:
        """Let the first end what it is at, then the next; then insist."""
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


def _beat(status: int) -> None:
    # A full pipe has beats enough in it; a broken one means that the supervisor is gone, and that
    # is heard elsewhere.
    with contextlib.suppress(OSError):
        os.write(status, b"b")
