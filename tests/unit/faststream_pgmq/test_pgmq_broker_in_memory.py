"""The broker without a server: the test broker, routers, middlewares, the AsyncAPI document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from faststream import BaseMiddleware, Depends
from faststream.specification import AsyncAPI
from pydantic import BaseModel

from faststream_pgmq import (
    Pause,
    PgmqBroker,
    PgmqResponse,
    PgmqRoute,
    PgmqRoutePublisher,
    PgmqRouter,
    TestPgmqBroker,
)


class Job(BaseModel):
    n: int


@pytest.fixture
def broker() -> PgmqBroker:
    return PgmqBroker("postgresql://me:s3cret@db.example:5433/app", logger=None)


async def test_a_handlers_error_comes_out_of_publish(broker: PgmqBroker) -> None:
    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        raise ValueError("seen by the test")

    test = TestPgmqBroker(broker)
    async with test:
        with pytest.raises(ValueError, match="seen by the test"):
            await broker.publish(Job(n=1), "jobs")
        (waiting,) = test.messages("jobs")
    assert waiting.headers["attempts"] == 1


async def test_handlers_and_publishers_record_their_calls(broker: PgmqBroker) -> None:
    @broker.subscriber("jobs")
    @broker.publisher("results")
    async def handle(job: Job) -> Job:
        return Job(n=job.n + 1)

    async with TestPgmqBroker(broker):
        await broker.publish(Job(n=1), "jobs")
        await handle.assert_called_once_with({"n": 1})
        handle.mock.assert_called_once_with({"n": 1})


async def test_a_publisher_object_sends_with_its_own_headers(broker: PgmqBroker) -> None:
    publisher = broker.publisher("jobs", headers={"source": "here"})
    test = TestPgmqBroker(broker)
    async with test:
        await publisher.publish(Job(n=1), delay=60)
        (waiting,) = test.messages("jobs")
    assert waiting.headers["source"] == "here"


async def test_a_publisher_in_capitals_leaves_the_messages_to_their_subscriber(
    broker: PgmqBroker,
) -> None:
    broker.publisher("RESULTS")

    @broker.subscriber("results")
    async def take(n: int) -> None:
        raise Pause("nobody else may take it meanwhile")

    test = TestPgmqBroker(broker)
    async with test:
        await broker.publish(1, "Results")
        assert [row.body for row in test.messages("results")] == [1]


async def test_a_routers_prefix_goes_before_its_queues(broker: PgmqBroker) -> None:
    seen: list[int] = []

    async def handle(job: Job) -> int:
        seen.append(job.n)
        return job.n

    route = PgmqRoute(handle, "jobs", publishers=[PgmqRoutePublisher("results")])
    broker.include_router(PgmqRouter("team_", handlers=[route]))
    test = TestPgmqBroker(broker)
    async with test:
        await broker.publish(Job(n=3), "team_jobs")
        assert [row.body for row in test.archived("team_results")] == [3]
    assert seen == [3]


async def test_dependencies_and_middlewares_take_part(broker: PgmqBroker) -> None:
    log: list[str] = []

    class Logging(BaseMiddleware[Any, Any]):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            log.append(f"consume {msg.raw_message.queue}")
            return await call_next(msg)

        async def publish_scope(self, call_next: Any, cmd: Any) -> Any:
            log.append(f"publish {cmd.destination}")
            return await call_next(cmd)

    def factor() -> int:
        return 10

    broker.add_middleware(Logging)

    @broker.subscriber("jobs")
    @broker.publisher("results")
    async def handle(job: Job, times: int = Depends(factor)) -> list[PgmqResponse]:
        return [PgmqResponse(job.n * times)]

    test = TestPgmqBroker(broker)
    async with test:
        await broker.publish(Job(n=2), "jobs")
        assert [row.body for row in test.archived("results")] == [20]
    assert log == ["publish jobs", "consume jobs", "publish results", "consume results"]


async def test_a_custom_decoder_is_used_and_its_failure_is_a_dead_letter(
    broker: PgmqBroker,
) -> None:
    async def decode(message: Any, original: Any) -> Any:
        if message.body == b"3":
            raise KeyError("the decoder's own trouble")
        return {"n": 40 + await original(message)}

    seen: list[int] = []

    @broker.subscriber("jobs", decoder=decode)
    async def handle(job: Job) -> None:
        seen.append(job.n)

    test = TestPgmqBroker(broker, raise_errors=False)
    async with test:
        await broker.publish(2, "jobs")
        await broker.publish(3, "jobs")
        (letter,) = test.dead_letters("jobs")
    assert seen == [42]
    assert letter.headers["dead_letter"]["message"] == "message: cannot be decoded (KeyError)"


async def test_a_validation_error_of_the_handlers_own_is_a_failure_like_any(
    broker: PgmqBroker,
) -> None:
    @broker.subscriber("jobs")
    async def handle(job: Job) -> None:
        Job.model_validate({"n": "what another service answered"})

    test = TestPgmqBroker(broker, raise_errors=False)
    async with test:
        await broker.publish(Job(n=1), "jobs")
        assert test.dead_letters("jobs") == []
        assert test.messages("jobs")[0].headers["attempts"] == 1


def test_the_asyncapi_document_names_queues_and_hides_the_password(broker: PgmqBroker) -> None:
    @broker.subscriber("jobs")
    @broker.publisher("results")
    async def handle(job: Job) -> Job:
        return job

    document = AsyncAPI(broker).to_specification().to_json()

    assert "postgresql://db.example:5433/app" in document or "db.example:5433" in document
    assert "jobs:Handle" in document
    assert "results" in document
    assert "s3cret" not in document


def test_a_queue_name_that_cannot_be_is_refused_where_it_is_declared(broker: PgmqBroker) -> None:
    with pytest.raises(ValueError, match="60 characters"):
        broker.subscriber("q" * 60)
    with pytest.raises(ValueError, match="60 characters"):
        broker.publisher("q" * 60)
    with pytest.raises(ValueError, match="max_messages"):
        broker.subscriber("jobs", max_messages=0)


async def test_time_that_passes_deletes_what_is_too_old(broker: PgmqBroker) -> None:
    week = timedelta(days=7)

    @broker.subscriber("jobs", archive_retention=week, dead_letter_retention=2 * week)
    async def handle(job: Job) -> None: ...

    test = TestPgmqBroker(broker, raise_errors=False)
    async with test:
        await broker.publish(Job(n=1), "jobs")
        await broker.publish("no job", "jobs")
        await test.advance(6 * 86_400)
        assert (len(test.archived("jobs")), len(test.dead_letters("jobs"))) == (1, 1)
        await test.advance(86_400)
        assert (len(test.archived("jobs")), len(test.dead_letters("jobs"))) == (0, 1)
        await test.advance(7 * 86_400)
        assert test.dead_letters("jobs") == []


async def test_a_prefix_given_at_the_inclusion_goes_before_queues_too() -> None:
    seen: list[int] = []
    router, broker = PgmqRouter(), PgmqBroker()

    @router.subscriber("jobs")
    async def handle(n: int) -> None:
        seen.append(n)

    broker.include_router(router, prefix="test_")
    async with TestPgmqBroker(broker):
        await broker.publish(1, "test_jobs")
    assert seen == [1]
