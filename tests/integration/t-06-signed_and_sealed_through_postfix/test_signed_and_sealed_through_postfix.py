"""Signatures by real programs: opendkim says who wrote it, maild signs and seals, all verifies after."""

import re
import subprocess
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import dkim
import pytest

from maild.edge.signing import Signer, make_key
from tests.integration.conftest import Daemon
from tests.integration.recipe import Recipe, running
from tests.integration.story import INSTALL, LIST

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("t-06")]

HERE = Path(__file__).parent
MILTER = "smtpd_milters = inet:127.0.0.1:8891\nmilter_default_action = tempfail"
ANA = "ana@example.com"


@pytest.fixture(scope="module")
def recipe(
    need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recipe]:
    printed: list[str] = []

    def prepare(daemon: Daemon) -> None:
        record = daemon.run("dkim-key", "dkim.key").partition("TXT (")[2].partition(")")[0]
        printed.extend(re.findall(r'"([^"]*)"', record))

    with running(HERE, tmp_path_factory.mktemp("site"), need, prepare) as recipe:
        recipe.zone.texts["maild._domainkey.example.com"] = "".join(printed)
        record = make_key(recipe.daemon.folder / "laptop.key", "rsa")
        for domain in ("example.com", "partner.example.org"):
            recipe.zone.texts[f"laptop._domainkey.{domain}"] = record
        yield recipe


def signed(recipe: Recipe, subject: str, author: str = "Kevin <kevin@example.com>") -> EmailMessage:
    """An opening as its author's own mail server signs it."""
    message = recipe.mail("opening.eml", subject)
    message.replace_header("From", author)
    domain = message["From"].addresses[0].domain
    key = (recipe.daemon.folder / "laptop.key").read_bytes().strip()
    content = Signer(domain, "laptop", key, "mx.partner.example.org").signed(message.as_bytes())
    return message_from_bytes(content, policy=SMTP)


def copy_of(recipe: Recipe, subject: str, to: str = ANA) -> bytes:
    """Wait for somebody's mail; gives its octets as they reached his mailbox."""
    recipe.got(to, subject)
    taken = zip(recipe.sink.taken, recipe.sink.octets, strict=False)
    return next(octets for (_, who, m), octets in taken if to in who and subject in m["Subject"])


def ask(recipe: Recipe) -> Callable[..., bytes]:
    """Ask the tests' own DNS as dkimpy wants it."""

    def texts(name: bytes, timeout: int = 5) -> bytes:
        assert recipe.resolver is not None
        (found,) = recipe.resolver.resolve(name.decode("ascii"), "TXT", lifetime=timeout)
        return b"".join(found.strings)

    return texts


def test_our_signature_and_our_seal_verify_after_postfix_by_dkimpy(recipe: Recipe) -> None:
    recipe.send(signed(recipe, "Signed by the author"), LIST)
    octets = copy_of(recipe, "Signed by the author")
    assert re.search(rb"(?s)DKIM-Signature:.*?d=example\.com.*?s=maild", octets)
    assert dkim.verify(octets, dnsfunc=ask(recipe))
    assert dkim.arc_verify(octets, dnsfunc=ask(recipe))[0] == b"pass"
    assert b"ARC-Authentication-Results: i=1; mx.example.com;" in octets
    assert b"dkim=pass" in octets


def test_opendkim_finds_our_signature_good_after_postfix(
    recipe: Recipe, need: Callable[[str], str]
) -> None:
    recipe.send(signed(recipe, "Read by opendkim"), LIST)
    folder = recipe.daemon.folder
    (folder / "copy.eml").write_bytes(copy_of(recipe, "Read by opendkim"))
    done = subprocess.run(
        [need("opendkim"), "-x", "opendkim.conf", "-v", "-t", "copy.eml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "verification (s=maild, d=example.com, 2048-bit key) succeeded" in done.stdout


def test_an_author_elsewhere_appears_as_the_list_and_it_verifies(recipe: Recipe) -> None:
    author = "Pia <pia@partner.example.org>"
    recipe.send(signed(recipe, "Signed by a partner", author), LIST)
    octets = copy_of(recipe, "Signed by a partner")
    assert b"From: Pia via Incidents <incidents@example.com>" in octets
    assert dkim.verify(octets, dnsfunc=ask(recipe))
    assert dkim.arc_verify(octets, dnsfunc=ask(recipe))[0] == b"pass"


def test_our_own_letters_verify(recipe: Recipe) -> None:
    message = signed(recipe, "A receipt")
    recipe.send(message, LIST)
    assert dkim.verify(copy_of(recipe, "A receipt", "kevin@example.com"), dnsfunc=ask(recipe))


def test_a_forged_author_is_refused_whatever_he_says_of_himself(recipe: Recipe) -> None:
    vouching = "mx.example.com; dkim=pass header.d=example.com"
    for author, said in (("ana@example.com", ""), ("bob@example.com", vouching)):
        message = recipe.mail("opening.eml", f"Forged, {author}")
        message.replace_header("From", author)
        if said:
            message["Authentication-Results"] = said
        recipe.send(message, LIST)
        report = recipe.got(author, "Undelivered")
        assert "550 5.7.26 From is not proved" in " ".join(str(report).split())
    assert not [row for row in recipe.daemon.records().mails() if "Forged" in row["subject"]]


def test_the_guide_prints_what_is_tried_here() -> None:
    printed = INSTALL.read_text("utf-8")
    assert (HERE / "opendkim.conf").read_text("utf-8").strip() in printed
    assert (HERE / "main.cf").read_text("utf-8").strip().endswith(MILTER)
    assert MILTER in printed


def test_mblaze_reads_the_structure_of_a_copy(recipe: Recipe, need: Callable[[str], str]) -> None:
    recipe.send(signed(recipe, "Read by mblaze"), LIST)
    path = recipe.daemon.folder / "mblaze.eml"
    path.write_bytes(copy_of(recipe, "Read by mblaze"))

    def said(program: str, *options: str) -> str:
        done = subprocess.run(
            [need(program), *options, path], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "[INC-" in said("mhdr", "-h", "subject")
    assert said("mhdr", "-h", "list-id").strip() == "Incidents <incidents.example.com>"
    assert "d=example.com" in said("mhdr", "-h", "dkim-signature")
    assert "1: text/plain" in said("mshow", "-t")
    assert "Alícia" in said("mshow", "-N")
