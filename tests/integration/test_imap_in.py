"""Mail that comes by IMAP, from a real Dovecot: each once, whatever happens on the way."""

import base64
import contextlib
import hmac
import json
import smtplib
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from .conftest import SAMPLE, Daemon, mail, until
from .dovecot import PASSWORD, TOKEN_KEY, TOKENS, USER, Dovecot, Wire

pytestmark = pytest.mark.real

Serve = Callable[..., Dovecot]
Watch = Callable[..., Daemon]


@pytest.fixture
def serve(need: Callable[[str], str]) -> Iterator[Serve]:
    """`serve()` is a private Dovecot."""
    program = need("dovecot")
    made: list[Dovecot] = []

    def start(**options: str) -> Dovecot:
        made.append(Dovecot(program, **options))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def box(serve: Serve) -> Dovecot:
    return serve()


@pytest.fixture
def watch(make: Callable[..., Daemon], tmp_path: Path) -> Watch:
    """`watch(port)` is a daemon that watches the INBOX there; keys change its table `[imap]`."""

    def start(port: int, **keys: str | int) -> Daemon:
        (tmp_path / "password").write_text(f"{PASSWORD}\n", "utf-8")
        table: dict[str, str | int] = {
            "host": "127.0.0.1",
            "port": port,
            "tls": "none",
            "user": USER,
            "password_file": str(tmp_path / "password"),
            **keys,
        }
        lines = [f"{key} = {value!r}" for key, value in table.items()]
        return make('[posting]\nreceipts = "never"\n[imap]\n' + "\n".join(lines), roster=("ana",))

    return start


def octets(message: EmailMessage) -> bytes:
    return message.as_bytes(policy=SMTP)


def ids(rows: list[dict[str, Any]], verdict: str = "accepted") -> Counter[str]:
    return Counter(row["message_id"] for row in rows if row["verdict"] == verdict)


def id_of(message: EmailMessage) -> str:
    return str(message["Message-ID"]).strip("<>")


def logged(daemon: Daemon, event: str) -> list[dict[str, Any]]:
    return [one for one in daemon.events() if one["event"] == event]


def opened(daemon: Daemon, times: int = 1) -> None:
    until(lambda: len(logged(daemon, "imap_open")) >= times, "the mailbox to be open")


def moved(box: Dovecot, count: int, folder: str = "Processed", seconds: float = 20.0) -> None:
    until(lambda: len(box.lying(folder)) == count, f"{count} mails in {folder}", seconds)


def test_a_new_mail_becomes_an_incident_within_seconds(box: Dovecot, watch: Watch) -> None:
    daemon = watch(box.port)
    until(box.idling, "the daemon to idle")
    begun = time.monotonic()
    box.put(octets(mail(SAMPLE)))
    copy = daemon.letter("ana@example.com", "opening")
    assert time.monotonic() - begun < 5
    assert copy["X-Incident-Severity"] == "2"
    moved(box, 1)
    assert box.lying() == []
    # It is for people to read, so it is not marked as read.
    assert "S" not in box.lying("Processed")[0].name.rpartition(",")[2]
    (row,) = daemon.settled(1)
    assert row["verdict"] == "accepted"


def test_the_server_is_killed_while_we_idle(box: Dovecot, watch: Watch) -> None:
    daemon = watch(box.port)
    box.put(octets(mail(SAMPLE, "Failure 0")))
    for number in range(1, 4):
        until(lambda n=number: len(box.lying("Processed")) == n and box.idling(), "it to idle")
        box.kill()
        until(lambda n=number: len(logged(daemon, "imap_lost")) >= n, "the loss to be seen")
        box.put(octets(mail(SAMPLE, f"Failure {number}")))
        box.start()
    moved(box, 4)
    rows = daemon.settled(4)
    assert sorted(ids(rows).values()) == [1] * 4
    assert len(rows) == 4


