"""The SMTP receiver: real sockets on 127.0.0.1, a doorkeeper of a few lines, one behaviour a test."""

import asyncio
import contextlib
import smtplib
import socket
import struct
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from maild.edge.smtp_in import Connection, Limits, Reception, Terms, command_fault, serve
from maild.edge.smtp_in.terms import Kind
from maild.mail.message import RawMessage, Reply

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TAKEN = Reply(250, 0, 0, "Taken")
MAIL = b"MAIL FROM:<kim@example.net>\r\n"
RCPT = b"RCPT TO:<incidents@example.com>\r\n"


class Door:
    """Welcomes incidents@ from anybody but Mallory, keeps what arrives, as slowly as it is told."""

    def __init__(self) -> None:
        self.arrived: list[RawMessage] = []
        self.knocked = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.broken: Exception | None = None

    def recipient(self, address: str) -> Reply | None:
        if address == "bug@example.com":
            raise ConnectionResetError("secret pipe")
        known = address.startswith(("incidents@", "übung@"))
        return None if known else Reply(550, 1, 1, "No such address here")

    def author(self, raw: RawMessage) -> Reply | None:
        banned = b"From: mallory@" in raw.content
        return Reply(550, 7, 1, "Ask owner@example.com for the right to post") if banned else None

    async def arrive(self, raw: RawMessage) -> Reply:
        self.knocked.set()
        await self.open.wait()
        if self.broken:
            raise self.broken
        self.arrived.append(raw)
        return TAKEN


class Client:
    """Says octets, hears replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hear(self) -> str:
        """Read one reply, all lines of it; "" when the connection is closed."""
        reply = ""
        while line := (await self.reader.readline()).decode():
            reply += line
            if line[3:4] == " ":
                break
        return reply.removesuffix("\r\n")

    async def say(self, octets: bytes) -> str:
        self.writer.write(octets)
        await self.writer.drain()
        return await self.hear()

    async def begin(self) -> None:
        """Come as far as 354."""
        assert (await self.say(MAIL)).startswith("250")
        assert (await self.say(RCPT)).startswith("250")
        assert (await self.say(b"DATA\r\n")).startswith("354")

    async def send(self, content: bytes) -> str:
        await self.begin()
        return await self.say(content + b".\r\n")


class Place:
    """A running reception, its door, and a way to get in."""

    def __init__(self, reception: Reception, door: Door, port: int) -> None:
        self.reception = reception
        self.door = door
        self.port = port
        self.writers: list[asyncio.StreamWriter] = []

    async def call(self, **how: Any) -> Client:
        """Connect, without waiting for the greeting."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **how)
        self.writers.append(writer)
        return Client(reader, writer)

    async def client(self) -> Client:
        """Connect, and be greeted."""
        client = await self.call()
        assert (await client.hear()).startswith("220 ")
        assert (await client.say(b"EHLO client.example.net\r\n")).startswith("250")
        return client


@contextlib.asynccontextmanager
async def receiving(
    kind: Kind = "smtp", terms: Terms | None = None, **limits: Any
) -> AsyncIterator[Place]:
    listening = socket.create_server(("127.0.0.1", 0))
    door = Door()
    reception = await serve(
        [(kind, listening)], door, Limits(**limits), "mx.example.com", lambda: NOON, terms
    )
    place = Place(reception, door, listening.getsockname()[1])
    try:
        yield place
    finally:
        door.open.set()
        await reception.drain(5)
        for writer in place.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def run(story: Callable[[Place], Awaitable[None]], **limits: Any) -> None:
    """Tell a story in a loop of its own, for half a minute at most."""

    async def told() -> None:
        async with receiving(**limits) as place:
            await asyncio.wait_for(story(place), 30)

    asyncio.run(told())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.001)


def test_a_mail_arrives_exactly_as_it_was_sent() -> None:
    content = b"Subject: caf\xc3\xa9 \xff\r\n\r\n.dot\r\n..two\r\n.\tthree\r\n\r\nEnd \0\r\n"

    async def story(place: Place) -> None:
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        reply = await (await place.client()).send(stuffed)

        [raw] = place.door.arrived
        assert reply == "250 2.0.0 Taken"
        assert raw.content == content
        assert raw.envelope.reverse_path == "kim@example.net"
        assert raw.envelope.recipients == ("incidents@example.com",)
        assert (raw.received_at, raw.via) == (NOON, "smtp")

    run(story)


