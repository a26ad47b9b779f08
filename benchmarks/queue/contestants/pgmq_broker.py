"""This broker, with batch and with single-message handlers; and FastStream without a queue."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, LiteralString, cast

from benchmarks.queue.contestants.floor import REMAINING, fill_pgmq
from benchmarks.queue.server import QUEUE, install_pgmq
from benchmarks.queue.settings import BATCH, payload
from faststream_pgmq import PgmqBroker
from faststream_pgmq.delivery import Delivery
from faststream_pgmq.subscriber.calling import DirectSubscriber

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.queue.contestants.contestant import Send, Tally

NEVER = 3600.0
"""Seconds between safety polls: longer than any measurement, so that none helps."""


def batch_broker(dsn: str, tally: Tally) -> PgmqBroker:
    """Return a broker whose handler takes lists."""
    broker = PgmqBroker(dsn, poll_interval=NEVER, logger=None)

    @broker.subscriber(QUEUE, batch=True, max_messages=BATCH, archive=False)
    async def handle(messages: list[dict[str, Any]]) -> None:
        tally.add(len(messages))

    return broker


def single_broker(dsn: str, tally: Tally) -> PgmqBroker:
    """Return a broker whose handler takes one message."""
    broker = PgmqBroker(dsn, poll_interval=NEVER, logger=None)

    @broker.subscriber(QUEUE, max_messages=BATCH, archive=False)
    async def handle(message: dict[str, Any]) -> None:
        tally.add()

    return broker


class PgmqBatch:
    """Handlers that take lists."""

    name = "pgmq batch"
    remaining: LiteralString = REMAINING

    async def create(self, dsn: str) -> None:
        await install_pgmq(dsn, QUEUE)

    async def fill(self, dsn: str, count: int) -> None:
        await fill_pgmq(dsn, count)

    @asynccontextmanager
    async def consuming(self, dsn: str, tally: Tally) -> AsyncGenerator[None]:
        broker = self._broker(dsn, tally)
        await broker.start()
        try:
            yield
        finally:
            await broker.stop()

    @asynccontextmanager
    async def sending(self, dsn: str) -> AsyncGenerator[Send]:
        broker = PgmqBroker(dsn, logger=None)
        await broker.connect()

        async def send(n: int) -> None:
            await broker.publish(payload(n), QUEUE)

        try:
            yield send
        finally:
            await broker.stop()

    def _broker(self, dsn: str, tally: Tally) -> PgmqBroker:
        return batch_broker(dsn, tally)


class PgmqSingle(PgmqBatch):
    """Handlers that take one message."""

    name = "pgmq single"

    def _broker(self, dsn: str, tally: Tally) -> PgmqBroker:
        return single_broker(dsn, tally)


class Overhead(PgmqSingle):
    """FastStream's own work for the same handler: no message is read, none acknowledged.

    Its `process_message`, not the one by which this broker replaces it.
    """

    name = "overhead"

    def __init__(self) -> None:
        self._waiting: list[Delivery] = []

    async def fill(self, dsn: str, count: int) -> None:
        now = datetime.now(UTC)
        text = json.dumps(payload(0))
        self._waiting = [Delivery(QUEUE, n, 1, now, now, text, {}) for n in range(count)]

    @asynccontextmanager
    async def consuming(self, dsn: str, tally: Tally) -> AsyncGenerator[None]:
        broker = single_broker(dsn, tally)
        # Its consumer finds an empty queue and sleeps, without a query.
        await broker.start()
        try:
            own = super(DirectSubscriber, cast("DirectSubscriber", broker.subscribers[0]))
            for delivery in self._waiting:
                await own.process_message(delivery)
            yield
        finally:
            await broker.stop()
