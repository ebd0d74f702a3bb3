"""The sockets that we listen on: bound by us, or handed over; and which of them to keep."""

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal, get_args

Kind = Literal["smtp", "smtps", "lmtp"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket, and what is spoken on it.

    place: host and port as they were asked for; "" is a socket that was handed to us.
    """

    kind: Kind
    place: str
    socket: socket.socket

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self.socket.getsockname()[1])

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ip_address(self.host).is_loopback

    @property
    def host(self) -> str:
        """The address that was bound."""
        return str(self.socket.getsockname()[0])


def handed(sockets: Iterable[tuple[str, socket.socket]]) -> tuple[Listening, ...]:
    """Sort sockets that were handed to us by their names; one of another name is plain SMTP.

    Raises OSError for one that is no listening TCP socket.
    """
    sorted_by_name = []
    for name, given in sockets:
        if given.family not in (socket.AF_INET, socket.AF_INET6) or not given.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            raise OSError(f"the socket {name!r} that was handed over is no listening TCP socket")
        kind = next((kind for kind in KINDS if kind == name), KINDS[0])
        sorted_by_name.append(Listening(kind, "", given))
    return tuple(sorted_by_name)


def opened(
    places: Mapping[Kind, Sequence[tuple[str, tuple[str, int]]]],
    held: Sequence[Listening] = (),
) -> tuple[Listening, ...]:
    """Listen on all places, each named and split; what is held already stays as it is.

    A kind that was handed to us needs no places. Raises OSError, and then nothing has changed.
    """
    found: list[Listening] = []
    new: list[Listening] = []
    try:
        for kind in KINDS:
            kept = {one.place: one for one in held if one.kind == kind}
            if "" in kept:
                found += [one for one in held if one.kind == kind and not one.place]
                continue
            for place, address in places.get(kind, ()):
                if place not in kept:
                    new.append(Listening(kind, place, _bound(place, address)))
                found.append(kept.get(place) or new[-1])
    except OSError:
        for one in new:
            one.socket.close()
        raise
    return tuple(found)


def _bound(place: str, address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"cannot listen on {place}: {error.strerror}") from error
    listening.listen(BACKLOG)
    return listening
