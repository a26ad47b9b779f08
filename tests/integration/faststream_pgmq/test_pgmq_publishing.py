"""Publishing: when a message is due, how many go at once, and what is refused."""

from __future__ import annotations

import math
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection, errors

from faststream_pgmq import (
    MessageTooLargeError,
    PgmqBroker,
    PgmqResponse,
    QueueNotFoundError,
    QueueWithoutKeysError,
    UnsendableMessageError,
)
from faststream_pgmq.delivery import STATEMENT_MESSAGES
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all, is_drained, until

SENT = "SELECT message FROM pgmq.q_jobs ORDER BY msg_id"
SOON = timedelta(seconds=0.4)


async def test_a_message_is_due_at_its_moment_and_wakes_whoever_sleeps_then(
    broker: PgmqBroker,
) -> None:
    seen: list[datetime] = []

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        seen.append(datetime.now(UTC))

    await broker.start()
    at = datetime.now(UTC) + SOON
    await broker.publish(Job(n=1), "jobs", at=at)
    await until(lambda: seen)

    assert timedelta() <= seen[0] - at < timedelta(seconds=2)


async def test_the_moment_is_kept_as_it_was_given_whatever_the_senders_clock_says(
    broker: PgmqBroker, sql: AsyncConnection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(datetime):
        """A clock that is a day behind."""

        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) - timedelta(days=1)

    monkeypatch.setattr("faststream_pgmq.response.datetime", Slow)
    await broker.connect()
    at = datetime(2100, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    await broker.publish(Job(n=1), "jobs", at=at)

    assert await fetch_all(sql, "SELECT vt FROM pgmq.q_jobs") == [at]


async def test_a_moment_that_is_past_means_now_and_not_before_what_waits(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    await broker.publish_batch(1, 2, queue="jobs", at=datetime(2001, 1, 1, tzinfo=UTC))

    query = "SELECT vt BETWEEN now() - interval '1 min' AND now() FROM pgmq.q_jobs"
    assert await fetch_all(sql, query) == [True, True]


async def test_a_reply_may_be_due_at_a_moment(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    at = datetime(2100, 1, 1, tzinfo=UTC)

    @broker.subscriber("jobs")
    @broker.publisher("results")
    async def handle(job: Job) -> PgmqResponse:
        return PgmqResponse(job, at=at)

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await eventually(lambda: is_drained(sql))

    assert await fetch_all(sql, "SELECT vt FROM pgmq.q_results") == [at]


async def test_of_a_delay_and_a_moment_with_one_key_the_earlier_counts(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    replies = [
        PgmqResponse(1, at=datetime(2100, 1, 1, tzinfo=UTC), dedup_key="k"),
        PgmqResponse(2, delay=60, dedup_key="k"),
    ]

    @broker.subscriber("jobs")
    @broker.publisher("results")
    async def handle(job: Job) -> list[PgmqResponse]:
        return replies

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await eventually(lambda: is_drained(sql))

    query = "SELECT message, vt < now() + interval '61 s' FROM pgmq.q_results"
    assert await fetch_all(sql, query) == [(1, True)]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"at": datetime(2030, 1, 1)}, "time zone"),
        ({"at": datetime(2030, 1, 1, tzinfo=UTC), "delay": 0}, "not both"),
        ({"delay": -1}, "negative"),
        ({"delay": math.nan}, "negative nor beyond"),
        ({"delay": math.inf}, "negative nor beyond"),
        ({"delay": timedelta(days=999_999)}, "36525 days"),
    ],
)
async def test_a_time_that_cannot_be_meant_is_refused_with_a_reason(
    broker: PgmqBroker, wrong: dict[str, Any], reason: str
) -> None:
    publisher = broker.publisher("jobs")
    for send in (broker.publish, publisher.publish):
        with pytest.raises(ValueError, match=reason):
            await send(Job(n=1), "jobs", **wrong)
    with pytest.raises(ValueError, match=reason):
        await broker.publish_batch(Job(n=1), queue="jobs", **wrong)
    with pytest.raises(ValueError, match=reason):
        PgmqResponse(Job(n=1), **wrong)


