"""The turn of two processes: the first goes first, and what dies holds up nobody."""

import multiprocessing
import os
import signal
import time
from multiprocessing.connection import Connection

from maild.edge.turn import Turn

SECONDS = 10.0


def hold(turn: Turn, pipe: Connection) -> None:
    with turn.first():
        pipe.send("held")
        pipe.poll(SECONDS)


def write(turn: Turn, pipe: Connection) -> None:
    with turn.after():
        pipe.send("wrote")


def begun(work: object, turn: Turn) -> tuple[multiprocessing.Process, Connection]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=work, args=(turn, there))
    process.start()
    return process, here


def test_the_second_waits_until_the_first_has_written() -> None:
    turn = Turn()
    first, held = begun(hold, turn)
    assert held.poll(SECONDS)
    assert turn.wanted
    second, wrote = begun(write, turn)
    assert not wrote.poll(0.2)
    held.send("go on")
    assert wrote.poll(SECONDS)
    first.join(SECONDS)
    second.join(SECONDS)
    assert not turn.wanted


def test_one_that_dies_in_its_turn_holds_up_nobody() -> None:
    turn = Turn()
    first, held = begun(hold, turn)
    assert held.poll(SECONDS)
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    first.join(SECONDS)
    begin = time.monotonic()
    with turn.after():
        assert time.monotonic() - begin < SECONDS / 10
