"""SIGKILL under load: no acknowledged mail is lost, each is acted on once."""

from collections.abc import Callable

import pytest

from .conftest import Daemon
from .kills import Killer, Load, Victim, Witness, config, reckon
from .sink import relay

KILLS = 20


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", ["all", "desk", "door", "readers"])
def test_what_was_acknowledged_survives_kills_under_load(
    make: Callable[..., Daemon], capsys: pytest.CaptureFixture[str], victim: Victim
) -> None:
    witness = Witness()
    with relay(witness) as port:
        daemon = make(config(port), roster=("ana", "bob"))
        load, killer = Load(daemon), Killer(daemon)
        for _ in range(KILLS):
            killer.kill(victim)
        load.stop()
        counts = reckon(daemon, load, killer, witness)
    with capsys.disabled():
        print(f"\n  {counts}")
