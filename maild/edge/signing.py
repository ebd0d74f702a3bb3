"""Signing what we send: DKIM (RFC 6376, RFC 8463), and an ARC seal (RFC 8617); keys for both."""

import asyncio
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, Protocol

from dkim import ARC, DKIM, DKIMException
from dkim.dknewkey import (
    ExtractEd25519PublicKey,
    ExtractRSADnsPublicKey,
    GenEd25519Keys,
    GenRSAKeys,
)

from maild.config import ConfigError
from maild.mail.message import Reply, Unreachable

KEPT: Final = 16
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_RESULTS: Final = re.compile(rb"(?im)^authentication-results:")

KeyKind = Literal["rsa", "ed25519"]


class KeyFault(ConfigError):
    """The key cannot be used, or none could be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for a domain. key: PEM (RSA), or base64 (Ed25519). authserv_id: whose results are sealed."""

    domain: str
    selector: str
    key: bytes
    authserv_id: str

    @property
    def kind(self) -> KeyKind:
        """What kind of key it is."""
        return "rsa" if b"-----BEGIN" in self.key else "ed25519"

    def signed(self, content: bytes) -> bytes:
        """Give the mail with our signature, and sealed where it bears results of ours (RFC 8617 §5.1).

        Lines end in CR LF after it, as they do on the wire. Raises KeyFault.
        """
        content = _LINE_END.sub(b"\r\n", content)
        domain, selector = self.domain.encode("idna"), self.selector.encode("ascii")
        algorithm = f"{self.kind}-sha256".encode()
        try:
            field = DKIM(content).sign(
                selector, domain, self.key, algorithm, canonicalize=(b"relaxed", b"relaxed")
            )
            content = field + content
            # dkimpy seals with RSA alone.
            if self.kind == "rsa" and _RESULTS.search(content.partition(b"\r\n\r\n")[0]):
                seal = ARC(content).sign(selector, domain, self.key, self.authserv_id.encode())
                content = b"".join(seal) + content
        except (DKIMException, ValueError, TypeError, AttributeError) as error:
            # What dkimpy raises on a key or a mail that it cannot read.
            raise KeyFault(f"cannot sign for {self.domain}: {error}") from error
        return content


def signer(domain: str, selector: str, key_file: Path, authserv_id: str) -> Signer:
    """Read the key, and sign once to see that it works. Raises KeyFault."""
    try:
        found = Signer(domain, selector, key_file.read_bytes().strip(), authserv_id)
    except OSError as error:
        raise KeyFault(f"{key_file}: {error.strerror}; `maild dkim-key` makes a key") from error
    try:
        found.signed(b"From: a@example.com\r\n\r\n")
    except KeyFault as fault:
        raise KeyFault(f"{key_file}: {fault}") from fault
    return found


def make_key(path: Path, kind: KeyKind) -> str:
    """Make a key (RSA of 2048 bits, or Ed25519), mode 600; gives the text of its DNS record.

    Raises KeyFault where there is a file already, or no openssl for RSA.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as error:
        raise KeyFault(f"{path}: is there already, and stays as it is") from error
    with TemporaryDirectory() as folder:
        public = Path(folder) / "public"
        try:
            if kind == "rsa":
                GenRSAKeys(str(path), verbose=False)
                ExtractRSADnsPublicKey(str(path), str(public), verbose=False)
            else:
                key = GenEd25519Keys(str(path), verbose=False)
                ExtractEd25519PublicKey(str(public), key, verbose=False)
        except Exception as error:
            path.unlink()
            reason = "it needs /usr/bin/openssl" if isinstance(error, OSError) else str(error)
            raise KeyFault(f"{path}: no key could be made; {reason}") from error
        return public.read_text("ascii").strip()


def zone_line(domain: str, selector: str, record: str) -> str:
    """Write a DNS record as a zone file has it, in strings of at most 255 octets (RFC 6376 §3.6.2.2)."""
    pieces = [record[at : at + 250] for at in range(0, len(record), 250)]
    texts = "\n    ".join(f'"{piece}"' for piece in pieces)
    return f"{selector}._domainkey.{domain}. IN TXT (\n    {texts} )"


class Transport(Protocol):
    """The way out that gets what was signed."""

    async def send(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes
    ) -> Mapping[str, Reply] | Unreachable: ...
    async def close(self) -> None: ...


class SignedTransport:
    """Signs each mail once, in a thread, however many transactions it takes; then sends it.

    A mail that cannot be signed goes out as it is: an unsigned mail is better than none.
    """

    def __init__(
        self, transport: Transport, signer: Signer, unsigned: Callable[[Exception], None]
    ) -> None:
        self.transport, self.signer, self.unsigned = transport, signer, unsigned
        self.kept: OrderedDict[bytes, bytes] = OrderedDict()

    async def send(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes
    ) -> Mapping[str, Reply] | Unreachable:
        """Sign and send one mail."""
        digest = sha256(content).digest()
        if digest not in self.kept:
            try:
                self.kept[digest] = await asyncio.to_thread(self.signer.signed, content)
            except Exception as error:
                self.unsigned(error)
                self.kept[digest] = content
        signed = self.kept[digest]
        while len(self.kept) > KEPT:
            self.kept.popitem(last=False)
        return await self.transport.send(reverse_path, recipients, signed)

    async def close(self) -> None:
        """Let go of connections."""
        await self.transport.close()