@pytest.mark.parametrize("how", [{}, {"kind": "lmtp"}, {"trusted": (ip_network("127.0.0.0/8"),)}])
def test_who_said_it_is_told_for_spf_but_not_of_a_relay_of_ours(how: dict[str, Any]) -> None:
    async def story(place: Place) -> None:
        client = await place.call()
        await client.hear()
        await client.say(b"LHLO a.example\r\n" if how.get("kind") else b"EHLO a.example\r\n")
        assert (await client.send(b"Subject: x\r\n\r\nx\r\n")).startswith("250")

        [raw] = place.door.arrived
        assert (raw.client, raw.helo) == ("" if how else "127.0.0.1", "a.example")

    run(story, **how)


def test_an_empty_message_arrives_empty() -> None:
    async def story(place: Place) -> None:
        assert (await (await place.client()).send(b"")).startswith("250")

        assert place.door.arrived[0].content == b""

    run(story)


def test_a_mail_from_smtplib_arrives() -> None:
    message = EmailMessage()
    message["From"] = "kim@example.net"
    message.set_content(".leading dot\nübung\n")

    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as peer:
            peer.send_message(message, to_addrs=["incidents@example.com"])

    async def story(place: Place) -> None:
        await asyncio.to_thread(send, place.port)

        assert b"\r\n.leading dot\r\n" in place.door.arrived[0].content

    run(story)


def test_the_null_reverse_path_is_none() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.say(b"MAIL FROM:<>\r\n")
        await client.say(RCPT)
        await client.say(b"DATA\r\n")
        await client.say(b"x\r\n.\r\n")

        assert place.door.arrived[0].envelope.reverse_path is None

    run(story)


def test_an_unknown_recipient_is_refused_and_logged() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.say(MAIL)
        with capture_logs() as events:
            reply = await client.say(b"RCPT TO:<nobody@example.com>\r\n")

        assert reply == "550 5.1.1 No such address here"
        assert events == [
            {
                "event": "refused",
                "log_level": "info",
                "client": "127.0.0.1",
                "reverse_path": "kim@example.net",
                "recipient": "nobody@example.com",
                "reply": reply,
            }
        ]

    run(story)


def test_a_refused_author_is_told_and_nothing_is_committed() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        reply = await client.send(b"From: mallory@example.net\r\n\r\nx\r\n")

        assert reply.startswith("550 5.7.1 Ask owner@example.com")
        assert place.door.arrived == []
        assert (await client.send(b"From: kim@example.net\r\n\r\nx\r\n")).startswith("250")

    run(story)


def test_a_declared_size_that_is_too_big_is_refused_at_mail() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        reply = await client.say(b"MAIL FROM:<kim@example.net> SIZE=1001\r\n")

        assert reply.startswith("552 5.3.4 ")
        assert (await client.say(b"MAIL FROM:<kim@example.net> SIZE=1000\r\n")).startswith("250")

    run(story, max_message_bytes=1000)


@pytest.mark.parametrize(("octets", "code"), [(1000, "250 2.0.0"), (1001, "552 5.3.4")])
def test_a_message_may_be_as_big_as_the_limit_and_no_bigger(octets: int, code: str) -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        reply = await client.send(b"." + b"." * (octets - 2) + b"\r\n")

        assert reply.startswith(code)
        assert (await client.send(b"next\r\n")).startswith("250")
        assert place.reception.held_octets == 0

    run(story, max_message_bytes=1000)


def test_a_stream_without_line_ends_is_cut_and_costs_no_memory() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.begin()
        megabyte = b"z" * 1_000_000
        tracemalloc.start()
        sent = 0
        with contextlib.suppress(ConnectionError):
            for _ in range(60):
                client.writer.write(megabyte)
                await client.writer.drain()
                sent += 1
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert sent < 60
        assert peak < 10_000_000
        assert place.door.arrived == []
        await until(lambda: not place.reception.connections)
        assert place.reception.held_octets == 0

    run(story, max_message_bytes=5_000_000)


def test_a_line_of_twenty_thousand_octets_is_accepted() -> None:
    async def story(place: Place) -> None:
        reply = await (await place.client()).send(b"x" * 20_000 + b"\r\n")

        assert reply.startswith("250")

    run(story)


