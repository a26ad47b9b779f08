"""`TestPgmqBroker` as users know test brokers: over Postgres, with an app, beside a running one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faststream import FastStream, TestApp
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker, RetryPolicy, TestPgmqBroker
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import (
    Job,
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
    until,
)

ONCE = RetryPolicy(max_attempts=1)


async def _none(sql: AsyncConnection[Any], query: Any) -> bool:
    return not await fetch_all(sql, query)


async def test_with_real_records_calls_of_what_postgres_delivered(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    publisher = broker.publisher("results")

    @broker.subscriber("jobs")
    @publisher
    async def add_one(job: Job) -> int:
        return job.n + 1

    async with TestPgmqBroker(broker, with_real=True) as real:
        await real.publish({"n": 1}, "jobs")
        await add_one.wait_call(10)
        add_one.mock.assert_called_once_with({"n": 1})
        await until(lambda: publisher.mock.called)
        publisher.mock.assert_called_once_with(2)
        await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.a_results"))
    assert await fetch_all(sql, "SELECT message FROM pgmq.a_jobs") == [{"n": 1}]


async def test_with_real_leaves_failures_to_retries_and_dead_letters(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs", retry=ONCE)
    async def fail(job: Job) -> None:
        raise ValueError("no")

    async with TestPgmqBroker(broker, with_real=True):
        await broker.publish({"n": 1}, "jobs")
        ((_, headers),) = await eventually(lambda: dead_letters(sql))
    assert headers["dead_letter"]["error"] == "ValueError"


async def test_with_real_stops_the_subscribers_it_added(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    broker.publisher("results")
    async with TestPgmqBroker(broker, with_real=True):
        await broker.publish("x", "results")
        await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.a_results"))
    assert list(broker.subscribers) == []
    others = """
        SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type LIKE 'cl%'
    """
    await eventually(lambda: _none(sql, others))


@pytest.mark.parametrize("with_real", [False, True])
async def test_an_application_runs_its_hooks_around_a_test_broker(
    broker: PgmqBroker, *, with_real: bool
) -> None:
    app, told = FastStream(broker), list[str]()
    app.on_startup(lambda: told.append("startup"))
    app.after_startup(lambda: told.append("started"))
    app.on_shutdown(lambda: told.append("shutdown"))

    @broker.subscriber("jobs")
    async def take(job: Job) -> None:
        told.append("handled")

    async with TestPgmqBroker(broker, with_real=with_real), TestApp(app):
        await broker.publish({"n": 1}, "jobs")
        await until(lambda: "handled" in told)
    assert told == ["startup", "started", "handled", "shutdown"]


async def test_errors_are_raised_or_left_to_retries(broker: PgmqBroker) -> None:
    @broker.subscriber("jobs", retry=ONCE)
    async def fail(job: Job) -> None:
        raise ValueError("no")

    async with TestPgmqBroker(broker):
        with pytest.raises(ValueError, match="no"):
            await broker.publish({"n": 1}, "jobs")
        with pytest.raises(ValueError, match="no"):
            await broker.request({"n": 1}, "jobs")
    test = TestPgmqBroker(broker, raise_errors=False)
    async with test:
        await broker.publish({"n": 1}, "jobs")
        with pytest.raises(TimeoutError, match="no reply from queue 'jobs'"):
            await broker.request({"n": 2}, "jobs", timeout=30)
        assert [letter.body for letter in test.dead_letters("jobs")] == [{"n": 1}, {"n": 2}]


async def test_several_brokers_share_the_queues_of_a_test(make_broker: BrokerFactory) -> None:
    sending, taking = make_broker(), make_broker()

    @taking.subscriber("jobs")
    async def double(n: int) -> int:
        return 2 * n

    async with TestPgmqBroker(sending, taking):
        assert await (await sending.request(4, "jobs")).decode() == 8
        double.mock.assert_called_once_with(4)


async def test_a_test_in_memory_leaves_a_running_broker_at_its_real_work(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    @broker.subscriber("jobs", max_workers=2)
    @broker.publisher("results")
    async def take(job: Job) -> int:
        seen.append(job.n)
        if job.n == 1:
            began.set()
            await may_end.wait()
            await broker.publish("from the handler", "results")
        return job.n

    await broker.start()
    await broker.publish({"n": 1}, "jobs")
    await began.wait()
    test = TestPgmqBroker(broker)
    async with test:
        assert await (await broker.request({"n": 2}, "jobs")).decode() == 2
        assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs") == [{"n": 1}]
        may_end.set()
        await eventually(lambda: is_drained(sql))
        assert [stored.body for stored in test.archived("jobs")] == [{"n": 2}]
    await broker.publish({"n": 3}, "jobs")
    await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.a_jobs OFFSET 1"))
    assert seen == [1, 2, 3]
    results = "SELECT message FROM pgmq.q_results ORDER BY msg_id"
    assert await fetch_all(sql, results) == ["from the handler", 1, 3]


async def test_a_broker_that_was_tested_in_memory_still_works(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs")
    async def take(job: Job) -> None: ...

    await broker.connect()
    async with TestPgmqBroker(broker):
        await broker.publish({"n": 1}, "jobs")
    assert await broker.publish({"n": 2}, "jobs") == 1
    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs") == [{"n": 2}]
