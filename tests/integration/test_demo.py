"""The showpiece: it ends by itself, says all five things, and fits an 80-column terminal."""

import subprocess

from .conftest import MAILD


def test_the_demo_plays_one_incident_to_its_end() -> None:
    done = subprocess.run([MAILD, "demo"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert max(map(len, said.split("\n"))) <= 80
    for words in (
        "Not sent to the list yet: 2 things are missing, phase and commander.",
        "commander Kevin Riggle\n",
        "this mail states none",
        "Changed: severity 2 -> 1, commander Kevin Riggle -> Ana Silva",
        "All else as before? Reply with one word",
        "Changed: severity 1 -> 2, phase 2 -> 3",
        "0 open, 1 resolved",
    ):
        assert words in said, said
