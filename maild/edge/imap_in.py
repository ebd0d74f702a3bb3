"""Mail that comes in by IMAP: a narrow adapter on aioimaplib, the only module that imports it.

`opened` gives a mailbox to list, fetch from, move within and wait on (RFC 3501, 2177, 6851). What
is known to break the library is kept from it: long answers, lost connections, names and passwords
with signs in them. Every trouble of the connection is `Broken`; the next one is a new connection.
"""

import asyncio
import base64
import contextlib
import re
import shlex
import ssl
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from aioimaplib import IMAP4, AioImapException
from aioimaplib.aioimaplib import Command, IMAP4ClientProtocol

from maild.mail.message import Reply
from maild.trouble import Broken

SECONDS: Final = 60.0
TOKEN_SECONDS: Final = 30.0
PIECE: Final = 1 << 20
# The library reads lines by recursion: the shortest (`* 1 EXPUNGE`) must not come by the thousand.
READ_OCTETS: Final = 4096
# A set of UIDs in one command; each is answered with a line or two.
MOVED_AT_ONCE: Final = 100
POLL_SECONDS: Final = 30.0
# RFC 2177: a server may hang up on an IDLE of 30 minutes.
MAX_IDLE_SECONDS: Final = 29 * 60.0

TOO_BIG: Final = Reply(552, 3, 4, "Message too big")
UNFETCHED: Final = Reply(451, 3, 0, "The server could not give it")

_LITERAL: Final = re.compile(rb'BODY\[\](?:<\d+>)? (?:\{\d+\}$|""|NIL)')
_SHIFTED: Final = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Account:
    """Where the mailbox is, and how to get at it.

    password_file or token_command: the one that is given is used, and read at each connection.
    """

    host: str
    port: int
    folder: str
    user: str
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    password_file: Path | None = None
    token_command: str = ""
    tls_context: ssl.SSLContext | None = None


def quoted(text: str) -> str:
    """Write a string as the wire wants it (RFC 3501 §4.3); without control characters."""
    kept = "".join(sign for sign in text if sign.isprintable())
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'


def folder_name(name: str) -> str:
    """Write a folder's name in modified UTF-7 (RFC 3501 §5.1.3), quoted."""

    def shifted(found: re.Match[str]) -> str:
        octets = base64.b64encode(found[0].encode("utf-16-be")).rstrip(b"=")
        return f"&{octets.decode('ascii').replace('/', ',')}-"

    return quoted(_SHIFTED.sub(shifted, name.replace("&", "&-")))


def piece_of(lines: Sequence[bytes], uid: int) -> bytes | None:
    """Find the octets of BODY[] in an answer to FETCH; None where it has none of this mail.

    Other mails' flags may stand in it too: whoever changes them, all clients are told.
    """
    for at, line in enumerate(lines):
        found = _LITERAL.search(line) if type(line) is bytes else None
        around = b" ".join(bytes(part) for part in (line, *lines[at + 2 : at + 3]))
        if found and re.search(rb"\bUID %d\b" % uid, around):
            return bytes(lines[at + 1]) if found[0].endswith(b"}") else b""
    return None


class _Protocol(IMAP4ClientProtocol):  # type: ignore[misc]
    # Whether mail was announced since we last searched: as a rider on any answer, not in IDLE alone.
    news = False

    def _untagged_response(self, line: bytes) -> Any:
        self.news = self.news or line.rstrip().endswith(b" EXISTS")
        return super()._untagged_response(line)

    def data_received(self, data: bytes) -> None:
        for at in range(0, len(data), READ_OCTETS):
            super().data_received(data[at : at + READ_OCTETS])


class _Client(IMAP4):  # type: ignore[misc]
    def create_client(
        self, host: str, port: int, loop: Any, conn_lost_cb: Any = None, ssl_context: Any = None
    ) -> None:
        loop = asyncio.get_running_loop()
        self.protocol = _Protocol(loop, conn_lost_cb)
        connect = loop.create_connection(lambda: self.protocol, host, port, ssl=ssl_context)
        self._client_task = loop.create_task(connect)


class _Sasl(Command):  # type: ignore[misc]
    """AUTHENTICATE; answers what the server asks. The library hangs where a token is refused."""

    def __init__(self, protocol: Any, answers: list[str], *arguments: str) -> None:
        super().__init__("AUTHENTICATE", protocol.new_tag(), *arguments)
        self.protocol, self.answers, self.seen = protocol, answers, 0

    def flush(self) -> None:
        for line in self._resp_lines[self.seen :]:
            if line.startswith(b"+"):
                # A refusal comes as a challenge; the empty answer makes it a NO (RFC 7628 §3.2.3).
                self.protocol.send(self.answers.pop(0) if self.answers else "")
        self.seen = len(self._resp_lines)


