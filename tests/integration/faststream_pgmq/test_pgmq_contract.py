"""What `TestPgmqBroker` promises is what the real broker does: the same cases run on both."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from faststream_pgmq import (
    BatchError,
    DeadLetter,
    MessageTooLargeError,
    PgmqBroker,
    PgmqResponse,
    RetryPolicy,
    TestPgmqBroker,
    UnsendableMessageError,
)
from faststream_pgmq.annotations import PgmqMessage
from faststream_pgmq.memory import StoredMessage
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all, is_drained

FAST = RetryPolicy(max_attempts=2, initial_delay=0.02)


class Abort(BaseException):
    """What a library raises past everybody's `except Exception`."""


class World(Protocol):
    """Queues that a case looks into, whatever they are made of."""

    async def drained(self) -> None: ...
    async def bodies(self, kind: str) -> list[Any]: ...
    async def reports(self) -> list[tuple[Any, str, int]]: ...


class InMemory:
    def __init__(self, test: TestPgmqBroker[Any]) -> None:
        self._test = test

    async def drained(self) -> None:
        for _ in range(10):
            await self._test.advance(60)
        assert self._test.messages("jobs") == []

    async def bodies(self, kind: str) -> list[Any]:
        rows = self._test.archived("jobs") if kind == "archived" else self._results()
        return sorted((row.body for row in rows), key=str)

    def _results(self) -> list[StoredMessage]:
        # Where a publisher sends, FastStream's test brokers put a subscriber that takes it.
        return [*self._test.messages("results"), *self._test.archived("results")]

    async def reports(self) -> list[tuple[Any, str, int]]:
        letters = self._test.dead_letters("jobs")
        reports = [(letter.body, letter.headers["dead_letter"]) for letter in letters]
        return [(body, report["error"], report["attempts"]) for body, report in reports]


class InPostgres:
    def __init__(self, sql: AsyncConnection[TupleRow]) -> None:
        self._sql = sql

    async def drained(self) -> None:
        await eventually(lambda: is_drained(self._sql))

    async def bodies(self, kind: str) -> list[Any]:
        if kind == "archived":
            bodies = await fetch_all(self._sql, "SELECT message FROM pgmq.a_jobs")
        else:
            bodies = await fetch_all(self._sql, "SELECT message FROM pgmq.q_results")
        return sorted(bodies, key=str)

    async def reports(self) -> list[tuple[Any, str, int]]:
        query = """
            SELECT message, headers->'dead_letter'->>'error',
                   (headers->'dead_letter'->>'attempts')::int
            FROM pgmq.q_jobs_dlq ORDER BY msg_id
        """
        return await fetch_all(self._sql, query)


Start = Callable[[PgmqBroker], Any]


@pytest.fixture(params=["memory", "postgres"])
def start(request: pytest.FixtureRequest) -> Start:
    """Starts a broker for the length of a case, and gives its world."""
    sql = request.getfixturevalue("sql") if request.param == "postgres" else None

    @asynccontextmanager
    async def begin(broker: PgmqBroker) -> AsyncGenerator[World]:
        if sql is not None:
            await broker.start()
            yield InPostgres(sql)
            return
        test = TestPgmqBroker(broker, raise_errors=False)
        async with test:
            yield InMemory(test)

    return begin


async def test_success_is_archived_and_its_reply_is_sent(
    make_broker: BrokerFactory, start: Start
) -> None:
    broker = make_broker()

    @broker.subscriber("jobs")
    @broker.publisher("results")
    async def handle(job: Job) -> int:
        return job.n + 1

    async with start(broker) as world:
        assert await broker.publish({"n": 1}, "jobs") == 1
        await world.drained()
        assert await world.bodies("archived") == [{"n": 1}]
        assert await world.bodies("results") == [2]


async def test_failures_are_retried_then_dead_lettered(
    make_broker: BrokerFactory, start: Start
) -> None:
    broker = make_broker()
    attempts: list[int] = []

    @broker.subscriber("jobs", retry=FAST)
    async def handle(job: Job, message: PgmqMessage) -> None:
        attempts.append(message.attempts)
        raise ValueError("no")

    async with start(broker) as world:
        await broker.publish(Job(n=1), "jobs")
        await world.drained()
        assert attempts == [0, 1]
        assert await world.reports() == [({"n": 1}, "ValueError", 2)]


async def test_a_batch_keeps_its_good_messages(make_broker: BrokerFactory, start: Start) -> None:
    broker = make_broker()

    @broker.subscriber("jobs", batch=True, retry=FAST)
    async def handle(jobs: list[Job]) -> None:
        if any(job.n == 2 for job in jobs):
            raise ValueError("two")

    async with start(broker) as world:
        await broker.publish_batch({"n": 1}, {"n": "x"}, {"n": 2}, {"n": 3}, queue="jobs")
        await world.drained()
        assert await world.bodies("archived") == [{"n": 1}, {"n": 3}]
        assert await world.reports() == [
            ({"n": "x"}, "InvalidMessageError", 1),
            ({"n": 2}, "ValueError", 2),
        ]


async def test_a_batch_error_sends_the_replies_of_the_others(
    make_broker: BrokerFactory, start: Start
) -> None:
    broker = make_broker()

    @broker.subscriber("jobs", batch=True, retry=FAST)
    @broker.publisher("results")
    async def handle(jobs: list[Job]) -> list[PgmqResponse]:
        replies = [PgmqResponse(job.n) for job in jobs if job.n]
        bad = {i: DeadLetter("zero") for i, job in enumerate(jobs) if not job.n}
        raise BatchError(bad, replies=replies)

    async with start(broker) as world:
        await broker.publish_batch(Job(n=0), Job(n=1), queue="jobs")
        await world.drained()
        assert await world.reports() == [({"n": 0}, "DeadLetter", 1)]
        assert await world.bodies("results") == [1]


