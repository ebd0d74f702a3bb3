"""A real daemon's ways in: TLS and logging in, LMTP, who is let in at all, and a clean end."""

import smtplib
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import MAILD, SAMPLE, SECONDS, Daemon, mail, until

QUIET = '[posting]\nreceipts = "never"\n'


@pytest.fixture
def site(need: Callable[[str], str], tmp_path: Path) -> Iterator[Daemon]:
    """A daemon with a certificate and a user, not started yet."""
    daemon = Daemon(
        tmp_path / "site",
        QUIET
        + '[smtp]\nlisten = ["127.0.0.1:0"]\nlisten_tls = ["127.0.0.1:0"]\n'
        + 'listen_lmtp = ["127.0.0.1:0"]\ntls_certificate = "one.pem"\ntls_key = "one.key"\n'
        + 'auth_file = "users"\nrequire_tls = true\n',
    )
    renew(need("openssl"), daemon)
    subprocess.run(
        [MAILD, "passwd", "users", "kevin"],
        cwd=daemon.folder,
        input=b"correct horse\n",
        check=True,
        capture_output=True,
        timeout=60,
    )
    yield daemon
    daemon.kill()


def renew(openssl: str, daemon: Daemon) -> None:
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "30", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost", "-keyout", "one.key", "-out", "one.pem"),
        ],
        cwd=daemon.folder,
        check=True,
        capture_output=True,
        timeout=60,
    )


def trusting(daemon: Daemon) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=daemon.folder / "one.pem")


def test_mail_comes_in_by_every_way(site: Daemon) -> None:
    site.start()
    plain, encrypted, lmtp = site.ports
    with smtplib.SMTP("localhost", plain, timeout=SECONDS) as client:
        client.starttls(context=trusting(site))
        client.login("kevin", "correct horse")
        client.send_message(mail(SAMPLE, "One"))
    with smtplib.SMTP_SSL(
        "localhost", encrypted, timeout=SECONDS, context=trusting(site)
    ) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("kevin", "wrong")
        client.send_message(mail(SAMPLE, "Two"))
    with smtplib.LMTP("127.0.0.1", lmtp) as client:
        client.send_message(mail(SAMPLE, "Three"))
    assert {row["subject"] for row in site.settled(3)} == {"One", "Two", "Three"}


def test_a_renewed_certificate_needs_no_restart(site: Daemon, need: Callable[[str], str]) -> None:
    site.start()
    renew(need("openssl"), site)
    with smtplib.SMTP_SSL(
        "localhost", site.ports[1], timeout=SECONDS, context=trusting(site)
    ) as client:
        assert client.noop()[0] == 250


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('[smtp]\nlisten = ["0.0.0.0:0"]\n', "other machines can reach 0.0.0.0"),
        ('[smtp]\nlisten = ["[::]:0"]\ntrusted_networks = []\n', "other machines can reach ::"),
        ('[smtp]\ntrusted_networks = ["ten"]\n', "is no network"),
        ('[smtp]\ntls_certificate = "a"\ntls_key = "b"\n', "are no certificate and its key"),
        ('[smtp]\ntls_certificate = "a"\n', "need each other"),
        ('[smtp]\nauth_file = "users"\n', "needs tls_certificate"),
        ('[smtp]\ntls_certificate = "%d/a"\ntls_key = "b"\n', "systemd has given us none"),
    ],
)
def test_what_cannot_be_served_is_a_configuration_error(
    tmp_path: Path, config: str, said: str
) -> None:
    (tmp_path / "maild.toml").write_text(config, "utf-8")
    for command in ("check", "serve"):
        done = subprocess.run(
            [MAILD, command], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, said in done.stderr) == (78, True), done.stderr


def test_where_others_can_reach_us_only_trusted_networks_may_send(tmp_path: Path) -> None:
    daemon = Daemon(
        tmp_path / "site",
        QUIET + '[smtp]\nlisten = ["0.0.0.0:0"]\ntrusted_networks = ["127.0.0.2", "10.0.0.0/8"]\n',
    )
    try:
        daemon.start()
        with pytest.raises(smtplib.SMTPSenderRefused, match=r"5\.7\.1"):
            daemon.send(mail(SAMPLE))
        with smtplib.SMTP(
            "127.0.0.1", daemon.port, timeout=SECONDS, source_address=("127.0.0.2", 0)
        ) as client:
            client.send_message(mail(SAMPLE))
    finally:
        daemon.kill()


def test_sigterm_ends_what_was_begun_and_nothing_acknowledged_is_lost(
    make: Callable[..., Daemon],
) -> None:
    daemon = make(QUIET)
    idle = socket.create_connection(("127.0.0.1", daemon.port), timeout=SECONDS)
    assert idle.recv(1024).startswith(b"220 ")
    clients = [smtplib.SMTP("127.0.0.1", daemon.port, timeout=SECONDS) for _ in range(5)]
    for number, client in enumerate(clients):
        client.send_message(mail(SAMPLE, f"Failure {number}"))
    assert daemon.process is not None
    daemon.process.terminate()
    assert daemon.process.wait(SECONDS) == 0
    daemon.process = None
    assert idle.recv(1024) == b""
    idle.close()
    for client in clients:
        client.close()
    assert [e["event"] for e in daemon.events()][-1] == "stopped"
    daemon.start()
    assert len(daemon.settled(5)) == 5
    until(lambda: not daemon.records().queue(), "all to be sent")
