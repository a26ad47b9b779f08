"""The SQL side: installing, creating queues, redriving, and what a start says without Postgres."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.errors import RaiseException

from faststream_pgmq import (
    PgmqBroker,
    PgmqConnectionError,
    RetryPolicy,
    create_queue,
    install,
)
from tests.integration.faststream_pgmq.support import (
    Job,
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
)


async def test_everybody_may_install_and_create_queues_at_the_same_time(
    sql: AsyncConnection[Any], dsn: str
) -> None:
    async def start() -> None:
        async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
            await install(conn)
            await create_queue(conn, "new_queue")

    await asyncio.gather(*(start() for _ in range(6)))

    query = "SELECT queue_name FROM pgmq.list_queues() WHERE queue_name LIKE 'new%' ORDER BY 1"
    assert await fetch_all(sql, query) == ["new_queue", "new_queue_dlq"]


async def test_creating_a_queue_again_waits_for_no_sender(
    sql: AsyncConnection[Any], dsn: str
) -> None:
    async with await AsyncConnection.connect(dsn) as sender:
        await sender.execute("SELECT pgmq.send('jobs', '1'::jsonb)")
        async with asyncio.timeout(2):
            await create_queue(sql, "jobs")


@pytest.mark.parametrize("name", ["", "a" * 44, "a b", "a'b", "ü"])
async def test_a_name_that_no_queue_can_have_is_refused(
    sql: AsyncConnection[Any], name: str
) -> None:
    with pytest.raises(ValueError, match="1 to 43 letters"):
        await create_queue(sql, name)
    with pytest.raises(RaiseException, match="1 to 43 letters"):
        await sql.execute("SELECT faststream_pgmq.create_queue(%s)", (name,))


@pytest.mark.parametrize("name", ["MixedCase", "a" * 43, "with-dash.and.dot"])
async def test_long_and_mixed_case_names_work(
    broker: PgmqBroker, sql: AsyncConnection[Any], name: str
) -> None:
    seen: list[int] = []
    await create_queue(sql, name)

    @broker.subscriber(name)
    async def handle(job: Job) -> None:
        seen.append(job.n)

    await broker.start()
    await sql.execute("SELECT pgmq.send(%s, '{\"n\": 1}'::jsonb)", (name,))

    async def handled() -> bool:
        return seen == [1]

    await eventually(handled)


async def test_redriven_messages_keep_their_headers_and_start_afresh(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs", retry=RetryPolicy(max_attempts=1))
    async def handle(job: Job) -> None:
        raise ValueError("not today")

    await broker.connect()
    headers = [{"job_id": "a", "dedup_key": "k", "correlation_id": "c"}, {"job_id": "b"}]
    await broker.publish_batch(Job(n=1), Job(n=2), queue="jobs", headers=headers)
    await broker.start()
    await eventually(lambda: is_drained(sql))
    await broker.stop()
    query = "SELECT msg_id FROM pgmq.q_jobs_dlq WHERE message->>'n' = '1'"
    first = await fetch_all(sql, query)

    assert await fetch_all(sql, "SELECT faststream_pgmq.redrive('jobs', %s)", first) == [1]
    query = "SELECT message, headers, read_ct FROM pgmq.q_jobs"
    assert await fetch_all(sql, query) == [({"n": 1}, headers[0], 0)]
    assert len(await dead_letters(sql)) == 1
    assert await fetch_all(sql, "SELECT faststream_pgmq.redrive('jobs')") == [1]
    assert await dead_letters(sql) == []


async def test_two_dead_letters_with_one_key_become_one_message_again(
    sql: AsyncConnection[Any],
) -> None:
    headers = '{"dedup_key": "k", "traceparent": "t"}'
    for message in ("1", "2"):
        send = "SELECT pgmq.send('jobs_dlq', %s::jsonb, %s::jsonb)"
        await sql.execute(send, (message, headers))
    await sql.execute("SELECT faststream_pgmq.redrive('jobs')")

    query = "SELECT message, headers->'tracelinks' FROM pgmq.q_jobs"
    assert await fetch_all(sql, query) == [(1, ["t"])]


async def test_a_start_without_postgres_says_where_it_looked_but_not_the_password() -> None:
    broker = PgmqBroker("postgresql://me:s3cret@127.0.0.1:1/db", logger=None)

    with pytest.raises(PgmqConnectionError, match=r"127\.0\.0\.1:1/db") as caught:
        await broker.start()
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in str(broker.specification.url)


def test_a_connection_string_that_is_none_is_not_repeated() -> None:
    with pytest.raises(PgmqConnectionError) as caught:
        PgmqBroker("postgresql://me:s3cret@[nowhere")
    assert "s3cret" not in str(caught.value)


async def test_ping_says_whether_postgres_answers(broker: PgmqBroker) -> None:
    assert not await broker.ping()
    await broker.connect()
    assert await broker.ping(timeout=5)
