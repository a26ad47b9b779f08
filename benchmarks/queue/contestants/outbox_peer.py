"""faststream-outbox on asyncpg, with as many workers as its own fetches keep busy."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, LiteralString

from faststream_outbox import OutboxBroker, make_outbox_table
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.queue.contestants.asyncpg_address import as_url
from benchmarks.queue.settings import payload

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.queue.contestants.contestant import Send, Tally

QUEUE: Final = "jobs"
WORKERS: Final = 4
FETCH: Final = 100
FLUSH: Final = 100
"""Ends written with one statement; its default is 1."""
METADATA: Final = MetaData()
TABLE: Final = make_outbox_table(METADATA)


class OutboxPeer:
    """Rows of one table, deleted at the end."""

    name = "faststream-outbox"
    remaining: LiteralString = "SELECT count(*) FROM outbox"

    async def create(self, dsn: str) -> None:
        async with _engine(dsn) as engine, engine.begin() as conn:
            await conn.run_sync(METADATA.create_all)

    async def fill(self, dsn: str, count: int) -> None:
        async with _engine(dsn) as engine:
            broker = OutboxBroker(engine, outbox_table=TABLE, logger=None)
            for start in range(0, count, 1_000):
                bodies = [payload(n) for n in range(start, min(start + 1_000, count))]
                async with engine.begin() as conn:
                    await broker.publish_batch(*bodies, queue=QUEUE, session=conn)

    @asynccontextmanager
    async def consuming(self, dsn: str, tally: Tally) -> AsyncGenerator[None]:
        async with _engine(dsn) as engine:
            broker = OutboxBroker(
                engine, outbox_table=TABLE, logger=None, log_level=logging.CRITICAL
            )

            @broker.subscriber(
                QUEUE,
                max_workers=WORKERS,
                fetch_batch_size=FETCH,
                terminal_flush_batch_size=FLUSH,
            )
            async def handle(message: dict[str, Any]) -> None:
                tally.add()

            await broker.start()
            try:
                yield
            finally:
                await broker.stop()

    @asynccontextmanager
    async def sending(self, dsn: str) -> AsyncGenerator[Send]:
        async with _engine(dsn) as engine:
            broker = OutboxBroker(engine, outbox_table=TABLE, logger=None)

            async def send(n: int) -> None:
                async with engine.begin() as conn:
                    await broker.publish(payload(n), queue=QUEUE, session=conn)

            yield send


@asynccontextmanager
async def _engine(dsn: str) -> AsyncGenerator[AsyncEngine]:
    url = as_url(dsn).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, pool_size=WORKERS + 3)
    try:
        yield engine
    finally:
        await engine.dispose()
