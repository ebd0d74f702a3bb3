"""Is From genuine? SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489), and a trusted forwarder's ARC.

One deadline for all that one mail makes us ask of the DNS. Trouble there is never a pass and never a
refusal for good: the sender tries again.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import authheaders
import dns.exception
import dns.name
import dns.resolver
import spf
from authres import DKIMAuthenticationResult, SPFAuthenticationResult
from dkim import ARC, DKIM

from maild.mail.headers import (
    MAX_FIELDS,
    MAX_HEADER_OCTETS,
    addresses,
    fields,
    split_content,
)
from maild.mail.message import Authenticated, RawMessage
from maild.mail.results import standing_of

SECONDS: Final = 20.0
LOOKUP_SECONDS: Final = 5.0
MAX_LOOKUPS: Final = 60
MAX_SIGNATURES: Final = 5
MAX_SEALS: Final = 10
THREADS: Final = 8


class Resolver(Protocol):
    """Answers questions of the DNS, as dnspython's does."""

    def resolve(self, qname: str, rdtype: str, *, lifetime: float) -> Any: ...


@dataclass(slots=True)
class _Lookups:
    """What one mail asks of the DNS: each question once, within one deadline.

    trouble: whether a question got no answer, neither yes nor no.
    """

    resolver: Resolver
    until: float
    known: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    trouble: bool = False

    def answers(self, name: str, kind: str) -> list[Any]:
        """Give the records, [] where there are none. Raises Timeout where nobody knows."""
        question = (name.lower().rstrip("."), kind)
        if question not in self.known:
            remaining = self.until - time.monotonic()
            if remaining <= 0 or len(self.known) >= MAX_LOOKUPS:
                self.trouble = True
                raise dns.exception.Timeout
            self.known[question] = self._asked(*question, min(LOOKUP_SECONDS, remaining))
        return self.known[question]

    def _asked(self, name: str, kind: str, seconds: float) -> list[Any]:
        try:
            return list(self.resolver.resolve(f"{name}.", kind, lifetime=seconds))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong, UnicodeError):
            # No name that anybody could publish under.
            return []
        except (dns.exception.DNSException, OSError) as error:
            self.trouble = True
            raise dns.exception.Timeout from error

    def texts(self, name: str) -> list[bytes]:
        """Give the TXT records of a name."""
        return [b"".join(record.strings) for record in self.answers(name, "TXT")]

    def key(self, name: bytes, timeout: float = 0) -> bytes | None:
        """Give a key record, as dkimpy asks for it."""
        return next(iter(self.texts(name.decode("ascii", "replace"))), None)

    def policy(self, name: str) -> str | None:
        """Give a DMARC record, as authheaders asks for it; of two none holds (RFC 7489 §6.6.3)."""
        found = [t.decode("ascii", "replace") for t in self.texts(name)]
        policies = [text for text in found if text.startswith("v=DMARC1")]
        return policies[0] if len(policies) == 1 else None


_LOOKUPS: ContextVar[_Lookups] = ContextVar("lookups")
_RECORD: Final[dict[str, Callable[[Any], Any]]] = {
    "A": lambda record: record.address,
    "AAAA": lambda record: record.address,
    "MX": lambda record: (record.preference, record.exchange.to_text(True)),
    "PTR": lambda record: record.target.to_text(True),
    "TXT": lambda record: record.strings,
}


def _spf_lookup(name: str, kind: str, strict: object = True, timeout: float = 0) -> list[Any]:
    """Answer pyspf, which has no other way to be given a resolver than this function of its module."""
    if kind not in _RECORD:
        return []
    try:
        answers = _LOOKUPS.get().answers(name, kind)
    except dns.exception.Timeout as error:
        raise spf.TempError("DNS timeout") from error
    return [((name, kind), _RECORD[kind](record)) for record in answers]


spf.DNSLookup = _spf_lookup


