"""TLS, AUTH, LMTP and PROXY at the SMTP receiver: real sockets, real handshakes."""

import asyncio
import contextlib
import ipaddress
import os
import shutil
import ssl
import struct
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from maild.edge.certificate import Certificate
from maild.edge.passwords import Passwords, hashed, read, write
from maild.edge.smtp_in import Terms

from .test_smtp_in import MAIL, RCPT, Client, Place, run, until

EHLO = b"EHLO client.example.net\r\n"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
Make = Callable[[str], Certificate]


@pytest.fixture(scope="module")
def make(need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Make:
    """`make("one.example")` is a new self-signed certificate of that name."""
    openssl = need("openssl")
    folder = tmp_path_factory.mktemp("certificates")

    def certificate(name: str) -> Certificate:
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        subprocess.run(
            [
                *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                *("-nodes", "-days", "30", "-subj", f"/CN={name}"),
                *("-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", chain),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )
        return Certificate(chain, key)

    return certificate


@pytest.fixture(scope="module")
def certificate(make: Make) -> Certificate:
    return make("mx.example.com")


def trusting(*certificates: Certificate) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for one in certificates:
        context.load_verify_locations(one.chain)
    return context


def check(user: str, password: str) -> bool:
    return (user, password) == ("kevin", "correct horse")


async def in_tls(place: Place, certificate: Certificate, name: str = "mx.example.com") -> Client:
    """Connect, be greeted, and turn to TLS."""
    client = await place.client()
    return await turn(client, certificate, name)


async def turn(client: Client, certificate: Certificate, name: str = "mx.example.com") -> Client:
    assert (await client.say(b"STARTTLS\r\n")).startswith("220 2.0.0 ")
    await client.writer.start_tls(trusting(certificate), server_hostname=name)
    return client


def plain(user: str, password: str) -> bytes:
    return b"AUTH PLAIN " + b64encode(f"\0{user}\0{password}".encode()) + b"\r\n"


async def verbs(client: Client) -> set[str]:
    lines = (await client.say(EHLO)).split("\r\n")
    return {line[4:] for line in lines[1:]}


def test_starttls_is_offered_and_a_mail_comes_through_it(certificate: Certificate) -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        assert "STARTTLS" in await verbs(client)
        await turn(client, certificate)

        assert "STARTTLS" not in await verbs(client)
        assert (await client.send(b"x\r\n")).startswith("250")
        assert (await client.send(b"y" * 1_000_000 + b"\r\n"))[:3] == "554"
        assert (await client.send(b"y" * 70 + b"\r\n" + b"z\r\n" * 300_000)).startswith("250")
        assert (await client.say(b"STARTTLS\r\n")).startswith("500 ")

    run(story, terms=Terms(tls=certificate.context))


def test_what_was_said_before_tls_is_forgotten(certificate: Certificate) -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        await client.say(MAIL)
        await turn(client, certificate)

        assert (await client.say(RCPT)).startswith("503 ")
        assert (await client.say(MAIL)).startswith("503 ")
        await client.say(EHLO)
        assert (await client.say(MAIL)).startswith("250 ")

    run(story, terms=Terms(tls=certificate.context))


def test_commands_that_are_smuggled_in_behind_starttls_are_not_obeyed(
    certificate: Certificate,
) -> None:
    async def story(place: Place) -> None:
        client = await place.client()

        assert (await client.say(b"STARTTLS\r\n" + MAIL + RCPT)).startswith("421 ")
        assert await client.hear() == ""

    run(story, terms=Terms(tls=certificate.context))


@pytest.mark.parametrize("kind", ["smtp", "smtps"])
def test_a_handshake_that_fails_leaves_nothing_behind(certificate: Certificate, kind: str) -> None:
    async def story(place: Place) -> None:
        with capture_logs() as events:
            for junk in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""):
                client = await (place.client() if kind == "smtp" else place.call())
                if kind == "smtp":
                    await client.say(b"STARTTLS\r\n")
                client.writer.write(junk)
                client.writer.write_eof()
                with contextlib.suppress(ConnectionError):
                    await client.reader.read()
                await until(lambda: not (place.reception.connections or place.reception._present))

        assert {event["event"] for event in events} <= {"tls_failed", "turned_away"}

    run(story, kind=kind, terms=Terms(tls=certificate.context))


@pytest.mark.parametrize("kind", ["smtp", "smtps"])
def test_a_client_that_never_shakes_hands_is_cut(certificate: Certificate, kind: str) -> None:
    async def story(place: Place) -> None:
        client = await (place.client() if kind == "smtp" else place.call())
        if kind == "smtp":
            await client.say(b"STARTTLS\r\n")

        assert await client.reader.read() == b""
        await until(lambda: not (place.reception.connections or place.reception._present))

    run(story, kind=kind, terms=Terms(tls=certificate.context), handshake_seconds=0.1)


def test_draining_does_not_wait_for_tls_farewells(certificate: Certificate) -> None:
    async def story(place: Place) -> None:
        await in_tls(place, certificate)
        half = await place.client()
        await half.say(b"STARTTLS\r\n")

        async with asyncio.timeout(5):
            await place.reception.drain(1)

    run(story, terms=Terms(tls=certificate.context))


def test_tls_from_the_first_octet(certificate: Certificate) -> None:
    async def story(place: Place) -> None:
        client = await place.call(ssl=trusting(certificate), server_hostname="mx.example.com")
        assert (await client.hear()).startswith("220 ")

        assert not {"STARTTLS", "AUTH PLAIN LOGIN"} & await verbs(client)
        assert (await client.send(b"x\r\n")).startswith("250")

    run(story, kind="smtps", terms=Terms(tls=certificate.context, require_tls=True))


def test_tls_may_be_required(certificate: Certificate) -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        for line in (MAIL, b"AUTH PLAIN x\r\n", b"VRFY kim\r\n", b"HUH\r\n"):
            assert (await client.say(line)).startswith("530 5.7.0 ")
        assert (await client.say(b"NOOP\r\n")).startswith("250 ")
        await turn(client, certificate)
        await client.say(EHLO)
        assert (await client.send(b"x\r\n")).startswith("250")

    run(story, terms=Terms(tls=certificate.context, require_tls=True))


def test_a_renewed_certificate_is_shown_to_new_connections_only(make: Make) -> None:
    old, new = make("old.example"), make("new.example")
    live = Certificate(old.chain, old.key)

    async def story(place: Place) -> None:
        first = await in_tls(place, old, "old.example")
        shutil.copy(new.key, live.key)
        # The key is new and the certificate is not: half renewed, so the old one stays.
        with capture_logs() as events:
            await in_tls(place, before, "old.example")
        assert [e["event"] for e in events] == ["certificate_unusable"]
        shutil.copy(new.chain, live.chain)
        await in_tls(place, new, "new.example")
        assert (await first.say(b"NOOP\r\n")).startswith("250 ")

    copy = old.chain.with_name("before.pem")
    shutil.copy(old.chain, copy)
    shutil.copy(old.key, copy.with_suffix(".key"))
    before = Certificate(copy, copy.with_suffix(".key"))
    run(story, terms=Terms(tls=live.context))


def test_files_that_are_no_certificate_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with pytest.raises(OSError, match="no certificate and its key"):
        Certificate(tmp_path / "a", tmp_path / "a")


def test_auth_is_for_tls_only(certificate: Certificate) -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        assert not any(verb.startswith("AUTH") for verb in await verbs(client))
        assert (await client.say(plain("kevin", "correct horse"))).startswith("538 5.7.11 ")
        await turn(client, certificate)
        assert "AUTH PLAIN LOGIN" in await verbs(client)

    run(story, terms=Terms(tls=certificate.context, check=check))


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("mechanism", [b"PLAIN", b"login"])
def test_who_has_logged_in_may_send(
    certificate: Certificate, mechanism: bytes, split: bool
) -> None:
    async def story(place: Place) -> None:
        client = await in_tls(place, certificate)
        await client.say(EHLO)
        assert (await client.say(MAIL)).startswith("530 5.7.0 ")
        whole = (
            [b"\0kevin\0correct horse"] if mechanism == b"PLAIN" else [b"kevin", b"correct horse"]
        )
        words = [b64encode(word) for word in whole]
        line = b"AUTH " + mechanism + (b"" if split else b" " + words.pop(0)) + b"\r\n"
        for word in words:
            assert (await client.say(line)).startswith("334 ")
            line = word + b"\r\n"

        assert (await client.say(line)).startswith("235 2.7.0 ")
        assert (await client.send(b"x\r\n")).startswith("250")
        assert (await client.say(plain("kevin", "correct horse"))).startswith("503 ")

    run(story, terms=Terms(tls=certificate.context, check=check, members_only=True))


def test_a_stranger_may_not_send_where_only_members_may() -> None:
    async def story(place: Place) -> None:
        assert (await (await place.client()).say(MAIL)).startswith("550 5.7.1 ")

    run(story, terms=Terms(members_only=True))


def test_a_trusted_network_may_send_without_a_login() -> None:
    async def story(place: Place) -> None:
        assert (await (await place.client()).send(b"x\r\n")).startswith("250")

    run(story, terms=Terms(members_only=True), trusted=LOOPBACK)


def test_three_wrong_passwords_close_the_connection_and_more_the_door(
    certificate: Certificate,
) -> None:
    async def story(place: Place) -> None:
        for _ in range(2):
            client = await in_tls(place, certificate)
            await client.say(EHLO)
            for _ in range(2):
                assert (await client.say(plain("kevin", "x"))).startswith("535 5.7.8 ")
            assert (await client.say(plain("kevin", "x"))).startswith("421 4.7.0 ")
            assert await client.hear() == ""
        client = await in_tls(place, certificate)
        await client.say(EHLO)
        assert (await client.say(plain("kevin", "correct horse"))).startswith("421 4.7.0 ")

    run(story, terms=Terms(tls=certificate.context, check=check), max_failed_logins=6)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"AUTH\r\n", "504 5.5.4"),
        (b"AUTH CRAM-MD5\r\n", "504 5.5.4"),
        (b"AUTH PLAIN ====\r\n", "501 5.5.2"),
        (b"AUTH PLAIN a2V2aW4=\r\n", "501 5.5.2"),
        (b"AUTH PLAIN *\r\n", "501 5.7.0"),
        (b"AUTH PLAIN /w==\r\n", "501 5.5.2"),
    ],
)
def test_a_login_that_cannot_be_read_is_refused(
    certificate: Certificate, line: bytes, code: str
) -> None:
    async def story(place: Place) -> None:
        client = await in_tls(place, certificate)
        await client.say(EHLO)
        assert (await client.say(line)).startswith(code)

    run(story, terms=Terms(tls=certificate.context, check=check))


