"""At most one waiting message with a key, whoever sends when."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker, PgmqResponse, RetryPolicy
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all, is_drained, until

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333{}-01"


async def test_a_second_message_is_merged_into_the_waiting_one(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    sent = [
        await broker.publish(
            Job(n=n), "jobs", dedup_key="w1", delay=60, headers={"traceparent": TRACE.format(n)}
        )
        for n in range(3)
    ]
    other = await broker.publish(Job(n=9), "jobs", dedup_key="w2")

    assert sent[1:] == [None, None]
    assert other is not None
    query = "SELECT message->'n', headers->'tracelinks' FROM pgmq.q_jobs ORDER BY msg_id"
    assert await fetch_all(sql, query) == [(0, [TRACE.format(1), TRACE.format(2)]), (9, None)]


async def test_a_merge_never_delays_what_was_due_earlier(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    await broker.publish(Job(n=1), "jobs", dedup_key="k", delay=60)
    await broker.publish(Job(n=2), "jobs", dedup_key="k", delay=5)
    await broker.publish(Job(n=3), "jobs", dedup_key="k", delay=600)

    query = "SELECT extract(epoch FROM vt - now())::int BETWEEN 1 AND 5 FROM pgmq.q_jobs"
    assert await fetch_all(sql, query) == [True]


async def test_the_same_key_twice_in_one_statement_is_one_message(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    headers = [{"dedup_key": "a"}, {}, {"dedup_key": "a"}, {"dedup_key": "b"}]
    ids = await broker.publish_batch(1, 2, 3, 4, queue="jobs", headers=headers)

    assert [msg_id is None for msg_id in ids] == [False, False, True, False]
    assert await fetch_all(sql, "SELECT message FROM pgmq.q_jobs ORDER BY 1") == [1, 2, 4]


async def test_no_consumer_runs_it_before_the_second_senders_data_is_visible(
    broker: PgmqBroker, sql: AsyncConnection[Any], dsn: str
) -> None:
    await sql.execute("CREATE TABLE facts (n integer)")
    visible: list[int] = []

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        visible.extend(await fetch_all(sql, "SELECT count(*)::int FROM facts"))

    await broker.connect()
    await broker.publish(Job(n=1), "jobs", dedup_key="k")
    async with await AsyncConnection.connect(dsn) as second:
        await second.execute("INSERT INTO facts VALUES (1)")
        assert await broker.publish(Job(n=2), "jobs", dedup_key="k", connection=second) is None
        await broker.start()
        await broker.publish(Job(n=3), "jobs")
        await until(lambda: visible == [0])  # job 3; the merged one stays locked
        await second.commit()
    await until(lambda: visible == [0, 1])


async def test_a_key_is_free_again_once_its_message_is_being_handled(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    handled: list[int] = []
    go_on = asyncio.Event()

    @broker.subscriber("jobs", retry=RetryPolicy(initial_delay=0.01))
    async def handle(job: Job) -> None:
        handled.append(job.n)
        if handled == [1]:
            await go_on.wait()
            raise ValueError("retried while a newer one waits")

    await broker.start()
    await broker.publish(Job(n=1), "jobs", dedup_key="k")
    await until(lambda: handled)
    assert await broker.publish(Job(n=2), "jobs", dedup_key="k") is not None
    go_on.set()
    await eventually(lambda: is_drained(sql))

    assert sorted(handled) == [1, 1, 2]


async def test_many_handlers_reply_with_the_same_keys_and_none_deadlocks(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs", batch=True, max_messages=10, max_workers=4)
    @broker.publisher("results")
    async def handle(jobs: list[Job]) -> list[PgmqResponse]:
        return [
            PgmqResponse(job.n % 7, dedup_key=str(job.n * step % 7), caused_by=[index])
            for step in (1, 6)
            for index, job in enumerate(jobs)
        ]

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(400)), queue="jobs")
    await broker.start()
    await eventually(lambda: is_drained(sql), seconds=20)

    assert await fetch_all(sql, "SELECT count(*) FROM pgmq.q_results") == [7]
