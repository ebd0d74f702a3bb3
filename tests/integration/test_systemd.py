"""The daemon as systemd runs it: notified, watched, handed sockets, reloaded; no systemd needed."""

import os
import signal
import smtplib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import SAMPLE, SECONDS, Daemon, mail, until

# As systemd does it: the descriptor is number 3, and LISTEN_PID is the process that is executed.
HAND_OVER = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""
QUIET = '[posting]\nreceipts = "never"\n'


class Systemd:
    """Hears what the daemon says to NOTIFY_SOCKET."""

    def __init__(self) -> None:
        name = f"maild-test-{os.urandom(8).hex()}"
        self.environment = {"NOTIFY_SOCKET": f"@{name}"}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{name}")

    def hears(self, state: str, seconds: float = SECONDS) -> bool:
        """Wait for a state; False where it does not come in time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if state in self.socket.recv(4096).decode().split("\n"):
                    return True
            except TimeoutError:
                break
        return False


@pytest.fixture
def systemd() -> Iterator[Systemd]:
    one = Systemd()
    yield one
    one.socket.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that is not started yet."""
    daemon = Daemon(tmp_path / "site", QUIET)
    daemon.run("roster", "add", "ana@example.com")
    yield daemon
    daemon.kill()


def reload(daemon: Daemon) -> None:
    """SIGHUP, and wait until all has been renewed."""
    assert daemon.process is not None
    times = daemon.times("ready")
    os.kill(daemon.process.pid, signal.SIGHUP)
    until(lambda: daemon.times("ready") > times, "all to be ready again")


def test_systemd_hears_ready_and_stopping(site: Daemon, systemd: Systemd) -> None:
    site.environment = systemd.environment
    site.start()
    assert systemd.hears("READY=1")
    site.stop()
    assert systemd.hears("STOPPING=1")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["door", "desk"])
def test_the_watchdog_is_fed_only_while_both_live(
    site: Daemon, systemd: Systemd, name: str
) -> None:
    site.environment = systemd.environment | {"WATCHDOG_USEC": "1000000"}
    site.start()
    assert systemd.hears("WATCHDOG=1")
    child = site.child(name)
    os.kill(child, signal.SIGSTOP)
    until(lambda: not systemd.hears("WATCHDOG=1", 2), "silence")
    os.kill(child, signal.SIGCONT)
    assert systemd.hears("WATCHDOG=1")


def test_without_a_watchdog_nothing_is_said_of_it(site: Daemon, systemd: Systemd) -> None:
    site.environment = systemd.environment
    site.start()
    assert systemd.hears("READY=1")
    assert not systemd.hears("WATCHDOG=1", 1.5)


