"""A DNS of the tests' own: a zone on a loopback port, and a resolver that asks nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.resolver
from dnslib import QTYPE, RCODE, RR, TXT, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from tests.integration.sink import free_port


class Zone(BaseResolver):
    """Answers from a table of TXT and A records; names in `broken` get SERVFAIL."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.hosts: dict[str, str] = {}
        self.broken: set[str] = set()
        self.asked: list[str] = []

    def resolve(self, request: DNSRecord, handler: Any) -> DNSRecord:
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        self.asked.append(f"{kind} {name}")
        reply = request.reply()
        if name in self.broken:
            reply.header.rcode = RCODE.SERVFAIL
        elif kind == "TXT" and name in self.texts:
            text = self.texts[name]
            pieces = [text[at : at + 250] for at in range(0, len(text), 250)]
            reply.add_answer(RR(request.q.qname, QTYPE.TXT, rdata=TXT(pieces)))
        elif kind == "A" and name in self.hosts:
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(self.hosts[name])))
        elif name not in self.texts and name not in self.hosts:
            reply.header.rcode = RCODE.NXDOMAIN
        return reply


def resolver_at(port: int) -> dns.resolver.Resolver:
    """Give a resolver that asks this port of 127.0.0.1, and no other server."""
    found = dns.resolver.Resolver(configure=False)
    found.nameservers = ["127.0.0.1"]
    found.port = port
    return found


@contextmanager
def nameserver(zone: Zone) -> Iterator[dns.resolver.Resolver]:
    """Serve the zone; gives a resolver that asks it."""
    port = free_port()
    logger = DNSLogger("-request,-reply,-truncated,-error,-recv,-send,-data")
    servers = [
        DNSServer(zone, port=port, address="127.0.0.1", tcp=tcp, logger=logger)
        for tcp in (False, True)
    ]
    for server in servers:
        server.start_thread()
    try:
        yield resolver_at(port)
    finally:
        for server in servers:
            server.stop()
            server.server.server_close()
            server.thread.join()