def test_a_line_that_is_too_long_is_refused_after_the_dot() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        for octets in (65_537, 65_538, 200_000):
            assert (await client.send(b"x" * octets + b"\r\n")).startswith("554 5.6.0 ")

        assert (await client.say(b"NOOP\r\n")).startswith("250")
        assert place.door.arrived == []

    run(story)


def test_a_dot_at_the_end_of_a_line_that_is_too_long_does_not_end_the_message() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.begin()
        [connection] = place.reception.connections
        client.writer.write(b"x" * 65_537 + b".")
        # All but the dot is taken out of the reader, which keeps what may begin a line end.
        await until(lambda: connection._intake is not None and connection._intake.octets == 65_537)
        client.writer.write(b"\r\nNOOP\r\n.\r\n")

        assert (await client.hear()).startswith("554 5.6.0 ")
        assert (await client.say(b"QUIT\r\n")).startswith("221")

    run(story)


@pytest.mark.parametrize("line", [b"NOOP\n", b"NOOP\rNOOP\r\n", b"NOOP\r\r\n"])
def test_a_bare_line_end_in_a_command_is_refused(line: bytes) -> None:
    async def story(place: Place) -> None:
        client = await place.client()

        assert (await client.say(line)).startswith("500 5.5.2 ")
        assert (await client.say(b"NOOP\r\n")) == "250 2.0.0 OK"

    run(story)


@pytest.mark.parametrize("bare", [b"\n", b"\r", b"\r\r\n"])
def test_a_bare_line_end_in_the_message_is_refused_after_the_dot(bare: bytes) -> None:
    async def story(place: Place) -> None:
        reply = await (await place.client()).send(b"one" + bare + b"two\r\n")

        assert reply.startswith("554 5.6.0 ")
        assert place.door.arrived == []

    run(story)


