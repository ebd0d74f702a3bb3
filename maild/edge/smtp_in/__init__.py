"""Mail that comes in by SMTP and LMTP: a hardened receiver on aiosmtpd, which only this room knows.

    entrance    a listening socket: PROXY header, TLS from the first octet
    connection  one client's commands: STARTTLS, AUTH, DATA, the commit
    reception   what all connections share: counts, rights, the end
    intake      the content of a message while it comes in

`serve` takes listening sockets and gives a `Reception`. What a commit is, the `Doorkeeper` decides.
"""

import logging
from collections.abc import Sequence
from socket import socket

from maild.edge.smtp_in.connection import Connection
from maild.edge.smtp_in.entrance import Entrance
from maild.edge.smtp_in.reception import Reception
from maild.edge.smtp_in.syntax import command_fault
from maild.edge.smtp_in.terms import Clock, Doorkeeper, Kind, Limits, Terms

__all__ = ["Connection", "Doorkeeper", "Limits", "Reception", "Terms", "command_fault", "serve"]


async def serve(
    sockets: Sequence[socket | tuple[Kind, socket]],
    doorkeeper: Doorkeeper,
    limits: Limits,
    hostname: str,
    clock: Clock,
    terms: Terms | None = None,
) -> Reception:
    """Receive mail until `drain`; a socket alone is plain SMTP.

    hostname greets, clock gives the aware UTC time of a final dot.
    """
    for name in ("mail.log", "mail.debug"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # What matters we log ourselves.
    reception = Reception(doorkeeper, limits, hostname, clock, terms or Terms())
    for each in sockets:
        kind, listening = each if isinstance(each, tuple) else ("smtp", each)
        reception.listeners.append(Entrance(reception, listening, kind))
    return reception
