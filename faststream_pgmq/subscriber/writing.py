"""Writes how deliveries ended: while one transaction commits, the next ones gather."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final, Protocol

import psycopg

from faststream_pgmq.connecting import is_outage
from faststream_pgmq.delivery import Settlement
from faststream_pgmq.subscriber.verdict import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faststream_pgmq.delivery import Delivery
    from faststream_pgmq.storage import Queues

FIRST_RETRY: Final = 0.1
LAST_RETRY: Final = 2.0
"""Seconds between tries while Postgres is away. Leases may run out meanwhile: acks are fenced."""

BUSY: Final = 32
"""Deliveries of one transaction from which on the next ones are awaited: a commit costs as much as
the acknowledgement of some hundred messages."""
FULL: Final = 500
GATHER: Final = 0.02
"""Seconds; what waits to be written is done, and would only be done again after a crash."""


class Owner(Protocol):
    """What the writer tells its subscriber."""

    @property
    def queue(self) -> str: ...
    @property
    def archive(self) -> bool: ...
    @property
    def rings(self) -> bool: ...
    @property
    def queues(self) -> Queues: ...
    def log(self, text: str, level: int, delivery: Delivery | None = None) -> None: ...
    def forget(self, deliveries: Sequence[Delivery], refused: set[int]) -> None: ...
    def fail(self, settlement: Settlement, error: Exception) -> Settlement: ...


class Writer:
    """Settles what is put, in order, in as few transactions as it takes."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._waiting: list[Settlement] = []
        self.backlog = 0
        """Deliveries that wait to be written; a count, for it is looked at for each message."""
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        """Nothing more is to be awaited: much has gathered, or somebody waits for what has."""
        self._awaited = 0
        self._put = 0
        self._written = 0
        self._progress = asyncio.Event()

    def put(self, settlement: Settlement) -> None:
        if self._waiting and settlement.is_plain and self._waiting[-1].is_plain:
            # As one: nothing about an acknowledgement alone can fail apart from its neighbours.
            self._waiting[-1].acks += settlement.acks
        else:
            self._waiting.append(settlement)
        self.backlog += settlement.size
        self._put += 1
        self._wake.set()
        if self.backlog >= FULL:
            self._full.set()

    async def run(self) -> None:
        """Write for ever."""
        is_busy = False
        while True:
            await self._wake.wait()
            if is_busy:
                await self._gather()
            self._wake.clear()
            is_busy = self.backlog >= BUSY
            taken, self._waiting, self.backlog = self._waiting, [], 0
            last = self._put
            await self._write_together(taken)
            self._written = last
            self._progress.set()

    async def _gather(self) -> None:
        if self.backlog >= FULL or self._awaited:
            return
        self._full.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHER):
                await self._full.wait()

    async def until_written(self) -> None:
        """Return when everything that was put so far is written, or given up."""
        last = self._put
        self._awaited += 1
        self._full.set()
        try:
            while self._written < last:
                self._progress.clear()
                await self._progress.wait()
        finally:
            self._awaited -= 1

    async def drain(self, seconds: float) -> bool:
        """Return whether everything was written within this time."""
        try:
            async with asyncio.timeout(seconds):
                await self.until_written()
        except TimeoutError:
            return False
        return True

    async def _write_together(self, taken: list[Settlement]) -> None:
        together = Settlement()
        for settlement in taken:
            together.add(settlement)
        try:
            await self._write(together)
        except Exception:  # noqa: BLE001 - whatever it is, the writer must outlive it
            # One of them cannot be written; the others must not suffer.
            for settlement in taken:
                await self._write_alone(settlement)

    async def _write_alone(self, settlement: Settlement) -> None:
        try:
            await self._write(settlement)
        except Exception as error:  # noqa: BLE001 - a reply that cannot be encoded, for one
            if not settlement.acks:
                self._give_up(settlement, error)
                return
            # What goes with an acknowledgement is the handler's doing, so the handler has failed.
            await self._write_alone(self._owner.fail(settlement, error))

    async def _write(self, settlement: Settlement) -> None:
        delay = FIRST_RETRY
        while True:
            try:
                refused = await self._owner.queues.settle(
                    self._owner.queue,
                    settlement,
                    archive=self._owner.archive,
                    ring=self._owner.rings,
                )
            except psycopg.OperationalError as error:
                if not is_outage(error):
                    raise
                self._owner.log(f"cannot acknowledge yet: {summary(error)}", logging.WARNING)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY)
            else:
                self._owner.forget(settlement.deliveries, refused)
                return

    def _give_up(self, settlement: Settlement, error: Exception) -> None:
        text = f"cannot be settled and will be delivered again: {summary(error)}"
        for delivery in settlement.deliveries:
            self._owner.log(text, logging.ERROR, delivery)
        if settlement.sends:
            text = f"{len(settlement.sends)} replies cannot be sent: {summary(error)}"
            self._owner.log(text, logging.ERROR)
        self._owner.forget(settlement.deliveries, set())