@pytest.mark.parametrize(
    "terminator",
    [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n", b"\r.\r\n"],
)
def test_a_smuggling_terminator_does_not_end_the_message(terminator: bytes) -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        smuggled = b"MAIL FROM:<boss@example.net>\r\n" + RCPT + b"DATA\r\nsmuggled\r\n"
        await client.send(b"outer" + terminator + smuggled)
        reply = await client.say(b"NOOP\r\n")

        # One reply for all of it; and at most one mail, which is Kim's.
        assert reply == "250 2.0.0 OK"
        assert len(place.door.arrived) == (terminator == b"\r\n\0.\r\n")
        assert all(raw.envelope.reverse_path == "kim@example.net" for raw in place.door.arrived)

    run(story)


def test_a_client_that_closes_after_the_dot_has_its_mail_committed_once() -> None:
    async def story(place: Place) -> None:
        place.door.open.clear()
        client = await place.client()
        await client.begin()
        client.writer.write(b"x\r\n.\r\n")
        client.writer.close()
        await place.door.knocked.wait()
        place.door.open.set()
        await until(lambda: not place.reception.commits)

        assert len(place.door.arrived) == 1
        assert place.reception.held_octets == 0

    run(story)


def test_a_connection_reset_during_the_commit_does_not_cancel_it() -> None:
    async def story(place: Place) -> None:
        place.door.open.clear()
        client = await place.client()
        await client.begin()
        client.writer.write(b"x\r\n.\r\n")
        await place.door.knocked.wait()
        peer: socket.socket = client.writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()
        await until(lambda: not place.reception.connections)
        place.door.open.set()
        await until(lambda: not place.reception.commits)

        assert len(place.door.arrived) == 1

    run(story)


def test_a_half_closed_client_gets_its_250() -> None:
    async def story(place: Place) -> None:
        place.door.open.clear()
        client = await place.client()
        await client.begin()
        client.writer.write(b"x\r\n.\r\n")
        client.writer.write_eof()
        await place.door.knocked.wait()
        place.door.open.set()

        assert await client.hear() == "250 2.0.0 Taken"
        assert await client.hear() == ""

    run(story)


def test_a_client_that_leaves_before_the_dot_commits_nothing() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.begin()
        with capture_logs() as events:
            client.writer.write(b"half a mail\r\n")
            client.writer.write_eof()

            assert await client.hear() == ""
        assert events == []
        assert place.door.arrived == []
        assert place.reception.held_octets == 0

    run(story)


def test_an_exception_of_the_doorkeeper_is_451_and_tells_nothing() -> None:
    async def story(place: Place) -> None:
        place.door.broken = RuntimeError("disk I/O error at /var/lib/secret")
        client = await place.client()
        with capture_logs() as events:
            reply = await client.send(b"x\r\n")

        assert reply == "451 4.3.0 Try again later"
        assert [event["event"] for event in events] == ["bug", "refused"]
        assert place.reception.held_octets == 0
        place.door.broken = None
        assert (await client.send(b"x\r\n")).startswith("250")

    run(story)


def test_an_exception_about_a_recipient_is_451_and_the_connection_lives() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.say(MAIL)

        assert await client.say(b"RCPT TO:<bug@example.com>\r\n") == "451 4.3.0 Try again later"
        assert (await client.say(RCPT)).startswith("250")

    run(story)


@pytest.mark.parametrize(
    "path",
    [
        b"<kim@example.net",
        b"kim@example.net",
        b"<kim\0@example.net>",
        b"<kim\x7f@example.net>",
        b"<kim\xff@example.net>",
        b"<kim\xed\xa0\x80@example.net>",
        b"<kim>",
        b"<kim@>",
        b"<k im@example.net>",
        b"<kim@example.net>>",
        b"<" + b"k" * 400 + b"@example.net>",
        b"<kim@example.net> SIZE=\xc2\xb2",
    ],
)
def test_a_path_that_is_none_is_refused(path: bytes) -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        reply = await client.say(b"MAIL FROM:" + path + b"\r\n")

        assert reply[:6] in ("501 5.", "553 5.")
        await client.say(MAIL)
        assert (await client.say(b"RCPT TO:" + path + b"\r\n"))[:6] in ("501 5.", "553 5.")

    run(story)


@pytest.mark.parametrize(
    ("path", "mailbox"),
    [
        (b'<"a \\"b> c"@example.net>', '"a \\"b> c"@example.net'),
        (b"<@relay.example,@mx.example:kim@example.net>", "kim@example.net"),
        (b"<kim+x=y@[192.0.2.1]>", "kim+x=y@[192.0.2.1]"),
        (b"<Postmaster>", "Postmaster"),
    ],
)
def test_odd_paths_that_the_rfc_allows_are_taken(path: bytes, mailbox: str) -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.say(b"MAIL FROM:" + path + b"\r\n")
        await client.say(RCPT)
        await client.say(b"DATA\r\n")
        await client.say(b"x\r\n.\r\n")

        assert place.door.arrived[0].envelope.reverse_path == mailbox

    run(story)


def test_a_utf8_address_needs_smtputf8() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        utf8 = "MAIL FROM:<jürgen@bücher.example>".encode()
        refused = await client.say(utf8 + b"\r\n")
        await client.say(utf8 + b" SMTPUTF8 BODY=8BITMIME\r\n")
        await client.say("RCPT TO:<übung@example.com>\r\n".encode())
        await client.say(b"DATA\r\n")
        await client.say(b"x\r\n.\r\n")

        [raw] = place.door.arrived
        assert refused.startswith("553 5.6.7 ")
        assert raw.envelope.reverse_path == "jürgen@bücher.example"
        assert raw.envelope.recipients == ("übung@example.com",)

    run(story)


def test_ehlo_advertises_what_we_do_and_no_more() -> None:
    async def story(place: Place) -> None:
        lines = (await (await place.client()).say(b"EHLO x\r\n")).split("\r\n")

        assert {line[4:] for line in lines[1:]} == {
            "8BITMIME",
            "ENHANCEDSTATUSCODES",
            "HELP",
            "PIPELINING",
            "SIZE 26214400",
            "SMTPUTF8",
        }

    run(story)


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"VRFY kim", "252 2.5.0 "),
        (b"HELP", "214 2.0.0 "),
        (b"EXPN list", "502 5.5.1 "),
        (b"AUTH PLAIN AGEAYg==", "500 5.5.1 "),
        (b"STARTTLS", "500 5.5.1 "),
        (b"GET / HTTP/1.1", "500 5.5.1 "),
        (b"", "500 5.5.1 "),
        (b"NOOP", "250 2.0.0 "),
        (b"RSET", "250 2.0.0 "),
        (b"RSET now", "501 5.5.4 "),
        (b"DATA", "503 5.5.1 "),
        (b"RCPT TO:<incidents@example.com>", "503 5.5.1 "),
        (b"MAIL TO:<kim@example.net>", "501 5.5.4 "),
        (b"QUIT", "221 2.0.0 "),
    ],
)
def test_every_reply_has_an_enhanced_code(line: bytes, reply: str) -> None:
    async def story(place: Place) -> None:
        assert (await (await place.client()).say(line + b"\r\n")).startswith(reply)

    run(story)


