"""What we send is signed, and what we pass on is sealed."""

import asyncio
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import dkim
import pytest

from maild.edge.signing import (
    KeyFault,
    KeyKind,
    SignedTransport,
    Signer,
    make_key,
    signer,
    zone_line,
)
from maild.mail.message import Reply

MAIL = (
    b"From: Kevin <kevin@example.com>\r\nTo: incidents@example.com\r\nSubject: Checkout is down\r\n"
    b"Date: Mon, 16 Mar 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\nIt is.\r\n"
)
RESULTS = b"Authentication-Results: mx.example.com; dmarc=pass header.from=example.com\r\n"

Made = Callable[[KeyKind], tuple[Signer, str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """`made("rsa")` is a signer with a new key, and its DNS record."""
    found: dict[KeyKind, tuple[Signer, str]] = {}

    def make(kind: KeyKind) -> tuple[Signer, str]:
        if kind not in found:
            path = tmp_path_factory.mktemp("key") / "dkim.key"
            record = make_key(path, kind)
            found[kind] = signer("example.com", "maild", path, "mx.example.com"), record
        return found[kind]

    return make


def dns(record: str) -> Callable[..., bytes | None]:
    names = {b"maild._domainkey.example.com.": record.encode()}
    return lambda name, timeout=5: names.get(name)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_signature_agrees_with_the_record_that_was_printed(made: Made, kind: KeyKind) -> None:
    ours, record = made(kind)
    signed = ours.signed(MAIL)
    assert signed.endswith(MAIL)
    assert dkim.verify(signed, dnsfunc=dns(record))
    assert not dkim.verify(signed.replace(b"It is.", b"It was."), dnsfunc=dns(record))


def test_the_state_and_the_second_from_cannot_be_added(made: Made) -> None:
    ours, record = made("rsa")
    forged = b"From: Mallory <mallory@example.com>\r\n" + ours.signed(MAIL)
    assert not dkim.verify(forged, dnsfunc=dns(record))


def test_bare_line_ends_are_mended_before_signing(made: Made) -> None:
    ours, record = made("rsa")
    signed = ours.signed(MAIL.replace(b"\r\n", b"\n"))
    assert b"\n" not in signed.replace(b"\r\n", b"")
    assert dkim.verify(signed, dnsfunc=dns(record))


def test_a_mail_with_results_of_ours_is_sealed(made: Made) -> None:
    ours, record = made("rsa")
    sealed = ours.signed(RESULTS + MAIL)
    found, _, reason = dkim.arc_verify(sealed, dnsfunc=dns(record))
    assert (found, reason) == (b"pass", "success")
    assert dkim.verify(sealed, dnsfunc=dns(record))


def test_a_mail_without_results_of_ours_is_not_sealed(made: Made) -> None:
    ours, _ = made("rsa")
    for results in (b"", RESULTS.replace(b"mx.example.com", b"mx.elsewhere.net")):
        assert b"ARC-Seal" not in ours.signed(results + MAIL)


def test_a_key_is_for_its_owner_alone_and_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "dkim.key"
    make_key(path, "ed25519")
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyFault, match="is there already"):
        make_key(path, "ed25519")
    assert path.read_bytes() == before


def test_a_key_that_is_none_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "dkim.key"
    with pytest.raises(KeyFault, match="dkim-key"):
        signer("example.com", "maild", path, "mx")
    for rubbish in (b"-----BEGIN RSA PRIVATE KEY-----\nrubbish\n", b"rubbish"):
        path.write_bytes(rubbish)
        with pytest.raises(KeyFault, match="cannot sign"):
            signer("example.com", "maild", path, "mx")


def test_the_printed_record_is_in_strings_that_the_dns_takes(made: Made) -> None:
    _, record = made("rsa")
    line = zone_line("example.com", "maild", record)
    strings = re.findall(r'"([^"]*)"', line)
    assert "".join(strings) == record
    assert max(map(len, strings)) <= 255


class Kept:
    """A way out that keeps what it gets."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes
    ) -> Mapping[str, Reply]:
        self.sent.append(content)
        return dict.fromkeys(recipients, Reply(250, 0, 0, "sent"))

    async def close(self) -> None:
        pass


def test_a_mail_is_signed_once_for_all_its_transactions(made: Made) -> None:
    ours, record = made("rsa")
    kept = Kept()
    transport = SignedTransport(kept, ours, unsigned=pytest.fail)

    async def twice() -> None:
        await transport.send(None, ["ana@example.com"], MAIL)
        await transport.send(None, ["bob@example.com"], MAIL)

    asyncio.run(twice())
    assert kept.sent[0] is kept.sent[1]
    assert dkim.verify(kept.sent[0], dnsfunc=dns(record))


def test_a_mail_that_cannot_be_signed_goes_out_as_it_is_and_is_logged(made: Made) -> None:
    ours, _ = made("rsa")
    kept, told = Kept(), list[Exception]()
    transport = SignedTransport(kept, ours, unsigned=told.append)
    asyncio.run(transport.send(None, ["ana@example.com"], b"no header field\r\n"))
    assert kept.sent == [b"no header field\r\n"]
    assert len(told) == 1
