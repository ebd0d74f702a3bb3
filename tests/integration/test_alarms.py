"""A real daemon in trouble: its alarm command is run, the owner hears, the door says 452."""

import smtplib
import subprocess
from collections.abc import Callable

import pytest

from .conftest import SAMPLE, Daemon, mail, until
from .sink import Sink, free_port, relay
from .test_store_faults import small_disk

__all__ = ["small_disk"]

PAGE = '\n[alarm]\ncommand = ["/bin/sh", "-c", "cat >> paged"]\n'


def paged(daemon: Daemon) -> str:
    path = daemon.folder / "paged"
    return path.read_text("utf-8") if path.exists() else ""


@pytest.mark.slow
def test_a_relay_that_is_down_runs_the_command_once_and_mail_goes_on(
    make: Callable[..., Daemon],
) -> None:
    port = free_port()
    daemon = make(f'[delivery]\ntransport = "smtp"\nport = {port}\n{PAGE}')
    daemon.send(mail(SAMPLE))
    said = until(lambda: paged(daemon), "the command", 40)
    assert said.startswith("incidents@example.com: The relay cannot be reached: ")
    assert "\n\ntrouble: relay\nsince: 20" in said
    with relay(Sink(), port):
        until(lambda: daemon.times("alarm_over"), "the relay to be back", 60)
        daemon.settled(1)
    assert paged(daemon).count("trouble: relay") == 1
    assert daemon.times("alarm_called") == 1


@pytest.mark.slow
def test_a_disk_that_fills_tells_the_owner_then_says_452_and_recovers(
    make: Callable[..., Daemon], small_disk: object
) -> None:
    daemon = make(f'[store]\npath = "{small_disk}/maild.db"\n{PAGE}')
    ballast = daemon.folder.parent / "small" / "ballast"
    ballast.write_bytes(b"\0" * int(free(ballast.parent) * 0.80))
    grown = ballast.stat().st_size
    while free(ballast.parent) > 0.08 * 8 * 1024 * 1024:
        grown += 65_536
        ballast.write_bytes(b"\0" * grown)
    (told,) = [daemon.letter("oncall-leads@example.com")]
    assert str(told["Subject"]).startswith("The disk of maild is nearly full (")
    daemon.send(mail(SAMPLE))
    while free(ballast.parent) > 0.015 * 8 * 1024 * 1024:
        grown += 16_384
        ballast.write_bytes(b"\0" * grown)

    def refused() -> int:
        try:
            daemon.send(mail(SAMPLE, "Another failure"))
        except smtplib.SMTPDataError as error:
            return error.smtp_code
        return 0

    until(lambda: refused() == 452, "the door to close")
    until(lambda: "trouble: disk_full" in paged(daemon), "the command")
    ballast.unlink()
    until(lambda: refused() == 0, "the door to open again")
    until(lambda: daemon.times("alarm_over") == 2, "both troubles to be over")
    assert len(daemon.letters("oncall-leads@example.com")) == 1


def free(folder: object) -> int:
    """Say how many bytes are free."""
    done = subprocess.run(
        ["df", "--output=avail", "-B1", str(folder)], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[1])
