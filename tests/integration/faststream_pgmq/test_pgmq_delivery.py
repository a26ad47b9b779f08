"""Sending and consuming: what arrives, in which transaction, and how it ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker, PgmqResponse, QueueNotFoundError, RetryPolicy
from faststream_pgmq.annotations import PgmqBatchMessage, PgmqMessage
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import (
    Job,
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
    until,
)


async def test_a_message_reaches_its_handler_and_the_archive(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    seen: list[tuple[int, int, int, int, Any]] = []

    @broker.subscriber("jobs")
    async def handle(job: Job, message: PgmqMessage) -> None:
        fields = (message.msg_id, message.read_ct, message.attempts, message.headers["job_id"])
        seen.append((job.n, *fields))

    await broker.start()
    msg_id = await broker.publish(Job(n=7), "jobs", headers={"job_id": "a"})

    await eventually(lambda: is_drained(sql))
    assert seen == [(7, msg_id, 1, 0, "a")]
    archived = await fetch_all(sql, "SELECT message, headers->>'job_id' FROM pgmq.a_jobs")
    assert archived == [({"n": 7}, "a")]


async def test_a_batch_handler_gets_a_list_and_what_belongs_to_each(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    seen: list[tuple[list[int], list[int], list[Any]]] = []

    @broker.subscriber("jobs", batch=True)
    async def handle(jobs: list[Job], message: PgmqBatchMessage) -> None:
        ids = [headers["job_id"] for headers in message.batch_headers]
        seen.append(([job.n for job in jobs], message.msg_ids, ids))

    sent = await _publish_before_start(broker, 3)
    await broker.start()

    await eventually(lambda: is_drained(sql))
    assert seen == [([0, 1, 2], sent, ["j0", "j1", "j2"])]


async def _publish_before_start(broker: PgmqBroker, count: int) -> list[int | None]:
    await broker.connect()
    headers = [{"job_id": f"j{n}"} for n in range(count)]
    return await broker.publish_batch(
        *(Job(n=n) for n in range(count)), queue="jobs", headers=headers
    )


@pytest.mark.parametrize(
    "body",
    ["text", "", b"\x00\xff", b"not json", 3, 2.5, True, None, [1, None], {"a": {"b": "ü€😀"}}],
)
async def test_any_body_arrives_as_it_was_sent(broker: PgmqBroker, body: Any) -> None:
    seen: list[Any] = []

    @broker.subscriber("jobs")
    async def handle(body: Any) -> None:
        seen.append(body)

    await broker.start()
    await broker.publish(body, "jobs")

    await until(lambda: seen)
    assert seen == [body]


async def test_a_rolled_back_transaction_sends_nothing(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()

    async with sql.transaction(force_rollback=True):
        await broker.publish(Job(n=1), "jobs", connection=sql)
        await broker.publish_batch(Job(n=2), Job(n=3), queue="jobs", connection=sql)
        assert not await is_drained(sql)

    assert await is_drained(sql)


async def test_a_delayed_message_waits_without_a_poll(broker: PgmqBroker) -> None:
    seen: list[float] = []
    clock = asyncio.get_running_loop().time

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        seen.append(clock())

    await broker.start()
    began = clock()
    await broker.publish(Job(n=1), "jobs", delay=timedelta(seconds=0.4))
    await until(lambda: seen)

    assert 0.4 <= seen[0] - began < 2.0


async def test_replies_and_acknowledgement_commit_together(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs", batch=True)
    @broker.publisher("results")
    async def handle(jobs: list[Job]) -> list[PgmqResponse]:
        return [
            PgmqResponse(job, caused_by=[index], headers={"of": job.n})
            for index, job in enumerate(jobs)
        ]

    await _publish_before_start(broker, 2)
    await broker.start()
    await eventually(lambda: is_drained(sql))

    query = """
        SELECT (r.headers->>'of')::int, r.xmin = a.xmin
        FROM pgmq.q_results r JOIN pgmq.a_jobs a ON r.message = a.message ORDER BY 1
    """
    assert await fetch_all(sql, query) == [(0, True), (1, True)]


@pytest.mark.parametrize(
    ("batch", "returned", "expected"),
    [
        (None, None, []),
        (None, Job(n=1), [{"n": 1}]),
        (None, [1, 2], [[1, 2]]),
        (True, [1, 2], [1, 2]),
        (None, [PgmqResponse(1), PgmqResponse(2)], [1, 2]),
        (True, [], []),
        (None, PgmqResponse(None), [None]),
    ],
)
async def test_what_a_handler_returns_decides_what_is_sent(
    broker: PgmqBroker, sql: AsyncConnection[Any], batch: bool | None, returned: Any, expected: Any
) -> None:
    @broker.subscriber("jobs")
    @broker.publisher("results", batch=batch)
    async def handle(job: Job) -> Any:
        return returned

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await eventually(lambda: is_drained(sql))

    sent = await fetch_all(sql, "SELECT message FROM pgmq.q_results ORDER BY msg_id")
    assert sent == expected


async def test_an_empty_list_of_responses_sends_nothing(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs")
    @broker.publisher("results")
    async def handle(job: Job) -> list[PgmqResponse]:
        return []

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await eventually(lambda: is_drained(sql))

    assert await fetch_all(sql, "SELECT message FROM pgmq.q_results") == []


async def test_replies_to_a_queue_that_does_not_exist_fail_the_message_and_nothing_else(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs", retry=RetryPolicy(max_attempts=1))
    @broker.publisher("nowhere")
    async def handle(job: Job) -> Job | None:
        return job if job.n == 1 else None

    await broker.start()
    for n in range(3):
        await broker.publish(Job(n=n), "jobs")
    await eventually(lambda: is_drained(sql))

    (letter,) = await dead_letters(sql)
    assert letter[0] == {"n": 1}
    assert letter[1]["dead_letter"]["error"] == "QueueNotFoundError"


async def test_a_reply_to_header_names_where_the_result_goes(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs")
    async def handle(job: Job) -> int:
        return job.n + 1

    await broker.start()
    await broker.publish(Job(n=1), "jobs", reply_to="results", correlation_id="c")
    await eventually(lambda: is_drained(sql))

    query = "SELECT message, headers->>'correlation_id' FROM pgmq.q_results"
    assert await fetch_all(sql, query) == [(2, "c")]


async def test_a_nul_character_is_refused_with_a_reason(broker: PgmqBroker) -> None:
    await broker.connect()

    with pytest.raises(ValueError, match="NUL"):
        await broker.publish({"text": "a\x00b"}, "jobs")


async def test_an_unknown_queue_is_refused_when_sending_and_when_subscribing(
    make_broker: BrokerFactory,
) -> None:
    broker = make_broker()

    @broker.subscriber("nowhere")
    async def handle(job: Job) -> None: ...

    with pytest.raises(Exception, match=r"create_queue\(connection, 'nowhere'\)"):
        await broker.start()
    with pytest.raises(QueueNotFoundError, match=r"create_queue\(connection, 'nowhere'\)"):
        await broker.publish(1, "nowhere")


async def test_a_message_is_read_without_a_handler(broker: PgmqBroker) -> None:
    subscriber = broker.subscriber("jobs")
    await broker.start()
    await broker.publish(Job(n=4), "jobs")

    message = await subscriber.get_one(timeout=5)

    assert message is not None
    assert await message.decode() == {"n": 4}
    await message.ack()
    assert await subscriber.get_one(timeout=0.1) is None


async def test_workers_run_at_the_same_time_and_no_more_than_asked(broker: PgmqBroker) -> None:
    running = 0
    most = 0
    done: list[int] = []

    @broker.subscriber("jobs", max_workers=3)
    async def handle(job: Job) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        done.append(job.n)

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(9)), queue="jobs")
    await broker.start()
    await until(lambda: len(done) == 9)

    assert most == 3
