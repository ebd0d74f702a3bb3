"""The entrance: one listening socket, and how a client comes from there to a connection.

The number of clients is counted before anything is read, their own number when it is known who
they are, and both before a TLS handshake, which costs most.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from socket import IPPROTO_TCP, SHUT_WR, TCP_NODELAY, socket
from typing import Final

import structlog

from maild.edge.smtp_in.connection import Connection
from maild.edge.smtp_in.proxy import forwarded
from maild.edge.smtp_in.reception import Reception
from maild.edge.smtp_in.terms import Client, Kind, client_at
from maild.mail.message import Reply

log = structlog.get_logger()
REST_SECONDS: Final = 1.0


class Entrance:
    """Lets clients in until it is closed."""

    def __init__(self, reception: Reception, listening: socket, kind: Kind) -> None:
        self.reception, self.kind = reception, kind
        self._listening = listening
        self._loop = asyncio.get_running_loop()
        listening.setblocking(False)
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawn(self._accept())

    def close(self) -> None:
        """Let nobody in any more, not even who is on the threshold."""
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        with contextlib.closing(self._listening):
            while True:
                try:
                    peer, address = await self._loop.sock_accept(self._listening)
                except ConnectionError:
                    continue  # It has left already.
                except OSError as error:
                    # No descriptors, most likely: those who are in have to leave first.
                    log.error("cannot_accept", reason=str(error))
                    await asyncio.sleep(REST_SECONDS)
                else:
                    self._spawn(self._welcome(peer, client_at(address[0], self.reception.limits)))
                    # Whoever is in shall be heard too while others knock without end.
                    await asyncio.sleep(0)

    async def _welcome(self, peer: socket, client: Client) -> None:
        try:
            # The loop does it only for sockets that say they are TCP, which accepted ones do not;
            # without it every EHLO waits 40 ms, for Nagle and the client's delayed ACK.
            peer.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            await self._let_in(peer, client)
        except (OSError, asyncio.IncompleteReadError) as error:
            log.info("turned_away", client=str(client.address), reason=str(error))
            peer.close()
        except asyncio.CancelledError:
            peer.close()
            raise

    async def _let_in(self, peer: socket, client: Client) -> None:
        reception = self.reception
        if refusal := reception.enter(client):
            return await self._refuse(peer, client, refusal)
        try:
            if any(client.address in network for network in reception.terms.proxies):
                client = await self._behind(peer, client)
            if refusal := reception.admit(client):
                reception.leave(client)
                return await self._refuse(peer, client, refusal)
            tls = reception.terms.tls if self.kind == "smtps" else None
            await self._loop.connect_accepted_socket(
                lambda: Connection(reception, client, self.kind),
                peer,
                ssl=tls() if tls else None,
                ssl_handshake_timeout=reception.limits.handshake_seconds if tls else None,
            )
        except BaseException:
            reception.leave(client)
            raise

    async def _behind(self, peer: socket, proxy: Client) -> Client:
        async with asyncio.timeout(self.reception.limits.handshake_seconds):
            host = await forwarded(peer, str(proxy.address))
        client = client_at(host, self.reception.limits)
        self.reception.introduce(proxy, client)
        return client

    async def _refuse(self, peer: socket, client: Client, refusal: Reply) -> None:
        log.info("refused", reply=str(refusal), client=str(client.address))
        with contextlib.closing(peer), contextlib.suppress(OSError):
            if self.kind != "smtps":  # What is not TLS would be no answer.
                await self._loop.sock_sendall(peer, f"{refusal}\r\n".encode())
                peer.shutdown(SHUT_WR)