def test_a_password_is_never_logged(certificate: Certificate) -> None:
    async def story(place: Place) -> None:
        client = await in_tls(place, certificate)
        await client.say(EHLO)
        with capture_logs() as events:
            await client.say(plain("kevin", "sesame"))
            await client.say(plain("kevin", "correct horse"))
        assert [e["event"] for e in events] == ["login_failed", "refused", "login"]
        assert not any(word in str(events) for word in ("sesame", "horse", "c2VzYW1l"))

    run(story, terms=Terms(tls=certificate.context, check=check))


def test_a_password_file_is_private_and_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "users"
    assert write(path, "Kevin", "one")
    passwords = Passwords(path)
    assert passwords.check("kevin", "one")
    assert not passwords.check("kevin", "two")
    assert not passwords.check("ana", "one")
    assert not write(path, "kevin", "two")
    assert write(path, "ana", "three")
    assert passwords.check("kevin", "two")
    assert passwords.check("ana", "three")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["users"]
    assert "two" not in path.read_text("utf-8")


@pytest.mark.parametrize("line", ["kevin", "kevin:plain", "kevin:scrypt:1:1:1:!:!", "a b:scrypt:1"])
def test_a_broken_line_of_a_password_file_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "users"
    path.write_text(f"# users\nana:{hashed('x')}\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match="users:3: no user"):
        read(path)


def test_lmtp_answers_for_each_recipient() -> None:
    async def story(place: Place) -> None:
        client = await place.call()
        assert (await client.hear()) == "220 mx.example.com LMTP"
        assert (await client.say(EHLO)).startswith("500 ")
        assert (await client.say(b"HELO x\r\n")).startswith("500 ")
        assert (await client.say(b"LHLO relay.example.com\r\n")).startswith("250-mx.example.com")
        await client.say(MAIL)
        assert (await client.say(b"RCPT TO:<nobody@example.com>\r\n")).startswith("550 ")
        assert (await client.say(b"DATA\r\n")).startswith("503 ")
        await client.say(RCPT)
        await client.say(b"RCPT TO:<incidents@b.example>\r\n")
        await client.say(b"DATA\r\n")
        assert (await client.say(b"x\r\n.\r\n")) == "250 2.0.0 Taken"
        assert (await client.hear()) == "250 2.0.0 Taken"
        assert (await client.say(b"NOOP\r\n")) == "250 2.0.0 OK"

        [raw] = place.door.arrived
        assert raw.envelope.recipients == ("incidents@example.com", "incidents@b.example")

    run(story, kind="lmtp")


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"bare\nline\r\n", "554"), (b"From: mallory@example.net\r\n\r\nx\r\n", "550")],
)
def test_lmtp_refuses_for_each_recipient_too(content: bytes, code: str) -> None:
    async def story(place: Place) -> None:
        client = await place.call()
        await client.hear()
        await client.say(b"LHLO relay.example.com\r\n")
        await client.say(MAIL)
        await client.say(RCPT)
        await client.say(RCPT)
        await client.say(b"DATA\r\n")
        assert (await client.say(content + b".\r\n")).startswith(code)
        assert (await client.hear()).startswith(code)
        assert (await client.say(b"NOOP\r\n")) == "250 2.0.0 OK"
        assert place.door.arrived == []

    run(story, kind="lmtp")


