"""Connections that went silent: the broker notices without being told, and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any

import pytest
from psycopg import AsyncConnection, OperationalError

from faststream_pgmq import PgmqBroker
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.silent_proxy import SilentProxy
from tests.integration.faststream_pgmq.support import (
    NEVER,
    Job,
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
    until,
)

PROBE = 2.0
"""Seconds: the poll interval of these brokers, at whose end a sleeping listener is probed."""
WITHIN = PROBE + 5.0
ASLEEP = """
    SELECT count(*) = 2 FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
IN_LINE = """
    SELECT count(*) > 0 FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND mode = 'ExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
async def paths(dsn: str) -> AsyncIterator[dict[str, SilentProxy]]:
    """The ways to Postgres of a broker's listener and of its pool."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(SilentProxy(dsn).running())
            for name in ("listener", "pool")
        }


@pytest.fixture
async def broker(paths: dict[str, SilentProxy]) -> AsyncIterator[PgmqBroker]:
    pool, listener = paths["pool"].dsn, paths["listener"].dsn
    broker = PgmqBroker(pool, listen_conninfo=listener, poll_interval=PROBE, logger=None)
    yield broker
    await broker.stop()


def record(broker: PgmqBroker) -> list[int]:
    handled: list[int] = []

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        handled.append(job.n)

    return handled


async def is_true(sql: AsyncConnection[Any], query: Any) -> bool:
    return (await fetch_all(sql, query)) == [True]


@pytest.mark.parametrize("silent", [("listener",), ("pool",), ("listener", "pool")])
async def test_a_message_sent_in_the_silence_is_handled_soon(
    broker: PgmqBroker,
    paths: dict[str, SilentProxy],
    sql: AsyncConnection[Any],
    silent: tuple[str, ...],
) -> None:
    handled = record(broker)
    await broker.start()
    await eventually(lambda: is_true(sql, ASLEEP))
    for name in silent:
        await paths[name].silence()
    await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 1}')")
    await until(lambda: handled == [1], WITHIN)
    await eventually(lambda: is_drained(sql))
    assert handled == [1]
    assert await dead_letters(sql) == []


async def test_an_acknowledgement_into_the_silence_is_written_on_another_connection(
    broker: PgmqBroker, paths: dict[str, SilentProxy], sql: AsyncConnection[Any]
) -> None:
    handled: list[int] = []

    @broker.subscriber("jobs", visibility_timeout=60)
    async def handle(job: Job) -> None:
        handled.append(job.n)
        for path in paths.values():
            await path.silence()

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await until(lambda: handled == [1])
    await eventually(lambda: is_drained(sql), 5.0)
    assert handled == [1]


async def test_who_is_silent_in_the_line_of_sleepers_does_not_hold_up_the_line(
    broker: PgmqBroker,
    paths: dict[str, SilentProxy],
    make_broker: BrokerFactory,
    sql: AsyncConnection[Any],
) -> None:
    first, handled = make_broker(), record(broker)
    record(first)
    await first.start()
    await eventually(lambda: is_true(sql, ASLEEP))
    await broker.start()
    await eventually(lambda: is_true(sql, IN_LINE))
    await paths["listener"].silence()
    await first.stop()
    await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 1}')")
    await until(lambda: handled == [1], WITHIN)


async def test_publishing_into_the_silence_fails_soon_and_then_works(
    broker: PgmqBroker, paths: dict[str, SilentProxy]
) -> None:
    await broker.connect()
    await paths["pool"].silence()
    began = monotonic()
    with pytest.raises(OperationalError):
        await broker.publish(Job(n=1), "jobs")
    assert monotonic() - began < 5.0
    assert await broker.publish(Job(n=2), "jobs") is not None


async def test_a_slow_statement_is_not_taken_for_a_silent_connection(
    make_broker: BrokerFactory, sql: AsyncConnection[Any], dsn: str
) -> None:
    broker = make_broker()
    await broker.connect()
    async with await AsyncConnection.connect(dsn) as slow:
        await broker.publish(Job(n=1), "jobs", dedup_key="one", connection=slow)
        waiting = asyncio.create_task(broker.publish(Job(n=2), "jobs", dedup_key="one"))
        done, _ = await asyncio.wait([waiting], timeout=7.0)
        assert not done, "it waits for the open transaction, however long that takes"
        await slow.commit()
    async with asyncio.timeout(5):
        assert await waiting is None


async def test_a_broker_with_silent_connections_stops_in_time(
    broker: PgmqBroker, paths: dict[str, SilentProxy], sql: AsyncConnection[Any]
) -> None:
    record(broker)
    await broker.start()
    await eventually(lambda: is_true(sql, ASLEEP))
    for path in paths.values():
        await path.silence()
    async with asyncio.timeout(15):
        await broker.stop()


async def test_a_ping_into_the_silence_answers_in_time(
    broker: PgmqBroker, paths: dict[str, SilentProxy]
) -> None:
    await broker.connect()
    await paths["pool"].silence()
    async with asyncio.timeout(6):
        assert not await broker.ping(timeout=5)
    assert await broker.ping(timeout=5)


async def test_a_silent_listener_that_nobody_probes_would_stay_unnoticed(
    paths: dict[str, SilentProxy], dsn: str, sql: AsyncConnection[Any]
) -> None:
    """What the probe is for: with it out of the way, the message waits."""
    broker = PgmqBroker(
        dsn, listen_conninfo=paths["listener"].dsn, poll_interval=NEVER, logger=None
    )
    handled = record(broker)
    await broker.start()
    await eventually(lambda: is_true(sql, ASLEEP))
    await paths["listener"].silence()
    await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 1}')")
    await asyncio.sleep(1.0)  # nothing to wait for: this is the silence itself
    assert handled == []
    await broker.stop()
