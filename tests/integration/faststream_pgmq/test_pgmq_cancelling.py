"""Who was told to end, ends: also where `asyncio.wait_for` loses a cancellation, on Python 3.11."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, cast

import anyio
import pytest
from faststream.exceptions import StopConsume
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker, RetryPolicy, crew
from faststream_pgmq.pooling import CancellablePool
from faststream_pgmq.postgres import PostgresQueues
from faststream_pgmq.subscriber.usecase import PgmqSubscriber
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import until

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


async def hand_over(
    pool: Pool, taken: AsyncConnection[Any], turns: int, then: Callable[[], None]
) -> None:
    await until(lambda: pool.get_stats().get("requests_waiting"))
    await pool.putconn(taken)
    for _ in range(turns):
        await asyncio.sleep(0)
    then()


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


@pytest.mark.parametrize("turns", range(3))
async def test_a_timeout_that_comes_with_the_connection_is_a_timeout(
    pool: Pool, turns: int
) -> None:
    taken = await pool.getconn()

    async def run_out() -> None:
        async with asyncio.timeout(None) as limit:
            now = partial(limit.reschedule, asyncio.get_running_loop().time())
            handing_over = asyncio.create_task(hand_over(pool, taken, turns, now))
            async with pool.connection():
                await asyncio.sleep(3600)
        await handing_over

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(run_out(), SECONDS)


@pytest.mark.parametrize("turns", range(3))
async def test_anyio_knows_its_cancellation_again(pool: Pool, turns: int) -> None:
    taken = await pool.getconn()
    scope = anyio.CancelScope()
    handing_over = asyncio.create_task(hand_over(pool, taken, turns, scope.cancel))
    with scope:
        async with pool.connection():
            await asyncio.sleep(3600)
    await handing_over
    assert scope.cancelled_caught


async def test_a_start_that_is_cancelled_leaves_no_pool_behind(dsn: str) -> None:
    queues = PostgresQueues(dsn, dsn, 2)
    opening = asyncio.create_task(queues.open())
    while not queues.pool.get_stats().get("connections_num"):  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening], timeout=SECONDS)
    assert (opening.cancelled(), queues.pool.closed) == (True, True)


async def stops(broker: PgmqBroker) -> bool:
    stopping = asyncio.create_task(broker.stop())
    done, _ = await asyncio.wait([stopping], timeout=SECONDS)
    return bool(done)


@pytest.mark.parametrize("goes_on", [False, True])
async def test_a_handler_that_loses_its_cancellation_does_not_keep_the_broker(
    make_broker: BrokerFactory, monkeypatch: pytest.MonkeyPatch, *, goes_on: bool
) -> None:
    monkeypatch.setattr(crew, "AGAIN", 0.2)
    broker, begun = make_broker(graceful_timeout=0.05), asyncio.Event()

    @broker.subscriber("jobs")
    async def handle(body: str) -> None:
        begun.set()
        # As `asyncio.wait_for` does where its result came at the same time.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        if goes_on:
            await asyncio.sleep(3600)

    await broker.start()
    await broker.publish("x", "jobs")
    await begun.wait()
    assert await stops(broker)


async def test_a_probe_that_loses_its_cancellation_does_not_keep_the_broker(
    make_broker: BrokerFactory,
) -> None:
    broker, probed = make_broker(graceful_timeout=0.05), asyncio.Event()

    async def probe() -> None:
        probed.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)

    retry = RetryPolicy(pause_on=(OSError,))

    @broker.subscriber("jobs", retry=retry, pause_probe=probe)
    async def handle(body: str) -> None:
        raise OSError

    await broker.start()
    await broker.publish("x", "jobs")
    await asyncio.wait_for(probed.wait(), SECONDS)
    assert await stops(broker)


@pytest.mark.parametrize("is_caught", [True, False])
async def test_a_handler_that_cancels_itself_costs_no_worker(
    make_broker: BrokerFactory, *, is_caught: bool
) -> None:
    broker, handled = make_broker(graceful_timeout=1.0), list[str]()

    @broker.subscriber("jobs", max_workers=1)
    async def handle(body: str) -> None:
        handled.append(body)
        task = asyncio.current_task()
        if len(handled) == 1 and task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError if is_caught else LookupError):
                await asyncio.sleep(0)

    await broker.start()
    for body in ("a", "b"):
        await broker.publish(body, "jobs")
    await until(lambda: {*handled} == {"a", "b"})
    await until(lambda: len(handled) == (2 if is_caught else 3))
    assert await stops(broker)


async def test_what_a_handler_left_cancelled_does_not_end_the_next(
    make_broker: BrokerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    broker, handled = make_broker(logger=logging.getLogger("left")), list[str]()

    @broker.subscriber("jobs", retry=RetryPolicy(initial_delay=0.01))
    async def handle(body: str) -> None:
        handled.append(body)
        task = asyncio.current_task()
        if handled == ["a"] and task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        elif handled == ["a", "b"]:
            raise asyncio.CancelledError

    await broker.start()
    for body in ("a", "b"):
        await broker.publish(body, "jobs")
    await until(lambda: handled == ["a", "b", "b"])
    assert await stops(broker)
    assert "cancelled from inside" in caplog.text
    assert "begun anew" not in caplog.text


async def test_a_stop_waits_for_the_one_that_a_handler_asked_for(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    broker, called = make_broker(), asyncio.Event()

    @broker.subscriber("jobs")
    async def handle(body: str) -> None:
        called.set()
        raise StopConsume

    consumers = cast(list[PgmqSubscriber], broker.subscribers)
    for _ in range(2):  # also after another start
        called.clear()
        await broker.start()
        await broker.publish("x", "jobs")
        await asyncio.wait_for(called.wait(), SECONDS)
        await until(lambda: not any(one.is_consuming for one in consumers))
        assert await stops(broker)
        given_back = "SELECT bool_and(vt <= clock_timestamp()) FROM pgmq.q_jobs"
        assert await (await sql.execute(given_back)).fetchone() == (True,)
