"""Messages for who asks for them, instead of a handler that is called with them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import monotonic
from typing import TYPE_CHECKING, Protocol

import psycopg

from faststream_pgmq.errors import PgmqConnectionError
from faststream_pgmq.subscriber.consuming import FIRST_WAIT, LAST_WAIT
from faststream_pgmq.subscriber.verdict import summary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from faststream_pgmq.delivery import Claimed, Delivery
    from faststream_pgmq.storage import Bell, Queues
    from faststream_pgmq.subscriber.reading import GroupReader, Reader


class Owner(Protocol):
    """What pulling asks of its subscriber."""

    @property
    def queue(self) -> str: ...
    @property
    def queues(self) -> Queues: ...
    @property
    def pull_limit(self) -> int: ...
    def new_reader(self) -> Reader | GroupReader: ...
    def log(self, text: str, level: int, delivery: Delivery | None = None) -> None: ...


class Puller:
    """Claims for one caller, and sleeps by a doorbell of its own."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._reader = owner.new_reader()
        self._bell: Bell = owner.queues.doorbell(owner.queue)

    async def pull(self, seconds: float) -> list[Delivery]:
        """Return what is due, or what comes within this time; else nothing."""
        deadline = monotonic() + seconds
        while True:
            claimed = await self._read()
            left = deadline - monotonic()
            if not claimed.deliveries and left > 0:
                due = left if claimed.next_due is None else min(left, claimed.next_due)
                paused = claimed.paused is not None
                claimed = await self._bell.sleep(self._read, max(0.0, due), paused=paused)
            if claimed.deliveries or monotonic() >= deadline:
                return claimed.deliveries

    async def pull_for_ever(self, seconds: float) -> AsyncGenerator[list[Delivery]]:
        """Yield what comes; look at least every so many seconds, and outlive an outage."""
        wait = FIRST_WAIT
        while True:
            deliveries: list[Delivery] = []
            try:
                deliveries = await self.pull(seconds)
                wait = FIRST_WAIT
            except (psycopg.OperationalError, PgmqConnectionError) as error:
                text = f"cannot read, next try in {wait:.1f} s: {summary(error)}"
                self._owner.log(text, logging.WARNING)
                await asyncio.sleep(wait)
                wait = min(wait * 2, LAST_WAIT)
            if deliveries:
                yield deliveries

    async def _read(self) -> Claimed:
        limit = self._owner.pull_limit
        return await self._reader.read(self._owner.queues, limit, everything=True)

    async def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            await self._bell.close()
