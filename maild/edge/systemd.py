"""What systemd and we tell each other; elsewhere all of it is silence.

We say ready, reloading, stopping, still alive (sd_notify); it hands over sockets (sd_listen_fds)
and credentials, and says how often it wants to hear from us.
"""

import contextlib
import os
import socket
from pathlib import Path
from typing import Final

FIRST_DESCRIPTOR: Final = 3


def notify(state: str) -> None:
    """Send a state such as "READY=1" to the socket that NOTIFY_SOCKET names; never fails."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(state.encode(), address)


def watchdog_seconds() -> float | None:
    """Say within which time systemd wants WATCHDOG=1 of this process; None: not at all."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(microseconds) / 1e6 if ours and microseconds.isdecimal() else None


def take_sockets() -> list[tuple[str, socket.socket]]:
    """Take the sockets that were handed to this process, each with its FileDescriptorName.

    Only once: the environment forgets them, so that no child takes them for its own.
    """
    ours = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
    count, names = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_FDNAMES", "").split(":")
    if not ours or not count.isdecimal():
        return []
    taken = []
    for number in range(int(count)):
        descriptor = FIRST_DESCRIPTOR + number
        os.set_inheritable(descriptor, False)
        name = names[number] if number < len(names) else ""
        taken.append((name, socket.socket(fileno=descriptor)))
    return taken


def credential(name: str) -> Path:
    """Find a credential (LoadCredential=). Raises FileNotFoundError where systemd gives none."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise FileNotFoundError(f"%d/{name} names a credential, but systemd has given us none")
    return Path(folder) / name
