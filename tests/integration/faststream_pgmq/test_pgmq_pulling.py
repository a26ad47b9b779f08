"""Subscribers without a handler: `get_one` and `async for`, on real Postgres and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from faststream import BaseMiddleware
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBatchMessage, PgmqBroker, PgmqMessage, TestPgmqBroker
from tests.integration.faststream_pgmq.conftest import BrokerFactory
from tests.integration.faststream_pgmq.support import eventually, fetch_all

Start = Callable[[PgmqBroker], Any]


@pytest.fixture(params=["memory", "postgres"])
def start(request: pytest.FixtureRequest) -> Start:
    """Starts a broker for the length of a case."""

    @asynccontextmanager
    async def begin(broker: PgmqBroker) -> AsyncGenerator[None]:
        if request.param == "postgres":
            await broker.start()
            yield
            return
        async with TestPgmqBroker(broker):
            yield

    return begin


async def test_get_one_returns_a_message_that_its_caller_acknowledges(
    broker: PgmqBroker, start: Start
) -> None:
    subscriber = broker.subscriber("jobs")
    async with start(broker):
        await broker.publish({"n": 1}, "jobs", headers={"a": "b"})
        message = await subscriber.get_one(timeout=5)
        assert isinstance(message, PgmqMessage)
        assert (await message.decode(), message.headers["a"]) == ({"n": 1}, "b")
        await message.ack()
        assert await subscriber.get_one(timeout=0.01) is None


async def test_get_one_wakes_when_a_message_comes(broker: PgmqBroker, start: Start) -> None:
    subscriber = broker.subscriber("jobs")
    async with start(broker):
        getting = asyncio.create_task(subscriber.get_one(timeout=10))
        await asyncio.sleep(0)
        await broker.publish("late", "jobs")
        message = await getting
        assert message is not None
        assert await message.decode() == "late"


async def test_get_one_of_a_batch_subscriber_returns_what_is_due(
    broker: PgmqBroker, start: Start
) -> None:
    subscriber = broker.subscriber("jobs", batch=True, max_messages=2)
    async with start(broker):
        await broker.publish_batch(1, 2, 3, queue="jobs")
        message = await subscriber.get_one(timeout=5)
        assert isinstance(message, PgmqBatchMessage)
        assert await message.decode() == [1, 2]
        await message.ack()
        rest = await subscriber.get_one(timeout=5)
        assert rest is not None
        assert await rest.decode() == [3]


async def test_a_message_that_was_nacked_comes_again(broker: PgmqBroker, start: Start) -> None:
    subscriber = broker.subscriber("jobs")
    async with start(broker):
        await broker.publish("x", "jobs")
        first = await subscriber.get_one(timeout=5)
        assert isinstance(first, PgmqMessage)
        await first.nack(delay=0)
        second = await subscriber.get_one(timeout=5)
        assert isinstance(second, PgmqMessage)
        assert (second.attempts, second.read_ct) == (1, 2)


async def test_messages_are_iterated_in_order_as_they_come(
    broker: PgmqBroker, start: Start
) -> None:
    subscriber = broker.subscriber("jobs")
    seen: list[Any] = []

    async def iterate() -> None:
        async for message in subscriber:
            seen.append(await message.decode())
            await message.ack()
            if len(seen) == 3:
                break

    async with start(broker):
        iterating = asyncio.create_task(iterate())
        for n in range(3):
            await broker.publish(n, "jobs")
        await asyncio.wait_for(iterating, 10)
    assert seen == [0, 1, 2]


async def test_batches_are_iterated(broker: PgmqBroker, start: Start) -> None:
    subscriber = broker.subscriber("jobs", batch=True, max_messages=2)
    seen: list[Any] = []
    async with start(broker):
        await broker.publish_batch(1, 2, 3, queue="jobs")
        async for batch in subscriber:
            seen.append(await batch.decode())
            await batch.ack()
            if len(seen) == 2:
                break
    assert seen == [[1, 2], [3]]


async def test_what_is_pulled_passes_middlewares_parser_and_decoder(
    make_broker: BrokerFactory, start: Start
) -> None:
    class Louder(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            msg.headers["louder"] = True
            return await call_next(msg)

    async def parse(raw: Any, original: Any) -> Any:
        message = await original(raw)
        message.headers["parsed"] = True
        return message

    async def decode(message: Any) -> str:
        return message.body.decode().upper()

    broker = make_broker(middlewares=[Louder], parser=parse, decoder=decode)
    subscriber = broker.subscriber("jobs")
    async with start(broker):
        await broker.publish("x", "jobs")
        message = await subscriber.get_one(timeout=5)
    assert message is not None
    assert await message.decode() == "X"
    assert message.headers["parsed"] is True


async def test_a_subscriber_with_a_handler_is_not_pulled_from(broker: PgmqBroker) -> None:
    subscriber = broker.subscriber("jobs")

    @subscriber
    async def handle(body: str) -> None: ...

    with pytest.raises(AssertionError, match="read by a handler"):
        await subscriber.get_one()


async def test_an_iteration_survives_the_loss_of_its_listener_and_ends_with_it(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    subscriber = broker.subscriber("jobs")
    await broker.start()
    listening = """
        SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)
    """
    seen: list[Any] = []

    async def iterate() -> None:
        async for message in subscriber:
            seen.append(await message.decode())
            await message.ack()
            if len(seen) == 2:
                break

    iterating = asyncio.create_task(iterate())
    (pid, *_) = await eventually(lambda: fetch_all(sql, listening))
    await sql.execute("SELECT pg_terminate_backend(%s)", [pid])
    await broker.publish("one", "jobs")
    await broker.publish("two", "jobs")
    await asyncio.wait_for(iterating, 10)
    assert seen == ["one", "two"]

    async def is_gone() -> bool:
        return not await fetch_all(sql, listening)

    await eventually(is_gone)
