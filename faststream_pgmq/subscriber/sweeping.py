"""The clerk who deletes what a queue need not keep any longer."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Final, Protocol

from faststream_pgmq.subscriber.verdict import summary

if TYPE_CHECKING:
    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.retention import Retention
    from faststream_pgmq.storage import Queues

EVERY: Final = 300.0
"""Seconds from one look to the next, more or less: consumers that start together must not meet."""
FIRST_AFTER: Final = 2.0
"""Seconds until the first look, at most."""


class Owner(Protocol):
    """What the sweeper asks of its subscriber."""

    @property
    def queue(self) -> str: ...
    @property
    def queues(self) -> Queues: ...
    @property
    def retention(self) -> Retention: ...
    def log(self, text: str, level: int, delivery: Delivery | None = None) -> None: ...


async def sweep_for_ever(owner: Owner) -> None:
    """Keep to the retention of a queue for ever; return at once if it keeps everything."""
    if owner.retention.is_for_ever:
        return
    await asyncio.sleep(random.uniform(0, FIRST_AFTER))  # noqa: S311
    while True:
        try:
            deleted = await owner.queues.sweep(owner.queue, owner.retention)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look may go well
            owner.log(f"cannot delete what is too old: {summary(error)}", logging.WARNING)
        else:
            if deleted:
                owner.log(f"deleted {deleted} that were too old to keep", logging.INFO)
        await asyncio.sleep(random.uniform(0.5, 1.5) * EVERY)  # noqa: S311
