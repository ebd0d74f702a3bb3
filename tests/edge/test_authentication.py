"""Is From genuine? Mails signed by dkimpy, a DNS of the tests' own, nothing beyond loopback."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.door import TAKEN, Door
from maild.edge.authentication import Authenticator
from maild.edge.signing import Signer, make_key
from maild.mail.message import Authenticated, Envelope, RawMessage, Reply
from maild.mail.watermark import Watermark
from maild.roster.posting import Posting
from tests.edge.nameserver import Zone, nameserver, resolver_at
from tests.integration.sink import free_port

NOON = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)
MAIL = (
    b"From: Kevin <kevin@example.com>\r\nTo: incidents@example.com\r\nSubject: Checkout is down\r\n"
    b"Date: Mon, 16 Mar 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\nIt is.\r\n"
)
FORWARDER = "lists.example.org"


class World:
    """Domains with keys and records, and who authenticates their mails."""

    def __init__(self, zone: Zone, authenticator: Authenticator, key: bytes, record: str) -> None:
        self.zone, self.authenticator, self.key, self.record = zone, authenticator, key, record
        zone.texts.clear()
        zone.broken.clear()
        zone.hosts.clear()
        for domain in ("example.com", "evil.example.net", FORWARDER):
            zone.texts[f"maild._domainkey.{domain}"] = record
        zone.texts["_dmarc.example.com"] = "v=DMARC1; p=reject"
        zone.texts["example.com"] = "v=spf1 ip4:192.0.2.7 -all"

    def signed(self, domain: str = "example.com", content: bytes = MAIL) -> bytes:
        return Signer(domain, "maild", self.key, "mx.example.org").signed(content)

    def check(
        self, content: bytes, path: str = "kevin@example.com", client: str = "198.51.100.9"
    ) -> Authenticated:
        envelope = Envelope(path, ("incidents@example.com",))
        raw = RawMessage(envelope, content, NOON, client=client, helo="mx.example.com")
        return self.authenticator.check(raw, time.monotonic() + 10)


@pytest.fixture(scope="module")
def parts(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Zone, Authenticator, bytes, str]]:
    path: Path = tmp_path_factory.mktemp("key") / "dkim.key"
    record, zone = make_key(path, "rsa"), Zone()
    with nameserver(zone) as resolver:
        ours = Authenticator("mx.example.com", frozenset({FORWARDER}), resolver)
        yield zone, ours, path.read_bytes().strip(), record


@pytest.fixture
def world(parts: tuple[Zone, Authenticator, bytes, str]) -> World:
    return World(*parts)


def test_a_signature_of_the_authors_own_domain_is_proof(world: World) -> None:
    found = world.check(world.signed())
    assert found == Authenticated(
        "pass",
        "dmarc=pass header.from=example.com; dkim=pass header.d=example.com;"
        " spf=fail smtp.mailfrom=example.com",
    )


def test_so_is_a_client_that_the_domain_sends_from(world: World) -> None:
    assert world.check(MAIL, client="192.0.2.7").standing == "pass"


def test_a_mail_without_either_is_not_proved(world: World) -> None:
    assert world.check(MAIL).standing == "fail"


def test_another_domains_signature_and_client_prove_nothing(world: World) -> None:
    world.zone.texts["evil.example.net"] = "v=spf1 +all"
    found = world.check(world.signed("evil.example.net"), "mallory@evil.example.net")
    assert found.standing == "fail"
    assert "spf=pass" in found.results


def test_a_mail_that_was_changed_after_signing_is_not_proved(world: World) -> None:
    assert world.check(world.signed().replace(b"It is.", b"It was.")).standing == "fail"


def test_a_second_from_is_not_proved(world: World) -> None:
    signed = world.signed()
    assert world.check(b"From: Ceo <ceo@example.com>\r\n" + signed).standing == "fail"
    both = MAIL.replace(b"<kevin@example.com>", b"<kevin@example.com>, m@evil.example.net")
    assert world.check(world.signed(content=both)).standing == "fail"


def test_a_second_from_beyond_what_we_look_at_is_not_proved(world: World) -> None:
    stuffing = b"".join(b"X-Stuffing: %d\r\n" % number for number in range(2_500))
    content = b"From: Ceo <ceo@example.com>\r\n" + stuffing + world.signed()
    assert world.check(content).standing == "fail"


def test_a_signature_of_the_first_octets_alone_is_no_proof(world: World) -> None:
    field = dkim.DKIM(MAIL).sign(b"maild", b"example.com", world.key, length=True)
    assert world.check(field + MAIL + b"And more.\r\n").standing == "fail"


def test_a_strict_policy_wants_the_very_domain(world: World) -> None:
    content = MAIL.replace(b"kevin@example.com", b"kevin@sub.example.com")
    assert world.check(world.signed(content=content), "kevin@sub.example.com").standing == "pass"
    world.zone.texts["_dmarc.example.com"] = "v=DMARC1; p=reject; adkim=s; aspf=s"
    assert world.check(world.signed(content=content), "kevin@sub.example.com").standing == "fail"


def test_a_domain_without_a_policy_is_proved_by_alignment(world: World) -> None:
    del world.zone.texts["_dmarc.example.com"]
    assert world.check(world.signed()).standing == "pass"
    assert world.check(world.signed("evil.example.net")).standing == "fail"


def test_trouble_in_the_dns_is_never_a_pass_nor_a_refusal_for_good(world: World) -> None:
    for name in ("maild._domainkey.example.com", "_dmarc.example.com"):
        world.zone.broken = {name}
        assert world.check(world.signed()).standing == "trouble", name
    world.zone.broken = {"example.com"}
    assert world.check(MAIL, client="192.0.2.7").standing == "trouble"


def test_a_nameserver_that_is_dead_is_trouble_within_the_deadline() -> None:
    ours = Authenticator("mx.example.com", resolver=resolver_at(free_port()), seconds=1)
    raw = RawMessage(Envelope("k@example.com", ("incidents@example.com",)), MAIL, NOON)
    begun = time.monotonic()
    found = asyncio.run(ours(replace(raw, client="192.0.2.7")))
    assert found.standing == "trouble"
    assert time.monotonic() - begun < 4


def test_a_mail_asks_the_dns_each_question_once(world: World) -> None:
    world.zone.asked.clear()
    world.check(world.signed())
    assert len(set(world.zone.asked)) == len(world.zone.asked)


def forwarded(world: World, by: str, said: str) -> bytes:
    """A mail that a list has changed and sealed."""
    results = f"Authentication-Results: mx.example.org; {said}\r\n".encode()
    changed = world.signed().replace(b"It is.", b"It is.\r\n-- \r\nA list's footer")
    return world.signed(by, results + changed)


def test_a_trusted_forwarders_seal_stands_in_for_the_signature(world: World) -> None:
    said = "dmarc=pass header.from=example.com"
    found = world.check(forwarded(world, FORWARDER, said), f"list@{FORWARDER}")
    assert found.standing == "pass"
    assert "arc=pass" in found.results


def test_a_strangers_seal_proves_nothing(world: World) -> None:
    said = "dmarc=pass header.from=example.com"
    found = world.check(forwarded(world, "evil.example.net", said), "m@evil.example.net")
    assert found.standing == "fail"


def test_a_trusted_forwarder_who_saw_a_forgery_says_so(world: World) -> None:
    for said in ("dmarc=fail header.from=example.com", "dmarc=pass header.from=evil.example.net"):
        assert world.check(forwarded(world, FORWARDER, said)).standing == "fail"


@given(st.binary(max_size=300), st.integers(0, 900))
def test_no_octets_make_it_raise_or_pass(junk: bytes, at: int) -> None:
    ours = Authenticator("mx.example.com", resolver=resolver_at(9))
    head = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=x; h=from; bh=x; b=x\r\n" + MAIL
    raw = RawMessage(Envelope("k@example.com", ("x@example.com",)), head[:at] + junk, NOON)
    assert ours.check(raw, time.monotonic() - 1).standing != "pass"


class Kept:
    """Arrivals in memory."""

    def __init__(self) -> None:
        self.mails: list[RawMessage] = []

    def keep(self, batch: Sequence[RawMessage], marks: Sequence[Watermark] = ()) -> tuple[int, ...]:
        self.mails += batch
        return tuple(range(len(batch)))

    def try_to_write(self) -> bool:
        return True


def knock(standing: Authenticated, to: str, path: str | None = "k@example.com") -> tuple[str, Kept]:
    kept = Kept()
    posting = Posting("incidents@example.com", frozenset({"@example.com"}), "owner@example.com")

    async def says(raw: RawMessage) -> Authenticated:
        return standing

    async def arrive() -> Reply:
        door = Door(kept, posting, lambda: None, pytest.fail, lambda: False, says)
        return await door.arrive(RawMessage(Envelope(path, (to,)), MAIL, NOON))

    return str(asyncio.run(arrive())), kept


PASS, FAIL = Authenticated("pass", "dmarc=pass"), Authenticated("fail", "dmarc=fail")


def test_the_door_takes_a_genuine_mail_with_its_results() -> None:
    reply, kept = knock(PASS, "incidents@example.com")
    assert reply == str(TAKEN)
    assert [raw.authenticated for raw in kept.mails] == [PASS]


def test_the_door_refuses_a_forged_from_wherever_it_could_act() -> None:
    for local in ("incidents", "incidents+2026-0001", "incidents+check", "incidents-request"):
        reply, kept = knock(FAIL, f"{local}@example.com")
        assert reply == "550 5.7.26 From is not proved by DKIM or SPF; ask owner@example.com"
        assert kept.mails == []


def test_the_door_asks_to_try_again_when_nobody_can_be_asked() -> None:
    reply, kept = knock(Authenticated("trouble"), "incidents@example.com")
    assert reply.startswith("451 4.7.26")
    assert kept.mails == []


def test_the_owners_mail_and_bounces_need_no_proof() -> None:
    for to, path in (
        ("incidents-owner@example.com", "anybody@example.net"),
        ("incidents-bounces+aaaaaaaaaaaa@example.com", "mailer@example.net"),
        ("incidents@example.com", None),
    ):
        reply, kept = knock(FAIL, to, path)
        assert reply == str(TAKEN)
        assert kept.mails[0].authenticated.standing == ""
