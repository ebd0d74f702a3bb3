"""File descriptors used up: some have to wait, nobody is lost, and all recovers by itself."""

import os
import resource
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from .conftest import SAMPLE, Daemon, children, mail, until
from .sink import Sink, relay
from .test_delivery import config


@contextmanager
def room_for(pid: int, more: int) -> Iterator[None]:
    """Let a process have only so many descriptors more; below 0, not even those that it closed."""
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir(f"/proc/{pid}/fd")))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(0, highest + 1 + more), before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_a_door_without_descriptors_lets_nobody_in_until_somebody_leaves(daemon: Daemon) -> None:
    with room_for(daemon.child("door"), 3):
        inside = [smtplib.SMTP("127.0.0.1", daemon.port, timeout=10) for _ in range(3)]
        for client in inside:
            client.ehlo()
        with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
            smtplib.SMTP("127.0.0.1", daemon.port, timeout=2)
        assert daemon.times("cannot_accept")
        for number, client in enumerate(inside):
            client.send_message(mail(SAMPLE, f"Failure {number}"))
            client.quit()
        daemon.send(mail(SAMPLE, "The next"))
    assert [row["verdict"] for row in daemon.settled(4)] == ["accepted"] * 4
    assert daemon.times("fell") == 0


def test_a_desk_without_descriptors_owes_its_letters_and_sends_them_later(
    make: Callable[..., Daemon],
) -> None:
    sink = Sink()
    with relay(sink) as port:
        daemon = make(config(port))
        with room_for(daemon.child("desk"), 0):
            for number in range(3):
                daemon.send(mail(SAMPLE, f"Failure {number}"))
            until(lambda: daemon.times("relay_down") or daemon.times("trouble"), "it to be noticed")
            assert sink.taken == []
        daemon.settled(3)
    assert len(sink.to("ana@example.com")) == 3
    assert daemon.times("fell") == daemon.times("bug") == 0


def test_readers_that_die_while_the_desk_has_no_descriptors_are_replaced_later(
    make: Callable[..., Daemon],
) -> None:
    sink = Sink()
    with relay(sink) as port:
        daemon = make(config(port))
        with room_for(daemon.child("desk"), -1000):
            for reader in children(daemon.child("readers")):
                os.kill(reader, 9)
            daemon.send(mail(SAMPLE))
            until(lambda: daemon.times("trouble"), "it to be noticed")
        (row,) = daemon.settled(1)
    assert row["verdict"] == "accepted"
    assert daemon.times("fell") == daemon.times("bug") == 0