def big(size: int) -> bytes:
    """A mail of exactly so many octets: the sample, and an attachment."""
    message = mail(SAMPLE)
    message.add_attachment(b"", "application", "octet-stream", filename="core.bin")
    content = octets(message)
    line = (b"QUJD" * 18) + b"\r\n"
    end = content.rindex(b"--===")
    more = size - len(content)
    filler = (line * (more // len(line) + 1))[: more - 2] + b"\r\n"
    return content[:end] + filler + content[end:]


@pytest.mark.slow
def test_the_server_is_killed_in_the_middle_of_a_mail(box: Dovecot, watch: Watch) -> None:
    box.put(octets(mail(SAMPLE, "The first one")))
    box.put(big(12_000_000))
    wire = Wire(box.port, 5_000_000, box.kill)
    daemon = watch(wire.port)
    until(lambda: logged(daemon, "imap_lost"), "the loss to be seen")
    assert wire.left <= 0
    box.start()
    moved(box, 2)
    wire.close()
    rows = daemon.settled(2)
    assert len(rows) == 2
    assert sorted(ids(rows).values()) == [1, 1]


@pytest.mark.slow
def test_a_mail_of_25_mb_comes_whole_and_in_bounded_memory(box: Dovecot, watch: Watch) -> None:
    content = big(25 * 1024 * 1024)
    assert len(content) == 26_214_400
    box.put(content)
    box.put(content + b"x")
    daemon = watch(box.port)
    moved(box, 1)
    moved(box, 1, "Refused")
    daemon.settled(1)
    with contextlib.closing(sqlite3.connect(daemon.folder / "var/maild.db")) as connection:
        ((kept, via),) = connection.execute("SELECT content, via FROM arrival").fetchall()
    assert kept == content
    assert via == "imap"
    status = Path(f"/proc/{daemon.child('door')}/status").read_text("ascii")
    (peak,) = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    assert peak < 250_000, f"the door held {peak} kB"
    (refused,) = logged(daemon, "refused")
    assert refused["reply"].startswith("552 5.3.4 ")


def test_other_numbers_are_no_new_mails(box: Dovecot, watch: Watch) -> None:
    messages = [mail(SAMPLE, f"Failure {number}") for number in range(3)]
    for message in messages:
        box.put(octets(message))
    daemon = watch(box.port, done_folder="")
    daemon.settled(3)
    box.kill()
    for path in box.path().glob("dovecot*"):
        path.unlink()
    (box.path() / "dovecot-uidlist").write_text("3 V77 N1\n", "ascii")
    box.own(box.path())
    box.start()
    box.put(octets(mail(SAMPLE, "A new failure")))
    rows = daemon.settled(7)
    assert logged(daemon, "imap_renumbered")[0]["validity"] == 77
    assert sorted(ids(rows).values()) == [1] * 4
    assert ids(rows, "duplicate") == Counter(map(id_of, messages))
    assert len(daemon.letters("ana@example.com")) == 4
    # And from there on only what is new.
    box.put(octets(mail(SAMPLE, "Another new failure")))
    assert len(daemon.settled(8)) == 8


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_500_wait_and_the_daemon_is_killed_among_them(box: Dovecot, watch: Watch) -> None:
    messages = [mail(SAMPLE, f"Failure {number}") for number in range(500)]
    for number, message in enumerate(messages):
        box.put(octets(message), f"{1_700_000_000 + number}.M{number}.here")
    daemon = watch(box.port)
    for done in (60, 200, 350):
        until(lambda n=done: len(box.lying("Processed")) >= n, f"{done} mails", 60)
        daemon.kill()
        daemon.start()
    moved(box, 500, seconds=90)
    rows = until(lambda: None if daemon.records().waiting() else daemon.records().mails(), "rows")
    assert ids(rows) == Counter(map(id_of, messages))
    assert len(rows) == 500
    assert box.lying() == []


def test_poison_stops_nobody(box: Dovecot, watch: Watch) -> None:
    unreadable = box.put(octets(mail(SAMPLE, "Cannot be read")))
    unreadable.chmod(0)
    junk = [
        b"",
        b"\r\n",
        b"\x00" * 3000,
        b"From: \xff\xfe <kevin@example.com>\r\nSubject: =?x?b?\r\n\r\n\x00(((",
        b"From: kevin@example.com\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 9,
        b'From: kevin@example.com\r\nSubject: * 5 FETCH (UID 1 BODY[] {5}\r\n\r\nA1 OK done\r\n)\r\n',
    ]  # fmt: skip
    for content in junk:
        box.put(content)
    sound = [mail(SAMPLE, f"Failure {number}") for number in range(3)]
    for message in sound:
        box.put(octets(message))
    daemon = watch(box.port)
    moved(box, len(junk) + len(sound))
    rows = daemon.settled(len(junk) + len(sound))
    assert ids(rows) == Counter(map(id_of, sound))
    assert len(rows) == len(junk) + len(sound)
    (lying,) = box.lying()
    (event,) = logged(daemon, "imap_unfetched")
    assert event["tries"] == 1
    # Once it can be read, it is taken like any other.
    lying.chmod(0o600)
    moved(box, len(junk) + len(sound) + 1, seconds=60)
    rows = daemon.settled(len(rows) + 1)
    assert sorted(ids(rows).values()) == [1] * 4


def test_a_person_reads_and_moves_meanwhile(box: Dovecot, watch: Watch) -> None:
    messages = [mail(SAMPLE, f"Failure {number}") for number in range(60)]
    with box.person() as client:
        client.create("Mine")
        daemon = watch(box.port)
        for number, message in enumerate(messages):
            box.put(octets(message))
            if number % 3 == 0:
                client.noop()
                client.store("1:*", "+FLAGS", "\\Seen")
            if number % 7 == 0 and len(client.search(None, "ALL")[1][0].split()) >= 2:
                client._simple_command("MOVE", "1:2", "Mine")  # imaplib has no method for it.

    def settled() -> bool:
        left, done, mine = (len(box.lying(folder)) for folder in ("", "Processed", "Mine"))
        return left == 0 and done + mine == len(messages)

    until(settled, "all to be moved")
    # Taken before the person was there, or his to keep: never twice, never neither.
    rows = daemon.settled(len(box.lying("Processed")))
    mine = {line for path in box.lying("Mine") for line in path.read_text("utf-8").splitlines()}
    assert set(ids(rows).values()) == {1}
    assert {row["verdict"] for row in rows} == {"accepted"}
    for message in messages:
        assert id_of(message) in ids(rows) or f"Message-ID: {message['Message-ID']}" in mine
    with box.person() as client:
        client.select("Processed")
        client._simple_command("MOVE", "1:2", "INBOX")
    before = len(rows)
    rows = daemon.settled(before + 2)
    assert [row["verdict"] for row in rows[-2:]] == ["duplicate", "duplicate"]


def test_a_person_clears_a_thousand_mails_while_we_idle(box: Dovecot, watch: Watch) -> None:
    for number in range(1500):
        box.put(b"From: <>\r\nReturn-Path: <>\r\n\r\n", f"{1_700_000_000 + number}.M{number}.here")
    daemon = watch(box.port, done_folder="")
    daemon.settled(1500)
    with box.person() as client:
        client.store("1:*", "+FLAGS.SILENT", "\\Deleted")
        client.expunge()
    box.put(octets(mail(SAMPLE)))
    daemon.letter("ana@example.com", "opening")
    # The library alone breaks on as many lines at once.
    assert logged(daemon, "imap_lost") == []


@pytest.mark.parametrize("first", ["smtp", "imap"])
def test_the_same_mail_both_ways_is_one(box: Dovecot, watch: Watch, first: str) -> None:
    daemon = watch(box.port)
    message = mail(SAMPLE)
    ways = [lambda: daemon.send(message), lambda: box.put(octets(message))]
    for number, way in enumerate(ways if first == "smtp" else ways[::-1], 1):
        way()
        daemon.settled(number)
    assert [row["verdict"] for row in daemon.settled(2)] == ["accepted", "duplicate"]
    assert len(daemon.letters("ana@example.com")) == 1
    moved(box, 1)


def test_a_stranger_is_moved_aside_and_nothing_is_sent(box: Dovecot, watch: Watch) -> None:
    daemon = watch(box.port)
    stranger = mail(SAMPLE, author="Mallory <mallory@elsewhere.example.net>")
    # A mailbox that was forwarded to bears its own address there: that opens no back door.
    stranger["Delivered-To"] = "box-17@hosting.example.org"
    box.put(octets(stranger))
    moved(box, 1, "Refused")
    (event,) = logged(daemon, "refused")
    assert event["author"] == "mallory@elsewhere.example.net"
    assert event["reply"].startswith("550 5.7.1 ")
    box.put(octets(mail(SAMPLE)))
    rows = [(row["author"], row["verdict"], row["kind"]) for row in daemon.settled(2)]
    assert rows[0] == ("mallory@elsewhere.example.net", "ignored", "refused")
    assert rows[1][:2] == ("kevin@example.com", "accepted")
    # The commander has his copy alone (`[delivery] verp`); the owner is told, the stranger is not.
    readers = {str(letter["Delivered-To"]) for letter in daemon.letters()}
    assert readers == {"ana@example.com", "kevin@example.com", "oncall-leads@example.com"}


def test_a_store_in_trouble_leaves_the_mail_where_it_is(box: Dovecot, watch: Watch) -> None:
    daemon = watch(box.port)
    opened(daemon)
    with contextlib.closing(sqlite3.connect(daemon.folder / "var/maild.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        box.put(octets(mail(SAMPLE)))
        until(lambda: logged(daemon, "broken"), "the door to be refused")
        assert len(box.lying()) == 1
        connection.rollback()
    moved(box, 1)
    assert [row["verdict"] for row in daemon.settled(1)] == ["accepted"]


def test_a_move_that_fails_is_tried_again_and_nothing_arrives_twice(
    box: Dovecot, watch: Watch
) -> None:
    # A file where the folder should be: it cannot be made.
    box.put(octets(mail(SAMPLE)))
    blocked = box.path("Processed")
    blocked.write_bytes(b"")
    daemon = watch(box.port)
    until(lambda: logged(daemon, "imap_unmoved"), "the move to fail")
    daemon.settled(1)
    assert len(box.lying()) == 1
    blocked.unlink()
    box.put(octets(mail(SAMPLE, "Another failure")))
    moved(box, 2)
    assert sorted(ids(daemon.settled(2)).values()) == [1, 1]


def test_without_move_and_with_a_name_of_many_signs(serve: Serve, watch: Watch) -> None:
    box = serve(extra="imap_capability = IMAP4rev1 IDLE UIDPLUS\n")
    box.put(octets(mail(SAMPLE)))
    watch(box.port, done_folder='Erledigt & "größer"')
    moved(box, 1, 'Erledigt &- "gr&APYA3w-er"')
    assert box.lying() == []


@pytest.mark.parametrize("how", ["implicit", "starttls"])
def test_an_encrypted_way(
    serve: Serve, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str,
    need: Callable[[str], str],
) -> None:  # fmt: skip
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    arguments = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {certificate}"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([need("openssl"), *arguments.split(), *names], check=True, capture_output=True)
    box = serve(pem=certificate.read_text("ascii") + key.read_text("ascii"))
    port = box.tls_port if how == "implicit" else box.port
    stranger = watch(port, host="localhost", tls=how)
    lost = until(lambda: logged(stranger, "imap_lost"), "the certificate to be refused")
    assert "certificate verify failed" in lost[0]["reason"]
    stranger.stop()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    box.put(octets(mail(SAMPLE)))
    watch(port, host="localhost", tls=how).letter("ana@example.com", "opening")


def test_a_wrong_password_is_told_and_mended_while_it_runs(
    box: Dovecot, watch: Watch, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guess\n", "ascii")
    daemon = watch(box.port, password_file=str(wrong))
    lost = until(lambda: logged(daemon, "imap_lost"), "the refusal")
    assert lost[0]["reason"].startswith("login refused: ")
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=10) as client:
        assert client.noop()[0] == 250
    wrong.write_text(PASSWORD, "utf-8")
    box.put(octets(mail(SAMPLE)))
    daemon.letter("ana@example.com", "opening")
    assert "guess" not in daemon.log_path.read_text("utf-8")


def token() -> str:
    """Make an access token (RFC 7519) that Dovecot takes for an hour."""

    def part(octets: bytes) -> str:
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")

    now = int(time.time())
    claims = {"sub": USER, "iat": now, "nbf": now, "exp": now + 3600}
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return signed + "." + part(hmac.digest(TOKEN_KEY, signed.encode(), "sha256"))


def test_a_token_instead_of_a_password(serve: Serve, watch: Watch, tmp_path: Path) -> None:
    box = serve(passdb=TOKENS)
    file = tmp_path / "token"
    file.write_text("stale\n", "ascii")
    daemon = watch(box.port, oauth2_token_command=f"cat {file}")
    lost = until(lambda: logged(daemon, "imap_lost"), "the token to be refused")
    assert lost[0]["reason"].startswith("login refused: ")
    file.write_text(f"{token()}\n", "ascii")
    box.put(octets(mail(SAMPLE)))
    daemon.letter("ana@example.com", "opening")
    assert "stale" not in daemon.log_path.read_text("utf-8")
