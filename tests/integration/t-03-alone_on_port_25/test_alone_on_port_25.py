"""maild stands on port 25 by itself: STARTTLS, logging in, and a relay for what it sends."""

import subprocess
from pathlib import Path

import pytest

from tests.integration.conftest import MAILD, SAMPLE, Daemon, mail
from tests.integration.recipe import Recipe
from tests.integration.story import LIST, Story

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("t-03")]


class TestAloneOnPort25(Story):
    folder = Path(__file__).parent
    quoted = ("maild.toml",)

    @staticmethod
    def prepare(daemon: Daemon) -> None:
        folder = daemon.folder
        openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", "privkey.pem", "-out", "fullchain.pem"]
        for command, said in (
            ([*openssl, *names, *files], b""),
            ([str(MAILD), "passwd", "users", "kevin"], b"correct horse\n"),
        ):
            subprocess.run(
                command, cwd=folder, input=said, check=True, capture_output=True, timeout=60
            )

    def test_mail_comes_through_starttls(self, recipe: Recipe) -> None:
        opening = recipe.mail("opening.eml", "Through STARTTLS")
        assert "TLS started" in recipe.send(opening, LIST, "--tls")
        recipe.row(subject="Through STARTTLS", verdict="accepted")

    def test_a_mail_program_logs_in_at_port_465(self, recipe: Recipe) -> None:
        login = ("--tls-on-connect", "--port", str(recipe.ports["465"]), "--auth", "PLAIN")
        who = ("--auth-user", "kevin", "--auth-password", "correct horse")
        recipe.send(recipe.mail("opening.eml", "Through port 465"), LIST, *login, *who)
        recipe.row(subject="Through port 465", verdict="accepted")

    def test_who_may_not_post_is_refused_in_the_session(self, recipe: Recipe) -> None:
        stranger = mail(SAMPLE, author="Mallory <mallory@example.net>")
        assert "550 5.7.1 You may not post" in recipe.send(stranger, LIST, fails=True)

    def test_a_copy_that_comes_back_is_counted_for_whom_it_was(self, recipe: Recipe) -> None:
        recipe.send(recipe.mail("opening.eml", "Somebody is no more"), LIST)
        row = recipe.row(subject="Somebody is no more", sent="No such user")
        failed = [sent for sent in row["sent"] if sent["state"] == "failed"]
        assert {sent["recipient"] for sent in failed} == {"gone@example.com"}