async def test_a_waiting_message_takes_in_another_with_its_key(
    make_broker: BrokerFactory, start: Start
) -> None:
    broker = make_broker()
    async with start(broker) as world:
        await broker.publish(1, "results", dedup_key="k", delay=60)
        assert await broker.publish(2, "results", dedup_key="k", delay=60) is None
        assert await world.bodies("results") == [1]


async def test_a_paused_queue_keeps_its_messages_until_it_is_resumed(
    make_broker: BrokerFactory, start: Start
) -> None:
    broker = make_broker()

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None: ...

    async with start(broker) as world:
        assert await broker.pause_queue("Jobs", reason="one") is True
        assert await broker.pause_queue("jobs", reason="two") is False
        (paused,) = await broker.paused_queues()
        assert (paused.queue, paused.reason) == ("jobs", "two")
        assert await broker.publish(Job(n=1), "jobs") == 1
        assert await world.bodies("archived") == []

        assert await broker.resume_queue("jobs") is True
        assert await broker.resume_queue("jobs") is False
        await world.drained()
        assert await world.bodies("archived") == [{"n": 1}]


async def test_a_message_waits_for_its_moment(make_broker: BrokerFactory, start: Start) -> None:
    broker = make_broker()

    @broker.subscriber("jobs")
    async def handle(job: Job) -> None: ...

    async with start(broker) as world:
        await broker.publish(Job(n=1), "jobs", at=datetime.now(UTC) + timedelta(seconds=0.3))
        assert await world.bodies("archived") == []
        await broker.publish_batch(Job(n=2), queue="jobs", at=datetime(2001, 1, 1, tzinfo=UTC))
        await world.drained()
        assert await world.bodies("archived") == [{"n": 1}, {"n": 2}]


async def test_a_queue_is_the_same_in_capitals(make_broker: BrokerFactory, start: Start) -> None:
    broker = make_broker()

    @broker.subscriber("Jobs")
    @broker.publisher("RESULTS")
    async def handle(job: Job) -> int:
        return job.n

    async with start(broker) as world:
        await broker.publish(Job(n=1), "jobs")
        await broker.publish_batch(Job(n=2), queue="JOBS")
        await world.drained()
        assert await world.bodies("results") == [1, 2]


@pytest.mark.parametrize(
    ("body", "options", "error"),
    [
        ("x" * 2_000_000, {}, MessageTooLargeError),
        ({"a": "b\x00"}, {}, UnsendableMessageError),
        (b'"\\ud800"', {}, UnsendableMessageError),
        (object(), {}, UnsendableMessageError),
        (1, {"headers": {"odd": "\x00"}}, UnsendableMessageError),
        (1, {"headers": {"odd": object()}}, UnsendableMessageError),
        (1, {"queue": "q" * 60}, ValueError),
        (1, {"at": datetime(2030, 1, 1)}, ValueError),
        (1, {"at": datetime(2030, 1, 1, tzinfo=UTC), "delay": 1}, ValueError),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_nothing_of_its_batch_is_sent(
    make_broker: BrokerFactory,
    start: Start,
    body: Any,
    options: dict[str, Any],
    error: type[Exception],
) -> None:
    broker = make_broker()
    options = {"queue": "results", **options}
    async with start(broker) as world:
        with pytest.raises(error):
            await broker.publish(body, **options)
        with pytest.raises(error):
            await broker.publish_batch(1, body, **options)
        assert await world.bodies("results") == []


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (PgmqResponse("x" * 2_000_000), "MessageTooLargeError"),
        (PgmqResponse({"a": "\x00"}), "UnsendableMessageError"),
        (PgmqResponse(1, headers={"odd": object()}), "UnsendableMessageError"),
        (PgmqResponse(1, queue="q" * 60), "ValueError"),
        (BaseExceptionGroup("a library's own", [Abort()]), "BaseExceptionGroup"),
        (Abort(), "Abort"),
    ],
)
async def test_a_handler_that_fails_in_an_odd_way_has_failed(
    make_broker: BrokerFactory, start: Start, bad: Any, error: str
) -> None:
    broker = make_broker()

    @broker.subscriber("jobs", retry=FAST)
    @broker.publisher("results")
    async def handle(job: Job) -> Any:
        if job.n == 0 and isinstance(bad, BaseException):
            raise bad
        return bad if job.n == 0 else job.n

    async with start(broker) as world:
        await broker.publish_batch(Job(n=0), Job(n=1), queue="jobs")
        await world.drained()
        assert await world.reports() == [({"n": 0}, error, 2)]
        assert await world.bodies("results") == [1]


async def test_an_override_gives_one_kind_of_error_attempts_of_its_own(
    make_broker: BrokerFactory, start: Start
) -> None:
    broker = make_broker()
    policy = RetryPolicy(max_attempts=1, overrides={OSError: FAST})

    @broker.subscriber("jobs", retry=policy)
    async def handle(job: Job) -> None:
        raise TimeoutError if job.n else ValueError

    async with start(broker) as world:
        await broker.publish_batch(Job(n=0), Job(n=1), queue="jobs")
        await world.drained()
        assert await world.reports() == [({"n": 0}, "ValueError", 1), ({"n": 1}, "TimeoutError", 2)]


async def test_a_great_batch_is_sent_in_order(make_broker: BrokerFactory, start: Start) -> None:
    broker = make_broker()
    async with start(broker) as world:
        ids = await broker.publish_batch(*range(6_000), queue="results", delay=60)
        assert ids == list(range(1, 6_001))
        assert len(await world.bodies("results")) == 6_000
