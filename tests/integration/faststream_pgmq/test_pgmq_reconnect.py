"""After Postgres ended its sessions, or was away itself: back within seconds, and nothing lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.own_server import OwnServer
from tests.integration.faststream_pgmq.support import (
    NEVER,
    Job,
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
    until,
)

WITHIN = 5.0
"""Seconds; nobody polls or probes here, so the broker must notice by itself."""
ASLEEP = """
    SELECT count(*) = 2 FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
END_ALL_OTHERS = """
    SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def record(broker: PgmqBroker) -> list[int]:
    handled: list[int] = []

    @broker.subscriber("jobs", visibility_timeout=3)
    async def handle(job: Job) -> None:
        handled.append(job.n)

    return handled


async def until_asleep(sql: AsyncConnection[Any]) -> None:
    async def is_asleep() -> bool:
        return (await fetch_all(sql, ASLEEP)) == [True]

    await eventually(is_asleep)


async def send(sql: AsyncConnection[Any], n: int) -> None:
    await sql.execute("SELECT pgmq.send('jobs', jsonb_build_object('n', %s::int))", (n,))


async def test_all_sessions_ended_again_and_again_lose_nothing(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    broker = make_broker()
    handled = record(broker)
    await broker.start()
    for n in range(5):
        await until_asleep(sql)
        assert (await fetch_all(sql, END_ALL_OTHERS))[0] >= 2
        await send(sql, n)
        await until(lambda n=n: n in handled, WITHIN)
    await eventually(lambda: is_drained(sql))
    assert await dead_letters(sql) == []


async def test_who_publishes_does_not_notice_that_all_sessions_were_ended(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    broker = make_broker(pool_size=4)
    await broker.connect()
    for n in range(4):
        await asyncio.gather(*(broker.publish(Job(n=m), "jobs") for m in range(8)))
        await sql.execute(END_ALL_OTHERS)
        async with asyncio.timeout(WITHIN):
            assert await broker.publish(Job(n=n), "jobs") is not None


@pytest.fixture
async def broker(own_server: OwnServer) -> AsyncIterator[PgmqBroker]:
    broker = PgmqBroker(own_server.dsn, poll_interval=NEVER, logger=None)
    yield broker
    await broker.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_a_restart_of_postgres_loses_nothing(
    own_server: OwnServer, broker: PgmqBroker, number: signal.Signals
) -> None:
    handled = record(broker)
    await broker.start()
    await broker.publish(Job(n=0), "jobs")
    async with await own_server.connect() as sql:
        await until_asleep(sql)
    await own_server.restart(number)
    async with await own_server.connect() as sql:
        await send(sql, 1)
        await until(lambda: handled == [0, 1], WITHIN)
        await eventually(lambda: is_drained(sql))
        await until_asleep(sql)
        await send(sql, 2)
        await until(lambda: handled == [0, 1, 2], 1.0)
        assert await dead_letters(sql) == []


async def test_postgres_may_be_away_for_long_and_a_handler_run_meanwhile(
    own_server: OwnServer, broker: PgmqBroker
) -> None:
    begun, free, ended = asyncio.Event(), asyncio.Event(), list[int]()

    @broker.subscriber("jobs", visibility_timeout=60)
    async def handle(job: Job) -> None:
        begun.set()
        await free.wait()
        ended.append(job.n)

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await begun.wait()
    await asyncio.to_thread(own_server.stop)
    free.set()
    await asyncio.sleep(8.0)  # long enough for every wait between two tries to have grown
    await asyncio.to_thread(own_server.start)
    async with await own_server.connect() as sql:
        await eventually(lambda: is_drained(sql), WITHIN)
        await send(sql, 2)
        await until(lambda: ended == [1, 2], WITHIN)
        await eventually(lambda: is_drained(sql), WITHIN)
        assert await fetch_all(sql, "SELECT read_ct FROM pgmq.a_jobs") == [1, 1]
