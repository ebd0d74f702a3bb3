"""Fuzz parse, Reader.read and stamped; a finding is an exception, a slow mail, or a stamp read as words.

    python tests/fuzz/fuzz_mail.py SEEDS FINDINGS [SECONDS]           mutations of the mails below SEEDS
    python tests/fuzz/fuzz_mail.py --atheris FINDINGS [libFuzzer ...]  led by coverage (pip install atheris)

SEEDS is a folder with *.eml below it, tests/corpus for one. Each finding is kept in FINDINGS as an
octet file with its reason beside it, one for each place in the code. Not collected by pytest; what
it finds becomes a test.
"""

import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from maild.edge.files import load_rules
from maild.mail.message import Envelope, RawMessage
from maild.mail.parse import parse
from maild.mail.quotes import RULER
from maild.mail.stamping import stamped
from maild.reading.body import ListNames
from maild.reading.report import Reader

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SLOW_SECONDS = 1.5  # for a mail and its stamped copy
STAMP = (
    f"Severity 1 (critical), phase 1 (patching), commander Stamp Sigil\nINC-2026-9999\n{RULER}\n"
)
STAMP_HTML = "<div>Severity 1, phase 1, commander Stamp Sigil<br>INC-2026-9999</div><hr>"
READER = Reader(load_rules(), ListNames("incidents@example.com", ("incidents",), UTC))
TOKENS = (
    b"\r\n", b"\r\n\r\n", b"> ", b"-- \r\n", b":", b"=?utf-8?q?", b"?=", b"\x00", b"\xff", b"--=_b",
    b"Content-Type: text/html\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"=\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"From: ", b"Sent: ", b"On 1 May 2026 a@b.c wrote:",
    b"Severity: 1", b"sev", b"phase 2", b"IC: ", b"#inc-1", b"https://", b"+1 555 0100", b"<div>",
    b"<blockquote>", b"</td>", b"|", b"next update in 30 minutes", b"14:30 UTC", b"(", b"\xe2\x80\xa8",
)  # fmt: skip


class Slow(BaseException):
    """Reading took too long; raised where it was busy, and no `except Exception` swallows it."""


def stop(*_: object) -> None:
    """Stop what is slow, so that its traceback says where."""
    raise Slow


def check(content: bytes) -> str | None:
    """Say what is wrong with how we take a mail; None where nothing is."""
    raw = RawMessage(Envelope("kim@example.net", ("incidents@example.com",)), content, NOW)
    READER.read(parse(raw))
    copy = stamped(content, STAMP, STAMP_HTML)
    again = READER.read(parse(RawMessage(raw.envelope, copy, NOW)))
    if "Stamp Sigil" in str([r.value for r in again.readings]) and b"Stamp Sigil" not in content:
        return "stamp: the stamp was read as the author's words"
    return None


def finding(content: bytes, folder: Path) -> str | None:
    """Check a mail and keep it where it is a finding; gives the finding's name."""
    signal.setitimer(signal.ITIMER_VIRTUAL, SLOW_SECONDS)
    try:
        reason = check(content)
    except (Exception, Slow) as error:
        frames = traceback.extract_tb(error.__traceback__)
        frames = [frame for frame in frames if "maild/" in frame.filename and frame.name != "stop"]
        place = frames[-1]
        name = f"{type(error).__name__}-{Path(place.filename).stem}-{place.lineno}"
        reason = f"{name}\n{traceback.format_exc()}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    if reason is None:
        return None
    name = reason.split("\n")[0].split(":")[0]
    kept = len(list(folder.glob(f"{name}*.eml")))
    if kept < 20:
        (folder / f"{name}-{kept}.eml").write_bytes(content)
        (folder / f"{name}-{kept}.txt").write_text(reason, "utf-8")
    return name


def mutated(content: bytes, other: bytes, chance: random.Random) -> bytes:
    """Change a mail in a few places; now and then repeat a piece of it up to 200 kB."""
    for _ in range(chance.randint(1, 4)):
        at, end = sorted(chance.randint(0, len(content)) for _ in range(2))
        piece = content[at:end]
        match chance.randint(0, 6):
            case 0:
                content = content[:at] + content[end:]
            case 1:
                content = content[:at] + chance.choice(TOKENS) + content[at:]
            case 2:
                cut = chance.randint(0, len(other))
                content = content[:at] + other[cut:]
            case 3:
                small = piece[: chance.randint(1, 40)] or b"a"
                room = chance.choice((2_000, 20_000, 200_000))
                content = content[:at] + small * (room // len(small)) + content[at:]
            case 4:
                token = chance.choice(TOKENS) + piece[: chance.randint(0, 5)]
                content = content[:at] + token * chance.choice((10, 1_000, 8_000)) + content[at:]
            case 5:
                content = content[:at] + piece[: chance.randint(0, 200)] + content[at:]
            case _:
                content = content[:at] + bytes([chance.randint(0, 255)]) + content[at + 1 :]
    return content[:400_000]


def mutate(seeds: Path, folder: Path, seconds: float, say: Callable[[str], None]) -> None:
    """Mutate the mails below a folder until the time is over."""
    mails = [path.read_bytes() for path in sorted(seeds.rglob("*.eml"))]
    chance = random.Random(time.time_ns())
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        mail = mutated(chance.choice(mails), chance.choice(mails), chance)
        if name := finding(mail, folder):
            say(f"{count} {name}")
        count += 1
    say(f"{count} mails")


def main() -> None:
    """Run as the docstring says."""
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGVTALRM, stop)
    if sys.argv[1] == "--atheris":
        import atheris

        atheris.instrument_all()
        atheris.Setup([sys.argv[0], *sys.argv[3:]], lambda data: finding(data, folder) and None)
        atheris.Fuzz()
    else:
        seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 600.0
        mutate(Path(sys.argv[1]), folder, seconds, print)


if __name__ == "__main__":
    main()
