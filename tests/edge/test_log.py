"""The log of several processes in one file: a line is whole."""

import json
import os
import subprocess
import sys

SPEAKS = """\
from maild.edge.log import set_up
log = set_up("desk")
for number in range(3):
    log("sent", number=number)
"""


def test_an_event_is_one_write_so_that_no_other_falls_into_its_line() -> None:
    # A pipe in packet mode: each read gives what one write has put there.
    read, write = os.pipe2(os.O_DIRECT)
    subprocess.run([sys.executable, "-c", SPEAKS], stderr=write, check=True)
    os.close(write)
    lines = [os.read(read, 4096) for _ in range(3)]
    os.close(read)
    assert [json.loads(line)["number"] for line in lines] == [0, 1, 2]
    assert all(line.endswith(b"}\n") for line in lines)