def test_a_socket_that_is_handed_over_stands_in_for_listen(site: Daemon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        site.before = [sys.executable, "-c", HAND_OVER, str(given.fileno())]
        site.descriptors = (given.fileno(),)
        site.environment = {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "smtp"}
        site.start()
        assert site.ports == [given.getsockname()[1]]
        site.send(mail(SAMPLE))
        site.settled(1)


def test_clients_wait_in_a_socket_of_systemds_while_the_daemon_is_started_again(
    site: Daemon,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as given:
        site.before = [sys.executable, "-c", HAND_OVER, str(given.fileno())]
        site.descriptors = (given.fileno(),)
        site.environment = {"LISTEN_FDS": "1"}
        site.start()
        site.stop()
        waiting = socket.create_connection(given.getsockname(), timeout=SECONDS)
        site.start()
        assert waiting.recv(1024).startswith(b"220 ")
        waiting.close()


def test_sockets_of_another_process_are_left_alone(site: Daemon) -> None:
    site.environment = {"LISTEN_FDS": "1", "LISTEN_PID": "1"}
    site.start()
    site.send(mail(SAMPLE))


class Flow:
    """Sends mails, each on its own connection, until stopped; tells how each of them ended."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.taken: list[str] = []
        self.later = 0
        self.broken: list[str] = []
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._flow) for _ in range(2)]
        for thread in self.threads:
            thread.start()

    def _flow(self) -> None:
        while not self.stopped.is_set():
            message = mail(SAMPLE, f"Failure {os.urandom(4).hex()}")
            try:
                self.daemon.send(message)
                self.taken.append(str(message["Message-ID"]).strip("<>"))
            except smtplib.SMTPServerDisconnected:
                self.later += 1
            except smtplib.SMTPResponseException as error:
                self.later += error.smtp_code == 421
                self.broken += [] if error.smtp_code == 421 else [str(error)]
            except OSError as error:
                reset = isinstance(error, ConnectionResetError | BrokenPipeError)
                self.later += reset
                self.broken += [] if reset else [repr(error)]
            self.stopped.wait(0.01)

    def goes_on(self) -> None:
        so_far = len(self.taken)
        until(lambda: len(self.taken) > so_far + 5, "more mails to be taken")

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(SECONDS)


@pytest.mark.slow
def test_a_reload_while_mails_flow_loses_none_and_refuses_none_for_good(site: Daemon) -> None:
    site.start()
    port, flow = site.port, Flow(site)
    try:
        for _ in range(2):
            flow.goes_on()
            reload(site)
        flow.goes_on()
    finally:
        flow.stop()
    assert flow.broken == []
    known = {row["message_id"] for row in site.settled(len(flow.taken))}
    assert set(flow.taken) <= known
    assert site.events()[-1]["event"] != "fell"
    assert site.times("fell") == 0
    assert {tuple(e["ports"]) for e in site.events() if e["event"] == "ready"} == {(port,)}


def test_a_reload_takes_a_new_configuration_and_keeps_the_port(site: Daemon) -> None:
    site.start()
    stranger = mail(SAMPLE, author="kim@partner.example")
    with pytest.raises(smtplib.SMTPDataError):
        site.send(stranger)
    config = (site.folder / "maild.toml").read_text("utf-8")
    site.configure(config.replace("[posting]", '[posting]\nallow = ["@partner.example"]'))
    reload(site)
    site.send(stranger)
    (row,) = site.settled(1)
    assert row["verdict"] == "accepted"


def test_a_reload_listens_where_it_is_told_to_and_no_longer_elsewhere(site: Daemon) -> None:
    site.start()
    before = site.port
    # Another name of the same place is another socket.
    config = (site.folder / "maild.toml").read_text("utf-8")
    site.configure(config.replace("127.0.0.1:0", "127.0.0.2:0"))
    reload(site)
    after = site.events()[-1]["ports"][0]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", before), timeout=5)
    with smtplib.SMTP("127.0.0.2", after, timeout=10) as client:
        assert client.noop()[0] == 250


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("[smtp]\nlistten = []\n", "listen meant?"),
        ('[store]\npath = "elsewhere.db"\n', "another start"),
        ('[paths]\nrules = "nowhere"\n', "no such folder"),
        (
            '[smtp]\nlisten = ["127.0.0.1:0", "192.0.2.1:0"]\ntrusted_networks = ["10.0.0.0/8"]\n',
            "cannot listen on",
        ),
        ('[smtp]\nlisten = ["0.0.0.0:0"]\n', "other machines can reach"),
    ],
)
def test_a_broken_configuration_is_logged_and_the_old_one_stays(
    make: Callable[..., Daemon], broken: str, said: str
) -> None:
    daemon = make(QUIET)
    door = daemon.child("door")
    daemon.configure(broken)
    assert daemon.process is not None
    os.kill(daemon.process.pid, signal.SIGHUP)
    (event,) = until(
        lambda: [e for e in daemon.events() if e["event"] == "reload_refused"], "a refusal"
    )
    assert said in event["reason"]
    daemon.send(mail(SAMPLE))
    daemon.settled(1)
    assert daemon.child("door") == door


def test_a_second_reload_during_the_first_renews_again(site: Daemon) -> None:
    site.start()
    assert site.process is not None
    for _ in range(5):
        os.kill(site.process.pid, signal.SIGHUP)
        time.sleep(0.05)
    until(lambda: site.times("ready") > 1, "all to be ready again")
    site.send(mail(SAMPLE))
    site.settled(1)
    assert site.times("fell") == 0