class ImapBox:
    """One connection with one folder selected; every trouble with it raises Broken.

    validity: the folder's UIDVALIDITY.
    """

    def __init__(self, account: Account) -> None:
        self.account, self.validity = account, 0
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tls = account.tls_context or ssl.create_default_context()
        at_once = self._tls if account.tls == "implicit" else None
        self._client: Any = _Client(
            account.host,
            account.port,
            timeout=SECONDS,
            conn_lost_cb=self._lose,
            ssl_context=at_once,
        )
        self._protocol: Any = self._client.protocol

    async def open(self) -> None:
        """Greet, encrypt, log in, select the folder."""
        await self._within(self._client.wait_hello_from_server())
        if self.account.tls == "starttls":
            await self._start_tls()
        await self._log_in()
        # They often grow with the login.
        await self._within(self._protocol.capability())
        done, lines = await self._say(self._protocol.select(folder_name(self.account.folder)))
        found = re.search(rb"UIDVALIDITY (\d+)", b" ".join(lines))
        if not done or found is None:
            raise Broken(f"no folder {self.account.folder}: {_last(lines)}")
        self.validity = int(found[1])

    async def uids(self, first: int, last: int | None = None, *, kept: bool = False) -> list[int]:
        """List the UIDs from first to last (None: all from there on), in order.

        kept: without those that are marked as deleted.
        """
        if last is None:
            self._protocol.news = False
        wanted = f"UID {first}:{last or '*'}{' UNDELETED' if kept else ''}"
        done, lines = await self._say(self._protocol.search(wanted, charset=None, by_uid=True))
        if not done:
            raise Broken(f"cannot search: {_last(lines)}")
        found = {int(word) for line in lines[:-1] for word in line.split() if word.isdigit()}
        # `99:*` is the last mail, where none is so high (RFC 3501 §6.4.8).
        return sorted(uid for uid in found if first <= uid and (last is None or uid <= last))

    async def fetch(self, uid: int, max_bytes: int) -> bytes | Reply | None:
        """Give a mail's octets; a Reply says why not, None that it is gone. Marks nothing as seen."""
        content = bytearray()
        while len(content) <= max_bytes:
            item = f"(UID BODY.PEEK[]<{len(content)}.{PIECE}>)"
            done, lines = await self._say(self._protocol.fetch(str(uid), item, by_uid=True))
            piece = piece_of(lines, uid)
            if not done or piece is None:
                # Somebody may have moved it; after a NOOP we know.
                await self._say(self._protocol.simple_command("NOOP"))
                return UNFETCHED if await self.uids(uid, uid) else None
            content += piece
            # What the server says of the size is an estimate with some; the end is where it ends.
            if len(piece) < PIECE:
                return bytes(content) if len(content) <= max_bytes else TOO_BIG
        return TOO_BIG

    async def move(self, uids: Sequence[int], folder: str) -> Reply | None:
        """Move mails to a folder, made where there is none; a Reply says why it did not work."""
        name = folder_name(folder)
        for at in range(0, len(uids), MOVED_AT_ONCE):
            group = ",".join(map(str, uids[at : at + MOVED_AT_ONCE]))
            done, lines = await self._move(group, name)
            if not done and b"TRYCREATE" in lines[-1]:
                await self._say(self._protocol.simple_command("CREATE", name))
                await self._say(self._protocol.simple_command("SUBSCRIBE", name))
                done, lines = await self._move(group, name)
            if not done:
                return Reply(451, 3, 0, _last(lines))
        return None

    async def _move(self, group: str, name: str) -> tuple[bool, Sequence[bytes]]:
        if self._client.has_capability("MOVE"):
            return await self._say(self._protocol.uid("MOVE", group, name))
        done, lines = await self._say(self._protocol.uid("COPY", group, name))
        if done:
            mark = self._protocol.uid("STORE", group, "+FLAGS.SILENT", "(\\Deleted)")
            done, lines = await self._say(mark)
        # A plain EXPUNGE would also remove what people have marked.
        if done and self._client.has_capability("UIDPLUS"):
            done, lines = await self._say(self._protocol.uid("EXPUNGE", group))
        return done, lines

    async def wait(self, seconds: float) -> None:
        """Wait until the server says that something has changed, or so long."""
        if self._protocol.news:
            # It has been said, so IDLE would not say it again.
            return
        if self._client.has_capability("IDLE"):
            await self._idle(min(seconds, MAX_IDLE_SECONDS))
        else:
            await asyncio.wait({self._lost}, timeout=min(seconds, POLL_SECONDS))
        # The push is a hint only: after a NOOP the server has told all (RFC 3501 §6.1.2).
        await self._say(self._protocol.simple_command("NOOP"))

    async def _idle(self, seconds: float) -> None:
        while not self._protocol.idle_queue.empty():
            self._protocol.idle_queue.get_nowait()
        idle = await self._within(self._client.idle_start(timeout=seconds))
        await self._within(self._client.wait_server_push(seconds + SECONDS), seconds + SECONDS)
        self._client.idle_done()
        await self._within(idle)

    async def close(self) -> None:
        """Hang up."""
        tasks = {*self._client.tasks, *self._protocol.tasks, self._client._client_task}
        if self._client._idle_waiter is not None:
            self._client._idle_waiter.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._protocol.transport is not None:
            self._protocol.transport.abort()

    async def _start_tls(self) -> None:
        protocol = self._protocol
        if self._client.get_state() != "NONAUTH":
            raise Broken("the server skips the login, so there is no STARTTLS")
        done, lines = await self._say(protocol.execute(Command("STARTTLS", protocol.new_tag())))
        # Octets that came before the encryption may be anybody's.
        if not done or protocol.incomplete_line:
            raise Broken(f"no STARTTLS: {_last(lines)}")
        start = asyncio.get_running_loop().start_tls(
            protocol.transport, protocol, self._tls, server_hostname=self.account.host
        )
        protocol.transport = await self._within(start)
        await self._within(protocol.capability())

    async def _log_in(self) -> None:
        account = self.account
        if account.token_command:
            done, lines = await self._say(self._authenticate(await _token(account.token_command)))
        else:
            login = self._protocol.login(quoted(account.user), _password(account.password_file))
            done, lines = await self._say(login)
        if not done:
            raise Broken(f"login refused: {_last(lines)}")
        self._protocol.state = "AUTH"

    async def _authenticate(self, token: str) -> Any:
        words = f"user={self.account.user}\1auth=Bearer {token}\1\1"
        first = base64.b64encode(words.encode()).decode("ascii")
        at_once = self._client.has_capability("SASL-IR")
        answers = [] if at_once else [first]
        command = _Sasl(self._protocol, answers, "XOAUTH2", *([first] if at_once else []))
        return await self._protocol.execute(command, scrub=first)

    async def _say(self, command: Coroutine[Any, Any, Any]) -> tuple[bool, Sequence[bytes]]:
        """Run a command; says whether it was done (OK), and gives the lines of its answer."""
        response = await self._within(command)
        return response.result == "OK", response.lines

    async def _within(self, work: Awaitable[Any], seconds: float = SECONDS) -> Any:
        """Wait for the first of: an answer, the end of the connection, the end of our patience.

        The library fails no command whose connection is lost.
        """
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait(
                {task, self._lost}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if task.done():
                return task.result()
        except (OSError, AioImapException, TimeoutError) as error:
            raise Broken(str(error) or type(error).__name__) from error
        finally:
            task.cancel()
        raise Broken(
            "the connection was lost" if self._lost.done() else f"no answer in {seconds} s"
        )

    def _lose(self, _: Exception | None) -> None:
        if not self._lost.done():
            self._lost.set_result(None)


@asynccontextmanager
async def opened(account: Account) -> AsyncIterator[ImapBox]:
    """Open the account's folder, and hang up after it. Raises Broken where it cannot be opened."""
    try:
        box = ImapBox(account)
    except ssl.SSLError as error:
        raise Broken(str(error)) from error
    try:
        await box.open()
        yield box
    finally:
        await box.close()


def _password(file: Path | None) -> str:
    try:
        return file.read_text("utf-8").strip("\r\n") if file is not None else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Broken(f"password_file: {error}") from error


async def _token(command: str) -> str:
    """Run the command that gives an access token: the first line that it prints."""
    try:
        process = await asyncio.create_subprocess_exec(
            *shlex.split(command), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
    except (OSError, ValueError) as error:
        raise Broken(f"oauth2_token_command: {error}") from error
    try:
        out, _ = await asyncio.wait_for(process.communicate(), TOKEN_SECONDS)
    except TimeoutError as error:
        raise Broken(f"oauth2_token_command: nothing in {TOKEN_SECONDS} s") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    token = out.decode("utf-8", "replace").partition("\n")[0].strip()
    if process.returncode != 0 or not re.fullmatch(r"[!-~]+", token):
        raise Broken(f"oauth2_token_command: no token; its exit status is {process.returncode}")
    return token


def _last(lines: Sequence[bytes]) -> str:
    """Give the server's last word, for the log."""
    return bytes(lines[-1]).decode("utf-8", "replace")[:200] if lines else "no answer"