def test_repeated_ehlo_raises_no_limit() -> None:
    before = dict(Connection.command_size_limits)

    async def story(place: Place) -> None:
        client = await place.client()
        for _ in range(200):
            await client.say(b"EHLO again.example.net\r\n")
        path = b"<kim@" + b"x" * 900 + b">"

        assert (await client.say(b"MAIL FROM:" + path + b"\r\n")).startswith("500 5.5.2 ")
        assert before == Connection.command_size_limits

    run(story)


def test_an_endless_command_is_cut() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        with contextlib.suppress(ConnectionError):
            client.writer.write(b"x" * 300_000)
            await client.writer.drain()
        await until(lambda: not place.reception.connections)

    run(story)


def test_too_many_recipients_are_452() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.say(MAIL)
        replies = [await client.say(RCPT) for _ in range(3)]

        assert [reply[:9] for reply in replies] == ["250 2.1.5", "250 2.1.5", "452 4.5.3"]

    run(story, max_recipients=2)


def test_too_many_connections_are_421() -> None:
    async def story(place: Place) -> None:
        first = await place.client()
        second = await place.call()

        assert (await second.hear()).startswith("421 4.7.0 ")
        assert await second.hear() == ""
        await first.say(b"QUIT\r\n")
        await until(lambda: not place.reception.connections)
        await place.client()

    run(story, max_connections=1)


def test_too_many_connections_of_one_client_are_421() -> None:
    async def story(place: Place) -> None:
        await place.client()
        await place.client()

        assert (await (await place.call()).hear()).startswith("421 4.7.0 ")

    run(story, max_connections_per_client=2)


def test_connections_of_one_client_that_come_too_fast_are_421() -> None:
    async def story(place: Place) -> None:
        for _ in range(2):
            await (await place.client()).say(b"QUIT\r\n")

        assert (await (await place.call()).hear()).startswith("421 4.7.0 ")

    run(story, max_connections_per_minute=2)


def test_a_trusted_client_has_no_limits_of_its_own() -> None:
    async def story(place: Place) -> None:
        clients = [await place.client() for _ in range(3)]
        for _ in range(3):
            assert (await clients[0].send(b"x\r\n")).startswith("250")

    run(
        story,
        max_connections_per_client=1,
        max_connections_per_minute=1,
        max_commands=2,
        max_transactions=1,
        trusted=(ip_network("127.0.0.0/8"),),
    )


def test_too_many_errors_close_even_a_trusted_connection() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        for _ in range(3):
            assert (await client.say(b"HUH\r\n")).startswith("500 5.5.1 ")

        assert (await client.say(b"NOOP\r\n")).startswith("421 4.7.0 ")
        assert await client.hear() == ""

    run(story, max_errors=3, trusted=(ip_network("127.0.0.1/32"),))


def test_too_many_commands_close_the_connection() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.say(b"NOOP\r\n")

        assert (await client.say(b"NOOP\r\n")).startswith("421 4.7.0 ")

    run(story, max_commands=2)


def test_too_many_transactions_close_the_connection() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.send(b"x\r\n")

        assert (await client.say(MAIL)).startswith("421 4.7.0 ")
        assert await client.hear() == ""

    run(story, max_transactions=1)


def test_an_old_connection_is_closed() -> None:
    async def story(place: Place) -> None:
        client = await place.call()
        await client.hear()

        assert (await client.say(b"EHLO x\r\n")).startswith("421 4.4.2 ")

    run(story, connection_seconds=0)


def test_an_idle_client_is_told_and_closed() -> None:
    async def story(place: Place) -> None:
        client = await place.client()

        assert (await client.hear()).startswith("421 4.4.2 ")
        assert await client.hear() == ""

    run(story, idle_seconds=0.05)


def test_a_message_that_trickles_for_too_long_is_cut() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.begin()
        client.writer.write(b"x\r\n")

        assert (await client.hear()).startswith("421 4.4.2 ")
        await until(lambda: not place.reception.connections)
        assert place.reception.held_octets == 0

    run(story, data_seconds=0.05)


