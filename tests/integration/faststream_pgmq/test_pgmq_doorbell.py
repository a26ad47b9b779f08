"""Waking: nobody polls in these tests, so a lost ring is a message that never arrives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker
from faststream_pgmq.delivery import Claimed, Delivery
from faststream_pgmq.doorbell import Doorbell
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all, until

NOW = datetime(2026, 1, 5, tzinfo=UTC)
HOLDS_BELL = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
LAST_QUERY_OF_OTHERS = """
    SELECT max(query_start) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = current_database()
"""
LISTENERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)
"""


async def is_asleep(sql: AsyncConnection[Any]) -> bool:
    """Return whether a consumer holds both its bed and the bell."""
    return (await fetch_all(sql, HOLDS_BELL)) == [2]


@pytest.fixture
async def seen(broker: PgmqBroker, sql: AsyncConnection[Any]) -> list[int]:
    """What a started, sleeping subscriber has handled."""
    handled: list[int] = []

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        handled.append(job.n)

    await broker.start()
    await eventually(lambda: is_asleep(sql))
    return handled


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pgmq.send('jobs', '{\"n\": 1}'::jsonb)",
        "SELECT pgmq.send_batch('jobs', ARRAY['{\"n\": 1}']::jsonb[])",
        "INSERT INTO pgmq.q_jobs (vt, message) VALUES (now(), '{\"n\": 1}')",
    ],
)
async def test_plain_sql_rings_the_bell(
    seen: list[int], sql: AsyncConnection[Any], statement: Any
) -> None:
    await sql.execute(statement)
    await until(lambda: seen == [1])


async def test_a_sleeping_subscriber_is_woken_again_and_again(
    seen: list[int], broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    for n in range(20):
        await broker.publish(Job(n=n), "jobs")
        await until(lambda n=n: seen[-1:] == [n], seconds=3)
        if n % 3 == 0:
            await eventually(lambda: is_asleep(sql))


async def test_a_message_is_handled_once_its_open_transaction_commits(
    seen: list[int], broker: PgmqBroker, sql: AsyncConnection[Any], dsn: str
) -> None:
    async with await AsyncConnection.connect(dsn) as sender:
        await broker.publish(Job(n=1), "jobs", connection=sender)
        await broker.publish(Job(n=2), "jobs")
        await until(lambda: seen == [2])
        await sender.commit()
    await until(lambda: seen == [2, 1])


async def test_two_senders_and_a_consumer_that_falls_asleep_between_them(
    broker: PgmqBroker, sql: AsyncConnection[Any], dsn: str
) -> None:
    handled: list[int] = []

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        handled.append(job.n)

    async with await AsyncConnection.connect(dsn) as early:
        # Sent before the consumer exists, so nothing is told to anybody at this commit.
        await early.execute("SELECT pgmq.send('jobs', '{\"n\": 1}'::jsonb)")
        await broker.start()
        await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 2}'::jsonb)")
        await until(lambda: handled == [2])
        assert not await is_asleep(sql), "a consumer must not sleep while a sender is open"
        await early.commit()
    await until(lambda: handled == [2, 1])


async def test_nobody_asleep_means_no_notify(sql: AsyncConnection[Any]) -> None:
    await sql.execute('LISTEN "pgmq_bell.jobs"')
    await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 1}'::jsonb)")

    assert [n async for n in sql.notifies(timeout=0.2)] == []


async def test_an_open_sender_delays_no_other_sender(
    seen: list[int], sql: AsyncConnection[Any], dsn: str
) -> None:
    async with await AsyncConnection.connect(dsn) as slow:
        await slow.execute("SELECT pgmq.send('jobs', '{\"n\": 1}'::jsonb)")
        async with asyncio.timeout(2):
            await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 2}'::jsonb)")
        await until(lambda: seen == [2])


async def test_idle_consumers_are_woken_for_as_long_as_there_is_work(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    running: set[int] = set()
    free = asyncio.Event()

    def subscribe(name: int) -> PgmqBroker:
        broker = make_broker()

        @broker.subscriber("jobs")
        async def handle(job: Job) -> None:
            running.add(name)
            await free.wait()

        return broker

    for name in range(3):
        await subscribe(name).start()
    await eventually(lambda: is_asleep(sql))
    await sql.execute(
        "SELECT pgmq.send_batch('jobs', ARRAY['{\"n\":1}','{\"n\":2}','{\"n\":3}']::jsonb[])"
    )
    await until(lambda: running == {0, 1, 2})
    free.set()


async def test_an_idle_subscriber_runs_no_query(seen: list[int], sql: AsyncConnection[Any]) -> None:
    async def last_query() -> Any:
        return (await fetch_all(sql, LAST_QUERY_OF_OTHERS))[0]

    async def settled() -> Any:
        # It reads once more after it has both locks.
        before = await last_query()
        return before if (datetime.now(UTC) - before).total_seconds() > 0.5 else None

    before = await eventually(settled)
    await asyncio.sleep(1.5)  # nothing to wait for: this is the silence itself
    assert await last_query() == before


@pytest.mark.parametrize("times", [1, 3])
async def test_a_killed_listener_comes_back_and_nothing_is_lost(
    seen: list[int], broker: PgmqBroker, sql: AsyncConnection[Any], times: int
) -> None:
    for n in range(times):
        await eventually(lambda: is_asleep(sql))
        for pid in await fetch_all(sql, LISTENERS):
            await sql.execute("SELECT pg_terminate_backend(%s)", (pid,))
        await broker.publish(Job(n=n), "jobs")
        await until(lambda n=n: n in seen)


async def test_all_connections_killed_at_once_come_back(
    seen: list[int], sql: AsyncConnection[Any]
) -> None:
    await sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await sql.execute("SELECT pgmq.send('jobs', '{\"n\": 1}'::jsonb)")
    await until(lambda: seen == [1])


async def test_a_retry_of_a_busy_colleague_is_known_to_who_sleeps(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    handled: list[str] = []
    first, second = make_broker(), make_broker()

    @second.subscriber("jobs")
    async def handle(job: Job) -> None:
        handled.append("second")

    subscriber = first.subscriber("jobs")
    await first.start()
    await first.publish(Job(n=1), "jobs")
    message = await subscriber.get_one()
    assert message is not None
    await second.start()
    await eventually(lambda: is_asleep(sql))
    await message.nack(delay=0.2)  # pyright: ignore[reportCallIssue]  # a PgmqMessage

    await until(lambda: handled == ["second"])


async def test_what_was_claimed_while_lying_down_is_handed_out_though_the_listener_died(
    dsn: str, sql: AsyncConnection[Any]
) -> None:
    bell, claimed = Doorbell(dsn, "jobs"), Claimed([Delivery("jobs", 1, 1, NOW, NOW, "{}", {})])

    async def read() -> Claimed:
        for pid in await fetch_all(sql, LISTENERS):
            await sql.execute("SELECT pg_terminate_backend(%s)", (pid,))
        return claimed

    assert await bell.sleep(read, 5) is claimed
    await bell.close()