async def test_a_batch_beyond_one_statement_keeps_order_and_ids_and_is_one_transaction(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    count = 2 * STATEMENT_MESSAGES + 1
    ids = await broker.publish_batch(*range(count), queue="jobs")

    assert await fetch_all(sql, SENT) == list(range(count))
    assert await fetch_all(sql, "SELECT msg_id FROM pgmq.q_jobs ORDER BY 1") == ids
    assert await fetch_all(sql, "SELECT count(DISTINCT xmin::text) FROM pgmq.q_jobs") == [1]


async def test_a_batch_beyond_one_statement_wakes_whoever_sleeps(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber("jobs", batch=True, max_messages=1_000, archive=False)
    async def handle(jobs: list[int]) -> None: ...

    await broker.start()
    await broker.publish_batch(*range(STATEMENT_MESSAGES + 1), queue="jobs")

    await eventually(lambda: is_drained(sql), seconds=30)


async def test_replies_beyond_one_statement_commit_with_the_acknowledgement(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    count = STATEMENT_MESSAGES + 1

    @broker.subscriber("jobs")
    @broker.publisher("results", batch=True)
    async def handle(job: Job) -> list[int]:
        return list(range(count))

    await broker.start()
    await broker.publish(Job(n=1), "jobs")
    await eventually(lambda: is_drained(sql), seconds=30)

    query = "SELECT count(*) FROM pgmq.q_results r JOIN pgmq.a_jobs a ON r.xmin = a.xmin"
    assert await fetch_all(sql, query) == [count]


@pytest.mark.parametrize("own", [False, True])
async def test_of_a_batch_with_one_bad_message_nothing_is_sent(
    broker: PgmqBroker, sql: AsyncConnection[Any], own: bool
) -> None:
    await broker.connect()
    bodies = [*range(STATEMENT_MESSAGES), "\x00"]
    async with sql.transaction():
        with pytest.raises(UnsendableMessageError, match="message 5000 of the batch"):
            await broker.publish_batch(*bodies, queue="jobs", connection=None if own else sql)

    assert await fetch_all(sql, SENT) == []


async def test_a_great_batch_with_keys_is_merged_as_a_small_one(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    count = STATEMENT_MESSAGES + 10
    headers = [{"dedup_key": f"k{n % (count - 10)}"} for n in range(count)]
    ids = await broker.publish_batch(*range(count), queue="jobs", headers=headers)

    assert [msg_id is None for msg_id in ids] == [False] * (count - 10) + [True] * 10
    assert sorted(await fetch_all(sql, SENT)) == list(range(count - 10))


async def test_the_memory_of_a_sender_does_not_grow_with_its_batch(broker: PgmqBroker) -> None:
    await broker.connect()
    body = "x" * 200
    await broker.publish_batch(*[body] * 100, queue="jobs")

    async def peak(count: int) -> int:
        tracemalloc.start()
        try:
            await broker.publish_batch(*[body] * count, queue="jobs")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # What grows are the ids that are returned, and the list of bodies itself.
    assert await peak(8 * STATEMENT_MESSAGES) < 1.5 * await peak(2 * STATEMENT_MESSAGES)


async def test_messages_for_a_queue_in_capitals_go_to_the_same_queue(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    broker = make_broker()
    seen: list[int] = []

    @broker.subscriber("JOBS")
    @broker.publisher("Results")
    async def handle(job: Job) -> int:
        seen.append(job.n)
        return job.n

    await broker.start()
    await broker.publish(Job(n=1), "Jobs")
    await broker.publish(Job(n=2), "jobs")
    await broker.publish_batch(Job(n=3), queue="jobS")
    await until(lambda: len(seen) == 3)
    await eventually(lambda: is_drained(sql))

    assert sorted(await fetch_all(sql, "SELECT message FROM pgmq.q_results")) == [1, 2, 3]


async def test_publishing_to_an_unknown_queue_says_how_to_create_it(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    create = r"no pgmq.q_nowhere.*create_queue\(connection, 'nowhere'\)"
    with pytest.raises(QueueNotFoundError, match=create):
        await broker.publish(1, "nowhere")
    with pytest.raises(QueueNotFoundError, match=create):
        await broker.publish_batch(1, 2, queue="nowhere")
    with pytest.raises(QueueNotFoundError, match=create):
        await broker.publish_batch(*range(STATEMENT_MESSAGES + 1), queue="nowhere")
    async with sql.transaction(force_rollback=True):
        with pytest.raises(QueueNotFoundError, match=create):
            await broker.publish(1, "nowhere", connection=sql)


async def test_what_a_trigger_of_the_callers_lacks_is_not_called_a_missing_queue(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    await sql.execute("""
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO notes SELECT 1; RETURN NULL; END $$;
        CREATE TRIGGER note AFTER INSERT ON pgmq.q_jobs EXECUTE FUNCTION note();
    """)
    with pytest.raises(errors.UndefinedTable, match="notes"):
        await broker.publish(1, "jobs")


async def test_a_key_in_a_queue_that_pgmq_made_says_what_it_lacks(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    await sql.execute("SELECT pgmq.create('bare')")
    assert await broker.publish(1, "bare") == 1
    with pytest.raises(QueueWithoutKeysError, match=r"create_queue\('bare'\)"):
        await broker.publish(1, "bare", dedup_key="k")
    await sql.execute("SELECT faststream_pgmq.create_queue('bare')")
    assert await broker.publish(2, "bare", dedup_key="k") is not None


@pytest.mark.parametrize("name", ["", "q" * 60, "a b", "ü", 'x"; DROP TABLE y; --', "_dlq" * 12])
async def test_a_queue_name_that_cannot_be_is_refused_when_publishing(
    broker: PgmqBroker, name: str
) -> None:
    await broker.connect()
    with pytest.raises(ValueError, match="1 to 43 letters"):
        await broker.publish(1, name)
    with pytest.raises(ValueError, match="1 to 43 letters"):
        await broker.publish_batch(1, queue=name)


async def test_a_message_may_be_sent_to_a_dead_letter_queue_however_long_its_name(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    await sql.execute("SELECT faststream_pgmq.create_queue(%s)", ("q" * 43,))

    assert await broker.publish(1, "q" * 43 + "_dlq") == 1


async def test_a_message_beyond_the_limit_is_refused_and_the_error_says_what_to_do(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    await broker.connect()
    big = "x" * 2_000_000
    with pytest.raises(MessageTooLargeError, match=r"queue 'jobs': 2,000,\d+ bytes.*1,048,576"):
        await broker.publish(big, "jobs")
    with pytest.raises(MessageTooLargeError, match="message 1 of the batch") as error:
        await broker.publish_batch("small", big, queue="jobs")

    assert (error.value.queue, error.value.index, error.value.limit) == ("jobs", 1, 1_048_576)
    assert error.value.size > 2_000_000
    assert await fetch_all(sql, SENT) == []


@pytest.mark.parametrize(("limit", "fits"), [(35, True), (34, False), (None, True)])
async def test_headers_count_and_bytes_are_counted_not_characters(
    make_broker: BrokerFactory, limit: int | None, fits: bool
) -> None:
    broker = make_broker(max_message_bytes=limit)
    await broker.connect()
    sent = broker.publish(["€€€"], "jobs", correlation_id="1")
    if fits:
        assert await sent == 1
    else:
        with pytest.raises(MessageTooLargeError, match="35 bytes"):
            await sent


def test_a_limit_that_lets_nothing_through_is_refused() -> None:
    with pytest.raises(ValueError, match="max_message_bytes must be positive"):
        PgmqBroker(max_message_bytes=0)
