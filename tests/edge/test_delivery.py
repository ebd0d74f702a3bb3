"""Delivery, where somebody changes his mind while others are served."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from maild.delivery import Deliverer
from maild.edge.store.outbox import Outbox
from maild.edge.store.records import Records
from maild.mail.message import Reply
from tests.office import NOON, Office

OPENING = "Half of the payments fail. Severity 2, phase 1. I am incident commander. Channel: #pay"


def test_what_is_given_up_while_others_are_served_is_not_sent(
    office: Callable[..., Office],
) -> None:
    desk = office()
    for name in ("ana", "bob"):
        desk.connection.execute(
            "INSERT INTO subscriber (address, added_at) VALUES (?, '')", (f"{name}@example.com",)
        )
    desk.take(OPENING)
    records = Records(desk.connection, 3)
    asked: list[str] = []

    class Relay:
        """While it takes the first copy, the operator gives up all others."""

        async def send(
            self, reverse_path: str | None, recipients: Sequence[str], content: bytes
        ) -> Mapping[str, Reply]:
            asked.extend(recipients)
            for row in records.queue():
                if row["recipient"] not in asked:
                    records.drop(row["id"], NOON)
            return dict.fromkeys(recipients, Reply(250, 0, 0, "taken"))

        async def close(self) -> None:
            return None

    async def story() -> None:
        outbox = Outbox(desk.connection, b"k" * 32, "always")
        works = Deliverer(outbox, Relay(), lambda: desk.now, lambda *_, **__: None, 1)
        work = asyncio.create_task(works.run())
        async with asyncio.timeout(20):
            while records.queue() or works.results:
                await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())
    assert len(asked) == 1
