"""The PROXY header, version 1 and 2, with which a proxy says for whom it connects.

It is read octet by octet from the socket, so that what follows it, a TLS handshake perhaps, stays
there for whoever reads next.
"""

import asyncio
from socket import socket

from aiosmtpd.proxy_protocol import get_proxy

LINE_OCTETS = 107  # the longest header of version 1


class _Octets:
    """A socket, as the library reads it."""

    def __init__(self, peer: socket) -> None:
        self._peer, self._loop = peer, asyncio.get_running_loop()

    async def readexactly(self, n: int) -> bytes:
        read = b""
        while len(read) < n:
            piece = await self._loop.sock_recv(self._peer, n - len(read))
            if not piece:
                raise asyncio.IncompleteReadError(read, n)
            read += piece
        return read

    async def read(self, n: int = -1) -> bytes:
        return await self.readexactly(n)

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        line = b""
        while not line.endswith(separator):
            if len(line) > LINE_OCTETS:
                raise asyncio.LimitOverrunError("the line is too long", len(line))
            line += await self.readexactly(1)
        return line


async def forwarded(peer: socket, host: str) -> str:
    """Read whom a proxy connects for; itself (host), where it says that it comes by itself.

    Raises ConnectionError where there is no header that can be read.
    """
    try:
        header = await get_proxy(_Octets(peer))
    except (TimeoutError, ConnectionError):
        raise
    except Exception as error:
        # The library trips over some broken headers.
        raise ConnectionError(f"broken PROXY header: {error!r}") from error
    if not header:
        raise ConnectionError(f"broken PROXY header: {header.error}")
    return host if header.src_addr in (None, "", b"") else str(header.src_addr)