def test_lmtp_is_no_smtp_and_smtp_is_no_lmtp() -> None:
    async def story(place: Place) -> None:
        assert (await (await place.client()).say(b"LHLO x\r\n")).startswith("500 ")

    run(story)


def version_2(source: str, command: int = 1) -> bytes:
    address = ipaddress.ip_address(source)
    if command == 0:
        return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x20, 0, 0, 0])
    family = 0x11 if address.version == 4 else 0x21
    body = address.packed * 2 + struct.pack("!HH", 1000, 25)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, family]) + struct.pack("!H", len(body)) + body


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 1000 25\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 1000 25\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
        (version_2("192.0.2.7"), "192.0.2.7"),
        (version_2("2001:db8::7"), "2001:db8::7"),
        (version_2("::ffff:192.0.2.7"), "192.0.2.7"),
        (version_2("0.0.0.0", command=0), "127.0.0.1"),
    ],
)
@pytest.mark.parametrize("kind", ["smtp", "smtps"])
def test_a_proxy_says_for_whom_it_connects(
    certificate: Certificate, kind: str, header: bytes, client: str
) -> None:
    async def story(place: Place) -> None:
        # The header comes in two pieces, the second with what follows it.
        peer = await place.call()
        peer.writer.write(header[:9])
        await asyncio.sleep(0)
        peer.writer.write(header[9:])
        if kind == "smtps":
            context = trusting(certificate)
            await peer.writer.start_tls(context, server_hostname="mx.example.com")
        assert (await peer.hear()).startswith("220 ")
        [connection] = place.reception.connections
        assert str(connection.client.address) == client
        assert connection.client.trusted == (client == "127.0.0.1")
        peer.writer.write(b"QUIT\r\n")
        await until(lambda: not place.reception._present)

    terms = Terms(tls=certificate.context, proxies=LOOPBACK)
    run(story, kind=kind, terms=terms, trusted=LOOPBACK)


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO client.example.net\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 1.2.3.4.5 x 1 1\r\n",
        b"PROXY " + b"x" * 5000,
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c" + b"\0" * 12,
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x01\0",
        b"PROXY TCP4 192.0",
        b"",
    ],
)
def test_a_proxy_without_a_header_is_turned_away(header: bytes) -> None:
    async def story(place: Place) -> None:
        peer = await place.call()
        peer.writer.write(header)
        peer.writer.write_eof()
        with contextlib.suppress(ConnectionError):
            assert await peer.reader.read() == b""
        await until(lambda: not place.reception._present)

    run(story, terms=Terms(proxies=LOOPBACK))


