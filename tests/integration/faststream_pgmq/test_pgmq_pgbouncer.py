"""Behind a real PgBouncer: transactions of one client run on any server connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker
from faststream_pgmq.retention import Retention
from tests.integration.faststream_pgmq.pgbouncer import PgBouncer, find_program
from tests.integration.faststream_pgmq.support import (
    NEVER,
    Job,
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
    until,
)

SESSION_LOCKS = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
Bounce = Callable[[str], str]


@pytest.fixture
def bounce(dsn: str, tmp_path: Path) -> Iterator[Bounce]:
    """Starts a PgBouncer in a pool mode; returns the way through it."""
    program = find_program()
    if program is None:
        pytest.skip("there is no pgbouncer here: apt-get install pgbouncer")
    bouncers: list[PgBouncer] = []

    def start(mode: str) -> str:
        bouncers.append(PgBouncer(program, dsn, mode, tmp_path))
        bouncers[-1].wait()
        return bouncers[-1].dsn

    yield start
    for bouncer in bouncers:
        bouncer.stop()


@pytest.fixture
async def run() -> AsyncIterator[Callable[..., Any]]:
    """Starts brokers that record what they handle; stops them at the end."""
    brokers: list[PgmqBroker] = []

    async def run(dsn: str, **options: Any) -> tuple[PgmqBroker, list[int]]:
        settings: dict[str, Any] = {"poll_interval": NEVER, "logger": None, **options}
        broker, handled = PgmqBroker(dsn, **settings), list[int]()
        brokers.append(broker)

        @broker.subscriber("jobs")
        async def handle(job: Job) -> None:
            handled.append(job.n)

        await broker.start()
        return broker, handled

    yield run
    for broker in brokers:
        await broker.stop()


async def locks(sql: AsyncConnection[Any]) -> int:
    return (await fetch_all(sql, SESSION_LOCKS))[0]


async def test_a_listener_beside_the_pooler_is_woken_at_once(
    bounce: Bounce, run: Callable[..., Any], sql: AsyncConnection[Any], dsn: str
) -> None:
    broker, handled = await run(bounce("transaction"), listen_conninfo=dsn)
    for n in range(20):
        await eventually(lambda: _holds_two(sql))
        began = monotonic()
        await broker.publish(Job(n=n), "jobs")
        await until(lambda n=n: handled[-1:] == [n], seconds=0.9)
        assert monotonic() - began < 0.9, "woken, not polled"
    await eventually(lambda: is_drained(sql))


async def _holds_two(sql: AsyncConnection[Any]) -> bool:
    return await locks(sql) == 2


async def test_many_clients_share_few_server_connections_and_nothing_is_lost(
    bounce: Bounce, run: Callable[..., Any], sql: AsyncConnection[Any], dsn: str
) -> None:
    through = bounce("transaction")
    started = [
        await run(through, listen_conninfo=dsn, poll_interval=1.0, pool_size=8) for _ in range(3)
    ]
    broker = started[0][0]
    # Each statement more than five times on each connection: it would be prepared by then.
    await asyncio.gather(*(broker.publish(Job(n=n), "jobs") for n in range(300)))
    await eventually(lambda: is_drained(sql), 30)
    assert sorted(n for _, handled in started for n in handled) == list(range(300))
    assert await dead_letters(sql) == []


async def test_with_the_pooler_alone_queues_are_polled_and_one_warning_says_so(
    bounce: Bounce, run: Callable[..., Any], sql: AsyncConnection[Any], caplog: Any
) -> None:
    logger = logging.getLogger("test_pgmq_pgbouncer")
    with caplog.at_level(logging.INFO, logger.name):
        broker, handled = await run(bounce("transaction"), logger=logger)
    warnings = [one.message for one in caplog.records if one.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "listen_conninfo" in warnings[0]
    assert "polled every 1.0 s" in warnings[0]
    for n in range(3):
        await broker.publish(Job(n=n), "jobs")
        await until(lambda n=n: handled[-1:] == [n], seconds=3)
    await eventually(lambda: is_drained(sql))
    assert await locks(sql) == 0, "a lock of a session would stay behind in the pooler"


async def test_with_the_pooler_alone_retries_delays_and_pauses_work_too(
    bounce: Bounce, run: Callable[..., Any], sql: AsyncConnection[Any]
) -> None:
    broker, handled = await run(bounce("transaction"))
    await broker.publish(Job(n=1), "jobs", delay=0.3)
    await until(lambda: handled == [1], seconds=3)
    await broker.pause_queue("jobs")
    await broker.publish(Job(n=2), "jobs")
    await asyncio.sleep(1.5)  # longer than a poll: this is the pause itself
    assert handled == [1]
    await broker.resume_queue("jobs")
    await until(lambda: handled == [1, 2], seconds=3)


async def test_with_the_pooler_alone_get_one_returns_as_soon_as_a_poll_finds_something(
    bounce: Bounce, dsn: str
) -> None:
    async with PgmqBroker(bounce("transaction"), logger=None) as broker:
        subscriber = broker.subscriber("jobs", persistent=False)
        await broker.start()
        assert await subscriber.get_one(timeout=0.1) is None
        one = asyncio.create_task(subscriber.get_one(timeout=10))
        await broker.publish(Job(n=1), "jobs")
        async with asyncio.timeout(3):
            message = await one
        assert message is not None
        await message.ack()


async def test_a_pooler_in_session_mode_needs_nothing(
    bounce: Bounce, run: Callable[..., Any], sql: AsyncConnection[Any]
) -> None:
    broker, handled = await run(bounce("session"))
    await eventually(lambda: _holds_two(sql))
    await broker.publish(Job(n=1), "jobs")
    await until(lambda: handled == [1], seconds=0.9)


async def test_a_listener_that_leads_to_another_database_is_told_apart(
    run: Callable[..., Any], dsn: str, postgres_dsn: str
) -> None:
    broker, handled = await run(dsn, listen_conninfo=postgres_dsn)
    await broker.publish(Job(n=1), "jobs")
    await until(lambda: handled == [1], seconds=3)


async def test_a_sweep_through_the_pooler_leaves_no_lock_to_those_who_come_after(
    bounce: Bounce, sql: AsyncConnection[Any]
) -> None:
    pooled = bounce("transaction")
    old = "INSERT INTO pgmq.a_jobs (msg_id, vt, archived_at) VALUES (%s, now(), 'epoch')"
    for n in range(3):
        await sql.execute(old, (n,))
        async with PgmqBroker(pooled, logger=None) as broker:
            await broker.connect()
            queues = broker.config.broker_config.queues
            assert await queues.sweep("jobs", Retention(archive=timedelta(days=1))) == 1
        assert await locks(sql) == 0
