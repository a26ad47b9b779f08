"""Who was told to end, ends: also where `asyncio.wait_for` loses a cancellation, on Python 3.11."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq.pooling import CancellablePool
from tests.integration.faststream_pgmq.conftest import BrokerFactory

Pool = CancellablePool[AsyncConnection[Any]]
SECONDS = 10.0


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    async with Pool(dsn, min_size=1, max_size=1, open=False) as pool:
        await pool.wait()
        yield pool


@pytest.mark.parametrize("turns", range(5))
async def test_a_cancellation_that_comes_with_the_connection_is_kept(
    pool: Pool, turns: int
) -> None:
    taken = await pool.getconn()
    waiting = asyncio.create_task(use_for_ever(pool))
    while not pool.get_stats().get("requests_queued"):  # noqa: ASYNC110 - the pool tells nobody
        await asyncio.sleep(0.001)

    await pool.putconn(taken)
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting], timeout=SECONDS)

    assert waiting.cancelled()
    async with pool.connection(timeout=SECONDS) as conn:  # it lost none
        await conn.execute("SELECT 1")


async def use_for_ever(pool: Pool) -> None:
    async with pool.connection():
        await asyncio.sleep(0)
    await asyncio.sleep(3600)


async def test_a_cancellation_that_comes_with_the_first_connection_is_kept(dsn: str) -> None:
    pool = Pool(dsn, min_size=1, open=False)
    opening = asyncio.create_task(pool.open(wait=True))
    while not pool.get_stats().get("pool_available"):  # noqa: ASYNC110 - the pool tells nobody
        await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening], timeout=SECONDS)
    assert opening.cancelled()
    await pool.close()


async def test_a_timeout_around_the_wait_is_a_timeout(pool: Pool) -> None:
    async with pool.connection():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), pool.connection():
                raise AssertionError


async def test_a_handler_that_loses_its_cancellation_does_not_keep_the_broker(
    make_broker: BrokerFactory,
) -> None:
    broker, begun = make_broker(graceful_timeout=0.05), asyncio.Event()

    @broker.subscriber("jobs")
    async def handle(body: str) -> None:
        begun.set()
        # As `asyncio.wait_for` does where its result came at the same time.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)

    await broker.start()
    await broker.publish("x", "jobs")
    await begun.wait()
    stopping = asyncio.create_task(broker.stop())
    assert await asyncio.wait([stopping], timeout=SECONDS) == ({stopping}, set())
