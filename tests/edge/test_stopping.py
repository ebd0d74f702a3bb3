"""What runs for ever ends when it is told to, also at the moment at which it is woken."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from maild.delivery import Deliverer
from maild.edge.maildir_out import MaildirOut
from maild.edge.store.outbox import Outbox
from maild.pump import Pump
from tests.office import NOON, Office

from .test_pump import Inline


def quiet(*_: object, **__: object) -> None:
    return None


def pump(office: Office, folder: Path) -> Pump:
    return Pump(office.desk, Inline(office), lambda: NOON, quiet, quiet, quiet)


def deliverer(office: Office, folder: Path) -> Deliverer:
    return Deliverer(Outbox(office.connection), MaildirOut(folder), lambda: NOON, quiet, 4)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("made", [pump, deliverer], ids=lambda f: f.__name__)
def test_it_ends_though_it_was_just_woken(
    office: Callable[..., Office],
    tmp_path: Path,
    made: Callable[[Office, Path], Pump | Deliverer],
    turns: int,
) -> None:
    works = made(office(), tmp_path)

    async def story() -> bool:
        work = asyncio.create_task(works.run())
        for _ in range(10):
            await asyncio.sleep(0)
        works.wake()
        for _ in range(turns):
            await asyncio.sleep(0)
        work.cancel()
        done, _ = await asyncio.wait({work}, timeout=0.5)
        work.cancel()
        return bool(done)

    assert asyncio.run(story())
