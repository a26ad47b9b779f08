"""Subscribers by groups, as their handlers see them: several consumers, failures, nobody polls."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker, RetryPolicy, create_queue
from faststream_pgmq.annotations import PgmqMessage
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, eventually, is_drained, until

SOON = RetryPolicy(max_attempts=50, initial_delay=0.01, max_delay=0.02)
FILL = """
    INSERT INTO pgmq.q_jobs (vt, message, headers)
    SELECT now(), jsonb_build_object('n', n), '{"group": "big"}' FROM generate_series(1, %s) AS n
"""


@pytest.fixture(autouse=True)
async def grouped(sql: AsyncConnection[Any]) -> None:
    """Let the queue `jobs` be read by groups."""
    await create_queue(sql, "jobs", groups="fair")
    await create_queue(sql, "jobs", groups="ordered")


class Crowd:
    """Who is being served, and how many of each group there ever were at a time."""

    def __init__(self) -> None:
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.done: list[tuple[str, int]] = []

    async def serve(self, group: str, n: int) -> None:
        self.now[group] += 1
        self.most[group] = max(self.most[group], self.now[group])
        await asyncio.sleep(0.002)
        self.now[group] -= 1
        self.done.append((group, n))


def group_of(message: PgmqMessage) -> str:
    return str(message.headers["group"])


async def send(broker: PgmqBroker, count: int, groups: str) -> None:
    for group in groups:
        jobs = [Job(n=n) for n in range(count)]
        await broker.publish_batch(*jobs, queue="jobs", group=group)


async def started(make: Callable[[], PgmqBroker], count: int) -> list[PgmqBroker]:
    brokers = [make() for _ in range(count)]
    for broker in brokers:
        await broker.start()
    return brokers


async def test_a_full_group_delays_another_by_one_batch_at_most(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    batches: list[list[int]] = []
    came = asyncio.Event()

    @broker.subscriber("jobs", batch=True, max_messages=100, fair=True)
    async def handle(jobs: list[Job]) -> None:
        batches.append([job.n for job in jobs])
        if len(batches) == 3:
            await broker.publish(Job(n=-1), "jobs", group="small")
        if -1 in batches[-1]:
            came.set()

    await sql.execute(FILL, (100_000,))
    await broker.start()
    await asyncio.wait_for(came.wait(), 30)
    await broker.stop()
    assert [index for index, batch in enumerate(batches) if -1 in batch] == [3]


async def test_no_group_is_served_more_often_at_a_time_than_its_limit(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    crowd = Crowd()

    def make() -> PgmqBroker:
        broker = make_broker()

        @broker.subscriber("jobs", max_per_group=3, max_workers=8)
        async def handle(job: Job, message: PgmqMessage) -> None:
            await crowd.serve(group_of(message), job.n)

        return broker

    brokers = await started(make, 3)
    await send(brokers[0], 60, "abcd")
    await eventually(lambda: is_drained(sql), 30)
    assert max(crowd.most.values()) == 3
    assert len(crowd.done) == 240


async def test_the_order_of_a_group_outlives_failures_and_several_consumers(
    make_broker: BrokerFactory, sql: AsyncConnection[Any]
) -> None:
    crowd, failed = Crowd(), set[tuple[str, int]]()

    def make() -> PgmqBroker:
        broker = make_broker()

        @broker.subscriber("jobs", ordered=True, max_workers=4, retry=SOON)
        async def handle(job: Job, message: PgmqMessage) -> None:
            key = (group_of(message), job.n)
            if job.n % 7 == 3 and key not in failed:
                failed.add(key)
                raise ValueError("once")
            await crowd.serve(*key)

        return broker

    brokers = await started(make, 3)
    await send(brokers[0], 40, "abcde")
    await eventually(lambda: is_drained(sql), 60)
    for group in "abcde":
        assert [n for name, n in crowd.done if name == group] == list(range(40))
    assert set(crowd.most.values()) == {1}
    assert len(failed) == 30


async def test_the_end_of_one_message_wakes_who_sleeps_for_the_next_of_its_group(
    make_broker: BrokerFactory,
) -> None:
    seen: list[tuple[int, int]] = []
    first_runs, go_on = asyncio.Event(), asyncio.Event()

    def make(number: int) -> PgmqBroker:
        broker = make_broker()

        @broker.subscriber("jobs", ordered=True)
        async def handle(job: Job) -> None:
            seen.append((number, job.n))
            if job.n == 0:
                first_runs.set()
                await go_on.wait()

        return broker

    one, two = make(1), make(2)
    await one.start()
    await send(one, 2, "a")
    await asyncio.wait_for(first_runs.wait(), 10)
    await two.start()
    go_on.set()
    await until(lambda: len(seen) == 2)
    assert [n for _, n in seen] == [0, 1]


@pytest.mark.parametrize("options", [{"max_per_group": 0}, {"ordered": True, "max_per_group": 2}])
def test_arguments_that_contradict_each_other_are_refused(
    broker: PgmqBroker, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="max_per_group"):
        broker.subscriber("jobs", **options)
