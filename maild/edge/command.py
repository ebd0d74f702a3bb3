"""Running an operator's program: no shell, words on its standard input, a time limit."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

SECONDS: Final = 30.0


async def run(
    argv: Sequence[str], words: str, folder: Path, seconds: float = SECONDS
) -> str | None:
    """Run a program in a folder; None where it ended with 0, else why it did not.

    The words may be a stranger's: on standard input no shell and no option parser reads them.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return str(error)
    try:
        await asyncio.wait_for(process.communicate(words.encode("utf-8", "replace")), seconds)
    except TimeoutError:
        return f"it took longer than {seconds:g} s, and was ended"
    finally:
        # With all that it has started, if it did not end by itself.
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return f"its exit status is {process.returncode}" if process.returncode else None