def test_progress_in_a_message_restarts_the_idle_timer() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.begin()
        loop = asyncio.get_running_loop()
        ends = loop.time() + 1.5
        while loop.time() < ends:
            client.writer.write(b"x")
            await asyncio.sleep(0.02)

        assert (await client.say(b"\r\n.\r\n")).startswith("250")

    run(story, idle_seconds=0.5)


def test_a_slow_commit_does_not_hit_the_idle_timer() -> None:
    async def story(place: Place) -> None:
        place.door.open.clear()
        client = await place.client()
        asyncio.get_running_loop().call_later(0.5, place.door.open.set)

        assert (await client.send(b"x\r\n")).startswith("250")

    run(story, idle_seconds=0.1)


def test_all_connections_together_hold_no_more_than_the_memory_limit() -> None:
    async def story(place: Place) -> None:
        place.door.open.clear()
        first, second = await place.client(), await place.client()
        await first.begin()
        first.writer.write(b"x" * 598 + b"\r\n.\r\n")
        await place.door.knocked.wait()

        assert (await second.send(b"x" * 598 + b"\r\n")).startswith("452 4.3.1 ")
        place.door.open.set()
        assert (await first.hear()).startswith("250")
        assert (await second.send(b"x" * 598 + b"\r\n")).startswith("250")

    run(story, memory_bytes=1000)


def test_pipelined_commands_are_answered_in_order() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        client.writer.write(MAIL + RCPT + b"DATA\r\nx\r\n.\r\n" + MAIL + RCPT)
        client.writer.write(b"DATA\r\ny\r\n.\r\nQUIT\r\n")
        client.writer.write_eof()
        heard = [await client.hear() for _ in range(10)]

        codes = [reply[:3] for reply in heard]
        assert codes == ["250", "250", "354", "250", "250", "250", "354", "250", "221", ""]
        assert [raw.content for raw in place.door.arrived] == [b"x\r\n", b"y\r\n"]

    run(story)


def test_two_connections_are_served_at_once() -> None:
    async def story(place: Place) -> None:
        first, second = await place.client(), await place.client()
        await first.begin()

        assert (await second.send(b"two\r\n")).startswith("250")
        assert (await first.say(b"one\r\n.\r\n")).startswith("250")
        assert [raw.content for raw in place.door.arrived] == [b"two\r\n", b"one\r\n"]

    run(story)


def test_draining_waits_for_commits_and_answers_421() -> None:
    async def story(place: Place) -> None:
        place.door.open.clear()
        busy, other, idle = [await place.client() for _ in range(3)]
        await busy.begin()
        busy.writer.write(b"x\r\n.\r\n")
        await place.door.knocked.wait()
        drained = asyncio.create_task(place.reception.drain(20))

        assert (await other.say(b"NOOP\r\n")).startswith("421 4.3.2 ")
        with pytest.raises(ConnectionRefusedError):
            await place.call()
        place.door.open.set()
        assert await busy.hear() == "250 2.0.0 Taken"
        await drained
        assert await idle.hear() == ""
        assert not place.reception.connections

    run(story)


def test_draining_does_not_wait_for_ever_and_cancels_no_commit() -> None:
    async def story(place: Place) -> None:
        place.door.open.clear()
        client = await place.client()
        await client.begin()
        client.writer.write(b"x\r\n.\r\n")
        await place.door.knocked.wait()
        await place.reception.drain(0.05)

        assert await client.hear() == ""
        place.door.open.set()
        await until(lambda: not place.reception.commits)
        assert len(place.door.arrived) == 1

    run(story)


def test_a_client_that_reads_no_replies_is_cut() -> None:
    async def story(place: Place) -> None:
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(peer, ("127.0.0.1", place.port))
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(3):
                while True:
                    await loop.sock_sendall(peer, b"NOOP\r\n" * 10_000)
        await until(lambda: not place.reception.connections)
        peer.close()

    run(story, idle_seconds=0.5, max_commands=10_000_000)


@given(st.binary(max_size=600))
def test_no_octets_make_reading_a_command_fail(line: bytes) -> None:
    fault = command_fault(line + b"\r\n")

    assert fault is None or fault.code in (500, 501)
