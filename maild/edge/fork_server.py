"""The fork server: forks a process for each socket that it is given, and says there how it ended.

It holds no threads, so that forking it is safe at any time, and whatever is in its memory its
children share. Who asked owns the child: when he closes his end of the socket, it is killed.
"""

import contextlib
import gc
import os
import select
import signal
import socket
from collections.abc import Callable
from typing import Final, NoReturn

BEAT_MILLISECONDS: Final = 1000
# Fewer than any message's head has, so that none can be taken for one.
CODE_OCTETS: Final = 4
_TOLD: Final = (signal.SIGTERM, signal.SIGINT)


def ask(server: socket.socket) -> socket.socket:
    """Ask for a process; gives our end of its socket. Raises OSError where it cannot be asked for.

    The last 4 octets before the socket's end are the process's exit code, signed, big-endian; minus
    the signal's number where one killed it. They are missing where it could not be forked.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            # Whoever asks has other things to do than to wait until somebody listens. (Python 3.11
            # drops the flags of `send_fds`.)
            server.setblocking(False)
            socket.send_fds(server, [b"f"], [theirs.fileno()])
        except OSError:
            ours.close()
            raise
    return ours


def exit_code(rest: bytes) -> int | None:
    """Read the exit code in what a process's socket gave last; None where there is none."""
    if len(rest) < CODE_OCTETS:
        return None
    return int.from_bytes(rest[-CODE_OCTETS:], "big", signed=True)


def serve(
    asked: socket.socket,
    life: int,
    work: Callable[[socket.socket], None],
    alive: Callable[[], None],
) -> None:
    """Fork as asked until SIGTERM, SIGINT, or the end of the pipe `life`.

    work: what a forked process does with its socket. alive: called once a second at least.
    """
    # What is here now is never garbage; a child's collector that looks at it copies it.
    gc.collect()
    gc.freeze()
    _ForkServer(asked, life, work).serve(alive)


class _ForkServer:
    def __init__(
        self, asked: socket.socket, life: int, work: Callable[[socket.socket], None]
    ) -> None:
        self.asked, self.life, self.work = asked, life, work
        self.children: dict[int, socket.socket] = {}
        self.signals: set[int] = set()
        self.poll = select.poll()

    def serve(self, alive: Callable[[], None]) -> None:
        waker, woken = socket.socketpair()
        waker.setblocking(False)
        woken.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in (*_TOLD, signal.SIGCHLD):
            signal.signal(number, lambda n, _: self.signals.add(n))
        for heard in (self.asked.fileno(), self.life, woken.fileno()):
            self.poll.register(heard, select.POLLIN)
        while not self.signals.intersection(_TOLD):
            ready = {descriptor for descriptor, _ in self.poll.poll(BEAT_MILLISECONDS)}
            if self.life in ready:
                return
            if woken.fileno() in ready:
                woken.recv(64)
            if self.asked.fileno() in ready:
                self._fork()
            self._kill(ready)
            self._reap()
            alive()

    def _fork(self) -> None:
        _, descriptors, _, _ = socket.recv_fds(self.asked, 1, 1)
        for descriptor in descriptors:
            channel = socket.socket(fileno=descriptor)
            try:
                pid = os.fork()
            except OSError:
                # No process to be had: its socket ends without an exit code.
                channel.close()
                continue
            if pid == 0:
                self._become(channel)
            self.children[pid] = channel
            # Not to be read here; that the other end is closed is told without asking.
            self.poll.register(channel.fileno(), 0)

    def _become(self, channel: socket.socket) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (*_TOLD, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            # A terminal's interrupt is for those who end us in their own time.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.closerange(3, channel.fileno())
            os.closerange(channel.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
            self.work(channel)
            code = 0
        finally:
            os._exit(code)

    def _kill(self, ready: set[int]) -> None:
        """Kill those whose sockets nobody holds the other end of."""
        for pid, channel in self.children.items():
            if channel.fileno() in ready:
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        for pid in tuple(self.children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                code = os.waitstatus_to_exitcode(status)
                channel = self.children.pop(pid)
                self.poll.unregister(channel.fileno())
                # Who asked may be gone; one who does not read does not hear.
                with contextlib.suppress(OSError), channel:
                    channel.send(
                        code.to_bytes(CODE_OCTETS, "big", signed=True), socket.MSG_DONTWAIT
                    )
