"""SMTP smuggling: whatever stands for the end of a mail but CR LF . CR LF makes no second mail.

Timo Longin, "SMTP Smuggling" (2023); RFC 5321 §2.3.8, §4.1.1.4.
"""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import SECONDS, until
from tests.integration.recipe import Recipe, running

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("t-05")]

ENDS = {
    "LF . LF": b"\n.\n",
    "CR . CR LF": b"\r.\r\n",
    "LF . CR LF": b"\n.\r\n",
    "CR LF . LF": b"\r\n.\n",
    "CR . CR": b"\r.\r",
    "CR LF . CR": b"\r\n.\r",
    "CR LF .. CR LF": b"\r\n..\r\n",
    "LF .. CR LF": b"\n..\r\n",
    "LF .. LF": b"\n..\n",
    "CR .. CR LF": b"\r..\r\n",
    "CR LF . CR CR LF": b"\r\n.\r\r\n",
    "CR CR LF . CR LF, stuffed": b"\r\r\n..\r\n",
    "CR LF . NUL CR LF": b"\r\n.\0\r\n",
    "CR LF NUL . CR LF": b"\r\n\0.\r\n",
    "LF . LF, then stuffed": b"\n.\n..\r\n",
}
ENVELOPE = b"MAIL FROM:<%s@example.com>\r\nRCPT TO:<incidents@example.com>\r\n"
MAIL = (
    b"From: %s@example.com\r\nTo: incidents@example.com\r\nSubject: %s\r\n"
    b"Date: Mon, 15 Mar 2021 17:31:02 -0700\r\nMessage-ID: <%s@example.com>\r\n\r\n"
    b"Severity 1, phase 1, IC: me. #channel\r\n"
)


@pytest.fixture(scope="module")
def recipe(
    need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recipe]:
    with running(Path(__file__).parent, tmp_path_factory.mktemp("site"), need) as recipe:
        yield recipe


def spoken(port: int, *turns: bytes) -> list[bytes]:
    """Say each turn, and hear what is answered, until the other end hangs up or says no more."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as client:
        stream = client.makefile("rb")
        heard = [reply(stream.readline)]
        for turn in turns:
            client.sendall(turn)
            heard.append(reply(stream.readline))
        # What was smuggled would be answered in the same session, before this QUIT.
        client.sendall(b"QUIT\r\n")
        heard += list(stream)
    return heard


def reply(readline: Callable[[], bytes]) -> bytes:
    while (line := readline())[3:4] == b"-":
        pass
    return line


def smuggler(name: bytes, end: bytes) -> bytes:
    """A mail in which another is hidden behind that end."""
    hidden = ENVELOPE % b"boss" + b"DATA\r\n" + MAIL % (b"boss", b"Smuggled " + name, b"s" + name)
    return MAIL % (b"kevin", b"Outer " + name, b"o" + name) + b"text" + end + hidden


def settled(recipe: Recipe, name: str) -> list[str]:
    """Wait until nothing is under way; gives the subjects on record that bear this name."""
    assert recipe.postfix is not None
    until(lambda: not recipe.postfix.waiting(), "Postfix to have handed on all")
    until(lambda: not recipe.daemon.records().waiting(), "all to be read")
    rows = recipe.daemon.records().mails()
    return [row["subject"] for row in rows if row["subject"].endswith(f" {name}")]


@pytest.mark.parametrize("end", ENDS)
def test_through_postfix_a_mail_stays_one_mail(recipe: Recipe, end: str) -> None:
    name = f"data{list(ENDS).index(end)}"
    content = smuggler(name.encode(), ENDS[end]) + b"\r\n.\r\n"
    heard = spoken(
        recipe.front, b"EHLO x\r\n", *(ENVELOPE % b"kevin").splitlines(True), b"DATA\r\n", content
    )
    assert heard[5].startswith(b"250 ")
    assert settled(recipe, name) == [f"Outer {name}"]


@pytest.mark.parametrize("end", ENDS)
def test_through_postfix_in_a_chunk_a_mail_stays_one_mail(recipe: Recipe, end: str) -> None:
    name = f"bdat{list(ENDS).index(end)}"
    content = smuggler(name.encode(), ENDS[end])
    chunk = b"BDAT %d LAST\r\n" % len(content) + content
    heard = spoken(recipe.front, b"EHLO x\r\n", *(ENVELOPE % b"kevin").splitlines(True), chunk)
    assert heard[4].startswith(b"250 ")
    assert settled(recipe, name) == [f"Outer {name}"]


@pytest.mark.parametrize("end", ENDS)
def test_at_our_own_door_nothing_is_smuggled_in(recipe: Recipe, end: str) -> None:
    name = f"door{list(ENDS).index(end)}"
    content = smuggler(name.encode(), ENDS[end]) + b"\r\n.\r\n"
    heard = spoken(
        recipe.ports["8025"],
        b"EHLO x\r\n",
        *(ENVELOPE % b"kevin").splitlines(True),
        b"DATA\r\n",
        content,
    )
    taken = heard[5].startswith(b"250 ")
    assert taken or heard[5].startswith(b"554 5.6.0 ")
    assert settled(recipe, name) == ([f"Outer {name}"] if taken else [])