class Authenticator:
    """Says of each mail whether its From is genuine; in threads of its own, each with one deadline."""

    def __init__(
        self,
        authserv_id: str,
        forwarders: frozenset[str] = frozenset(),
        resolver: Resolver | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self.authserv_id, self.forwarders, self.seconds = authserv_id, forwarders, seconds
        self.resolver: Resolver = resolver or dns.resolver.Resolver()
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="authentication")

    async def __call__(self, raw: RawMessage) -> Authenticated:
        """Authenticate a mail; "trouble" where the time is over."""
        loop = asyncio.get_running_loop()
        until = time.monotonic() + self.seconds
        try:
            work = loop.run_in_executor(self.threads, self.check, raw, until)
            return await asyncio.wait_for(work, self.seconds + 1)
        except TimeoutError:
            return Authenticated("trouble", "")

    def check(self, raw: RawMessage, until: float) -> Authenticated:
        """Authenticate a mail, until a moment of the monotonic clock. Never raises."""
        lookups = _Lookups(self.resolver, until)
        _LOOKUPS.set(lookups)
        section, _ = split_content(raw.content)
        found = fields(section)
        boxes = addresses(found, "from")
        # Beyond these limits we do not look, but the libraries do, and could see another From.
        whole = len(section) <= MAX_HEADER_OCTETS and len(found) < MAX_FIELDS
        if not whole or len(boxes) != 1 or sum(name == "from" for name, _ in found) != 1:
            # Which author would be the one that is vouched for?
            return Authenticated("fail", "dmarc=permerror")
        author = boxes[0].address
        try:
            results, standing = _own_results(raw, author, lookups)
            seal = ARC(raw.content) if any(n == "arc-seal" for n, _ in found) else None
            chain, vouched = self._chain(seal, author, lookups) if seal else ("", False)
        except Exception:
            # The libraries raise anything on hostile octets; what nobody could read is no proof.
            return Authenticated("trouble" if lookups.trouble else "fail", "")
        results += [f"arc={chain}"] if chain else []
        if standing != "pass" and vouched:
            standing = "pass"
        if standing != "pass" and lookups.trouble:
            standing = "trouble"
        return Authenticated("pass" if standing == "pass" else _other(standing), "; ".join(results))

    def _chain(self, seal: ARC, author: str, lookups: _Lookups) -> tuple[str, bool]:
        """Check an ARC chain (RFC 8617 §5.2), and whether a forwarder we trust vouches for From."""
        if seal.sorted_arc_headers()[0] > MAX_SEALS:
            return "fail", False
        verdict, sets, _ = seal.verify(dnsfunc=lookups.key)
        if verdict != b"pass" or not sets:
            return "fail", False
        last = sets[0]
        domain = last["as-domain"].decode("ascii", "replace").lower()
        said = last["aar-value"].decode("utf-8", "replace").partition(";")[2].strip()
        authserv_id = said.partition(";")[0].split()[0] if said.partition(";")[0].split() else ""
        trusted = domain in self.forwarders and last["ams-domain"] == last["as-domain"]
        return "pass", trusted and standing_of(said, authserv_id, author) == "pass"


def _other(standing: str) -> Any:
    return "trouble" if standing == "trouble" else "fail"


def _own_results(raw: RawMessage, author: str, lookups: _Lookups) -> tuple[list[str], str]:
    """Check SPF and DKIM, and whether one of them is aligned with From."""
    path = raw.envelope.reverse_path or ""
    sender = _spf(raw, path, lookups)
    signed = _signers(raw.content, lookups)
    domain = author.rpartition("@")[2].lower()
    standing, dmarc = "fail", "none"
    for signer in (*signed, ""):
        dmarc, aligned = _dmarc(domain, sender, path, signer, lookups)
        if aligned:
            standing = "pass"
            break
    results = [f"dmarc={dmarc} header.from={_token(domain)}"]
    results += [f"dkim=pass header.d={_token(signer)}" for signer in signed]
    if path:
        results.append(f"spf={sender} smtp.mailfrom={_token(path.rpartition('@')[2])}")
    return results, standing


def _token(text: str) -> str:
    """Keep a value of ours from being read as anything else (RFC 8601 §2.2)."""
    return "".join(c for c in text.lower() if c.isascii() and (c.isalnum() or c in "-._")) or "none"


def _spf(raw: RawMessage, path: str, lookups: _Lookups) -> str:
    if not raw.client or not path:
        return "none"
    try:
        result, _ = spf.check2(raw.client, path, raw.helo or "unknown", querytime=0)
    except Exception:
        # pyspf raises on addresses and records that it cannot read.
        return "permerror"
    return str(result)


def _signers(content: bytes, lookups: _Lookups) -> list[str]:
    """List the domains whose signature holds for the whole mail."""
    count = sum(name == "dkim-signature" for name, _ in fields(split_content(content)[0]))
    found = []
    for number in range(min(count, MAX_SIGNATURES)):
        one = DKIM(content)
        try:
            holds = one.verify(idx=number, dnsfunc=lookups.key)
        except Exception:
            # DKIMException, and whatever a hostile signature makes the library raise.
            continue
        # A signature of the first octets (l=) leaves the rest to whoever likes.
        signed = one.signature_fields.get(b"h", b"").lower().replace(b" ", b"").split(b":")
        if holds and b"from" in signed and b"l" not in one.signature_fields:
            found.append(one.signature_fields[b"d"].decode("ascii", "replace").lower())
    return found


def _dmarc(domain: str, sender: str, path: str, signer: str, lookups: _Lookups) -> tuple[str, bool]:
    """Say what DMARC says, and whether From is aligned with SPF or this signer."""
    by_spf = SPFAuthenticationResult(result=sender, smtp_mailfrom=path)
    by_dkim = DKIMAuthenticationResult(result="pass" if signer else "none", header_d=signer)
    result, _, _, _ = authheaders.dmarc_per_from(
        domain, spf_result=by_spf, dkim_result=by_dkim, dnsfunc=lookups.policy
    )
    if result != "none":
        return str(result), result == "pass"
    # No policy is published: alignment alone, as DMARC's relaxed mode has it.
    proved = [signer] if signer else []
    proved += [path.rpartition("@")[2].lower()] if sender == "pass" else []
    own = authheaders.get_org_domain(domain)
    return "none", any(one and authheaders.get_org_domain(one) == own for one in proved)
