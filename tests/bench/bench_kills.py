"""SIGKILL under load, 200 times: the door, the desk, what forks the readers, or all at once. Counts, not rates."""

from pathlib import Path
from typing import get_args

from tests.integration.conftest import Daemon
from tests.integration.kills import Killer, Load, Victim, Witness, config, reckon
from tests.integration.sink import relay

from .bench_flow import say

KILLS = 200


def test_nothing_is_lost_by_200_kills(tmp_path: Path) -> None:
    witness = Witness()
    with relay(witness) as port:
        daemon = Daemon(tmp_path / "site", config(port))
        daemon.run("roster", "add", "ana@example.com", "bob@example.com")
        daemon.start()
        try:
            load, killer = Load(daemon, pause=0.1), Killer(daemon)
            for _ in range(KILLS):
                killer.kill(killer.chance.choice(get_args(Victim)))
            load.stop()
            say(reckon(daemon, load, killer, witness))
        finally:
            daemon.kill()
