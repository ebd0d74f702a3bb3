"""A relay that misbehaves: nothing is lost, others are not held up, the log says what happened."""

import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .conftest import MAILD, SAMPLE, Daemon, mail, until
from .sink import Sink, free_port, relay
from .test_delivery import config

GREETING = b"220 relay.example.com ESMTP\r\n"
OK = b"250 OK\r\n"


def closes_in_data(client: socket.socket, line: bytes) -> bool:
    """Take everything, and vanish when the content comes."""
    if line.upper().startswith(b"DATA"):
        client.close()
        return False
    client.sendall(OK)
    return True


def says_421(client: socket.socket, line: bytes) -> bool:
    if line.upper().startswith(b"MAIL"):
        client.sendall(b"421 4.3.2 Closing\r\n")
        return False
    client.sendall(OK)
    return True


def speaks_garbage(client: socket.socket, line: bytes) -> bool:
    client.sendall(b"\xff\x00 what? \r\n" if not line.upper().startswith(b"EHLO") else OK)
    return True


def says_nothing_after_the_dot(client: socket.socket, line: bytes) -> bool:
    """Take the content, and hang up instead of answering: nobody knows whether it was taken."""
    if line.upper().startswith(b"DATA"):
        client.sendall(b"354 Go on\r\n")
        with client.makefile("rb") as content:
            for piece in content:
                if piece == b".\r\n":
                    break
        client.close()
        return False
    client.sendall(OK)
    return True


def hangs_after_the_dot(client: socket.socket, line: bytes) -> bool:
    """Take the content, and never say a word again."""
    if line.upper().startswith(b"DATA"):
        client.sendall(b"354 Go on\r\n")
        with client.makefile("rb") as content, suppress(OSError):
            # To the end of the connection, which is the daemon's to make.
            content.read()
        return False
    client.sendall(OK)
    return True


FAULTS = [closes_in_data, says_421, speaks_garbage, says_nothing_after_the_dot, hangs_after_the_dot]


# The way out waits a minute for each reply; a test has not so long.
HASTE = """\
import maild.edge.smtp_out.relay as relay
relay.SECONDS = 1.0
"""


@contextmanager
def bad_relay(port: int, answer: Callable[[socket.socket, bytes], bool]) -> Iterator[list[bytes]]:
    """Run a relay that answers each line as told; gives the lines that it has heard."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", port))
    ends = threading.Event()

    def talk(client: socket.socket) -> None:
        with client:
            client.settimeout(10)
            try:
                client.sendall(GREETING)
                with client.makefile("rb") as lines:
                    for line in lines:
                        heard.append(line)
                        if not answer(client, line):
                            return
            except OSError:
                return

    def serve() -> None:
        while not ends.is_set():
            try:
                client, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(client,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        ends.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_a_bad_relay_did_not_take_goes_out_when_it_is_well(
    make: Callable[..., Daemon],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[socket.socket, bytes], bool],
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HASTE, "ascii")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    port = free_port()
    daemon = make(config(port))
    with bad_relay(port, fault) as heard:
        daemon.send(mail(SAMPLE))
        until(lambda: heard, "the relay to be asked")
        until(
            lambda: any(e["event"] in ("relay_down", "deferred") for e in daemon.events()),
            "the fault to be noticed",
        )
        assert {row["verdict"] for row in daemon.records().mails()} == {"accepted"}
        # The door is open meanwhile.
        daemon.send(mail(SAMPLE, "Another failure"))
    sink = Sink()
    with relay(sink, port):
        for row in daemon.records().queue():
            # It may have gone out by itself meanwhile.
            subprocess.run(
                [MAILD, "queue", "retry", str(row["id"])], cwd=daemon.folder, capture_output=True
            )
        daemon.settled(2)
    subjects = [str(message["Subject"]) for message in sink.to("ana@example.com")]
    assert len(subjects) == 2
    ids = {str(message["Message-ID"]) for message in sink.to("bob@example.com")}
    assert len(ids) == 2


def test_a_relay_as_slow_as_a_snail_holds_up_neither_the_door_nor_the_desk(
    make: Callable[..., Daemon],
) -> None:
    def say(client: socket.socket, words: bytes) -> None:
        for octet in words:
            client.sendall(bytes([octet]))
            time.sleep(0.03)

    def crawl(client: socket.socket, line: bytes) -> bool:
        if not line.upper().startswith(b"DATA"):
            say(client, OK)
            return True
        say(client, b"354 Go on\r\n")
        with client.makefile("rb") as content:
            while content.readline() != b".\r\n":
                pass
        say(client, OK)
        return True

    port = free_port()
    daemon = make(config(port))
    with bad_relay(port, crawl) as heard:
        for number in range(12):
            began = time.monotonic()
            daemon.send(mail(SAMPLE, f"Failure {number}"))
            assert time.monotonic() - began < 2
        until(lambda: len(daemon.records().mails()) == 12, "all to be concluded")
        assert daemon.records().queue()
        daemon.settled(12)
    asked = Counter(line for line in heard if line.startswith(b"RCPT"))
    assert sorted(asked.values()) == [12, 12, 12]
    assert daemon.times("deferred") == daemon.times("relay_down") == 0
