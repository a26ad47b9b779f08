"""What a subscriber has in hand, and the heartbeat that keeps it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from faststream_pgmq.subscriber.verdict import summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.storage import Queues


class Owner(Protocol):
    """What the hand, and whoever looks into it, asks of its subscriber."""

    @property
    def queue(self) -> str: ...
    @property
    def queues(self) -> Queues: ...
    def log(self, text: str, level: int, delivery: Delivery | None = None) -> None: ...


class Hand:
    """Claimed deliveries that have not ended yet."""

    def __init__(self, owner: Owner, lease: float) -> None:
        self._owner = owner
        self._lease = lease
        self._held: dict[int, Delivery] = {}

    def __len__(self) -> int:
        return len(self._held)

    def take(self, deliveries: Iterable[Delivery]) -> None:
        self._held.update((one.msg_id, one) for one in deliveries)

    def drop(self, deliveries: Iterable[Delivery]) -> None:
        for one in deliveries:
            # The same message may be in hand again, by a later delivery.
            if self._held.get(one.msg_id) is one:
                del self._held[one.msg_id]

    def all(self) -> list[Delivery]:
        return list(self._held.values())

    async def beat(self) -> None:
        """Extend all leases for ever, three times in each."""
        while True:
            await asyncio.sleep(self._lease / 3)
            # What has ended is only waiting to be written: it may be back in the queue by now.
            held = [one for one in self._held.values() if not one.ended]
            try:
                await self._extend(held)
            except Exception as error:  # noqa: BLE001 - without a heartbeat every long job runs twice
                self._owner.log(f"cannot extend leases: {summary(error)}", logging.WARNING)

    async def _extend(self, held: list[Delivery]) -> None:
        if not held:
            return
        ours = await self._owner.queues.extend(self._owner.queue, held, self._lease)
        for delivery in held:
            if delivery.msg_id not in ours and self._held.get(delivery.msg_id) is delivery:
                del self._held[delivery.msg_id]
                self._owner.log("the lease was lost", logging.WARNING, delivery)
