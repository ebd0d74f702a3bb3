"""What we tell systemd (sd_notify): ready, stopping, still alive. Elsewhere all of it is silence."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """Send a state such as "READY=1" to the socket that NOTIFY_SOCKET names; never fails."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(state.encode(), address)
