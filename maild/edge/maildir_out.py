"""The way out for trying out: every mail becomes a file of a Maildir, its envelope on top."""

import asyncio
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from maild.mail.message import Reply, Unreachable


class MaildirOut:
    """Writes mails into a folder, one file a transaction."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(
        self, reverse_path: str | None, recipients: Sequence[str], content: bytes
    ) -> Mapping[str, Reply] | Unreachable:
        """Write the mail with Return-Path and a Delivered-To for each recipient on top."""
        lines = [
            f"Return-Path: <{reverse_path or ''}>",
            *(f"Delivered-To: {r}" for r in recipients),
        ]
        envelope = "\r\n".join(lines).encode("utf-8") + b"\r\n"
        try:
            await asyncio.to_thread(self._write, envelope + content)
        except OSError as error:
            return Unreachable(f"{self.folder}: {error}")
        return dict.fromkeys(recipients, Reply(250, 0, 0, f"written to {self.folder}"))

    def _write(self, content: bytes) -> None:
        for name in ("tmp", "new", "cur"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        name = f"{uuid.uuid4().hex}.maild"
        path = self.folder / "tmp" / name
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.rename(self.folder / "new" / name)

    async def close(self) -> None:
        """Nothing is held open."""