def test_a_proxy_that_says_nothing_is_turned_away() -> None:
    async def story(place: Place) -> None:
        assert await (await place.call()).reader.read() == b""
        assert not place.reception._present

    run(story, terms=Terms(proxies=LOOPBACK), handshake_seconds=0.1)


def test_a_header_from_anybody_else_is_an_unknown_command() -> None:
    async def story(place: Place) -> None:
        client = await place.client()
        line = b"PROXY TCP4 192.0.2.7 192.0.2.1 1000 25\r\n"
        assert (await client.say(line)).startswith("500 5.5.1 ")

    run(story, terms=Terms(proxies=(ipaddress.ip_network("192.0.2.0/24"),)))


def test_clients_behind_a_proxy_are_counted_by_themselves() -> None:
    async def story(place: Place) -> None:
        async def through(host: str) -> str:
            client = await place.call()
            return await client.say(f"PROXY TCP4 {host} 192.0.2.1 1000 25\r\n".encode())

        assert (await through("192.0.2.7")).startswith("220 ")
        assert (await through("192.0.2.7")).startswith("421 4.7.0 ")
        assert (await through("192.0.2.8")).startswith("220 ")

    run(story, terms=Terms(proxies=LOOPBACK), max_connections_per_client=1)


PIECES = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r", b"\n", b".", b"..", b"a", b"\r\n"]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.integers(1, 7))
def test_however_dots_and_line_ends_are_mixed_only_crlf_dot_crlf_ends_a_message(
    pieces: list[bytes], size: int
) -> None:
    lines = b"\r\n" + b"".join(pieces) + b"\r\n"
    assume(b"\r\n.\r\n" not in lines)
    content = lines.replace(b"\r\n.", b"\r\n")[2:]
    left = content.replace(b"\r\n", b"")
    bare = b"\r" in left or b"\n" in left

    async def story(place: Place) -> None:
        client = await place.client()
        await client.begin()
        octets = lines[2:] + b".\r\n"
        for at in range(0, len(octets), size):
            client.writer.write(octets[at : at + size])
            await asyncio.sleep(0)
        assert (await client.hear())[:3] == ("554" if bare else "250")
        assert [raw.content for raw in place.door.arrived] == ([] if bare else [content])
        assert await client.say(b"NOOP\r\n") == "250 2.0.0 OK"

    run(story)


@pytest.mark.slow
def test_a_thousand_idle_and_two_hundred_slow_clients_hold_nobody_up() -> None:
    async def story(place: Place) -> None:
        idle = [await place.client() for _ in range(1000)]
        slow = [await place.client() for _ in range(200)]
        for client in slow:
            await client.begin()

        async def trickle() -> None:
            while True:
                for client in slow:
                    client.writer.write(b"x")
                await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        loop = asyncio.get_running_loop()
        worst = 0.0
        for _ in range(5):
            begun = loop.time()
            assert (await (await place.client()).send(b"x\r\n")).startswith("250")
            worst = max(worst, loop.time() - begun)
        trickling.cancel()
        print(f"\n  the slowest of 5 mails beside {len(idle)} idle and 200 slow: {worst:.3f} s")
        # A second is promised; the machine of a test may be busy.
        assert worst < 5

    assert os.sysconf("SC_OPEN_MAX") > 3000
    run(
        story,
        max_connections=2000,
        max_connections_per_client=2000,
        max_connections_per_minute=9999,
    )
