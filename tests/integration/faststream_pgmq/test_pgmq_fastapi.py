"""A FastAPI application with queues: on real Postgres, and in memory."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Header
from fastapi.routing import APIRoute
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from faststream_pgmq import PgmqResponse, TestPgmqBroker
from faststream_pgmq import PgmqRouter as BrokerRouter
from faststream_pgmq.fastapi import (
    ContextRepo,
    Logger,
    PgmqBatchMessage,
    PgmqBroker,
    PgmqMessage,
    PgmqRouter,
)
from tests.integration.faststream_pgmq.support import (
    NEVER,
    Job,
    dead_letters,
    eventually,
    fetch_all,
    until,
)

Serve = Callable[[PgmqRouter], Any]


@pytest.fixture
def router(dsn: str) -> PgmqRouter:
    return PgmqRouter(dsn, poll_interval=NEVER)


@asynccontextmanager
async def serving(router: PgmqRouter) -> AsyncGenerator[httpx.AsyncClient]:
    """An application that has started, until it has stopped."""
    app = FastAPI(title="Jobs")
    app.include_router(router)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app) as state,
        httpx.AsyncClient(transport=transport, base_url="http://jobs") as client,
    ):
        # As a server does: what the lifespan yields becomes each request's state.
        app.state.lifespan = state
        yield client


@pytest.fixture(params=["memory", "postgres"])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Serves an application for the length of a case."""

    @asynccontextmanager
    async def begin(router: PgmqRouter) -> AsyncGenerator[httpx.AsyncClient]:
        if request.param == "postgres":
            async with serving(router) as client:
                yield client
            return
        async with (
            TestPgmqBroker(router.broker, raise_errors=False),
            serving(router) as client,
        ):
            yield client

    return begin


def factor() -> int:
    return 10


async def test_a_request_to_the_application_asks_a_handler_and_returns_its_answer(
    router: PgmqRouter, serve: Serve
) -> None:
    @router.subscriber("jobs")
    async def multiply(job: Job, by: Annotated[int, Depends(factor)]) -> dict[str, int]:
        return {"n": job.n * by}

    @router.post("/jobs")
    async def ask(job: Job) -> Any:
        return await (await router.broker.request(job, "jobs", timeout=5)).decode()

    async with serve(router) as client:
        answered = await client.post("/jobs", json={"n": 4})
    assert answered.json() == {"n": 40}


async def test_a_handler_gets_what_it_annotates(router: PgmqRouter, serve: Serve) -> None:
    seen: list[Any] = []

    @router.subscriber("jobs")
    async def look(
        n: int,
        message: PgmqMessage,
        broker: PgmqBroker,
        logger: Logger,
        context: ContextRepo,
        color: Annotated[str, Header()],
    ) -> None:
        same = context is router.context and broker is router.broker
        seen.append((n, message.queue, same, callable(logger.info), color))

    async with serve(router):
        await router.broker.publish({"n": 1}, "jobs", headers={"color": "red"})
        await until(lambda: seen)
    assert seen == [(1, "jobs", True, True, "red")]


async def test_endpoints_publish_as_decorators_and_as_objects(
    router: PgmqRouter, serve: Serve
) -> None:
    seen: list[Any] = []
    publisher = router.publisher("jobs")

    @router.subscriber("jobs")
    @router.publisher("results", headers={"by": "jobs"})
    def add_one(job: Job) -> Job:
        return Job(n=job.n + 1)

    @router.subscriber("results")
    async def take(job: Job, message: PgmqMessage) -> None:
        seen.append((job.n, message.headers["by"]))

    async with serve(router):
        await publisher.publish({"n": 1})
        await until(lambda: seen)
    assert seen == [(2, "jobs")]


async def test_a_list_of_responses_is_one_message_for_each(
    router: PgmqRouter, serve: Serve
) -> None:
    seen: list[Any] = []

    @router.subscriber("jobs", batch=True)
    @router.publisher("results")
    async def split(jobs: list[Job], message: PgmqBatchMessage) -> list[PgmqResponse]:
        return [PgmqResponse(job, headers={"at": at}) for at, job in enumerate(jobs)]

    @router.subscriber("results")
    def take(job: Job, message: PgmqMessage) -> None:
        seen.append((job.n, message.headers["at"]))

    async with serve(router):
        await router.broker.publish_batch({"n": 5}, {"n": 6}, queue="jobs")
        await until(lambda: len(seen) == 2)
    assert sorted(seen) == [(5, 0), (6, 1)]


async def test_an_invalid_message_is_dead_lettered_at_once_without_its_content(
    router: PgmqRouter, sql: AsyncConnection[Any]
) -> None:
    @router.subscriber("jobs")
    async def take(job: Job) -> None: ...

    async with serving(router):
        await router.broker.publish({"n": "a secret"}, "jobs")
        ((body, headers),) = await eventually(lambda: dead_letters(sql))
    assert body == {"n": "a secret"}
    letter = headers["dead_letter"]
    assert letter["message"].startswith("n: Input should be a valid integer")
    assert letter["attempts"] == 1
    assert "secret" not in json.dumps(headers)


async def test_an_invalid_message_of_a_batch_spares_its_mates(
    router: PgmqRouter, sql: AsyncConnection[Any]
) -> None:
    seen: list[int] = []

    @router.subscriber("jobs", batch=True)
    async def take(jobs: list[Job]) -> None:
        seen.extend(job.n for job in jobs)

    async with serving(router):
        await router.broker.publish_batch({"n": 1}, {"n": "x"}, {"n": 3}, queue="jobs")
        await until(lambda: len(seen) == 2)
        ((body, headers),) = await eventually(lambda: dead_letters(sql))
    assert (seen, body) == ([1, 3], {"n": "x"})
    assert headers["dead_letter"]["message"].startswith("n: Input should be")


async def test_a_router_of_the_broker_is_included_with_its_prefix(
    router: PgmqRouter, serve: Serve
) -> None:
    seen: list[int] = []
    own = BrokerRouter(prefix="jo")

    @own.subscriber("bs")
    async def take(job: Job, by: Annotated[int, Depends(factor)]) -> None:
        seen.append(job.n * by)

    router.include_router(own)
    async with serve(router):
        await router.broker.publish({"n": 2}, "jobs")
        await until(lambda: seen)
    assert seen == [20]


async def test_the_application_starts_and_stops_the_broker(
    router: PgmqRouter, sql: AsyncConnection[Any]
) -> None:
    hooks: list[str] = []
    router.after_startup(lambda _: hooks.append("started"))
    router.on_broker_shutdown(lambda _: hooks.append("stopping"))

    @router.subscriber("jobs")
    async def take(job: Job) -> None: ...

    async with serving(router):
        assert await router.broker.ping()
    assert hooks == ["started", "stopping"]
    assert not await router.broker.ping()
    others = """
        SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type LIKE 'cl%'
    """

    async def are_gone() -> bool:
        return not await fetch_all(sql, others)

    await eventually(are_gone)


async def test_a_response_model_decides_what_is_published(
    router: PgmqRouter, sql: AsyncConnection[Any]
) -> None:
    @router.subscriber("jobs", response_model=Job)
    @router.publisher("results")
    async def extend(job: Job) -> Any:
        return {"n": job.n, "private": True}

    async with serving(router):
        await router.broker.publish({"n": 1}, "jobs")
        await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.q_results"))
    assert await fetch_all(sql, "SELECT message FROM pgmq.q_results") == [{"n": 1}]


async def test_the_asyncapi_page_shows_the_queues_and_no_password(
    router: PgmqRouter, dsn: str
) -> None:
    @router.subscriber("jobs")
    async def take(job: Job) -> None: ...

    password = str(conninfo_to_dict(dsn)["password"])
    async with serving(router) as client:
        page = (await client.get("/asyncapi")).text
        document = (await client.get("/asyncapi.json")).json()
        yaml = (await client.get("/asyncapi.yaml")).text
    assert document["info"]["title"] == "Jobs"
    assert [one["address"] for one in document["channels"].values()] == ["jobs"]
    assert "jobs" in page
    assert password not in page + json.dumps(document) + yaml


async def test_a_message_is_tried_out_on_the_asyncapi_page(router: PgmqRouter) -> None:
    seen: list[int] = []

    @router.subscriber("jobs")
    async def take(job: Job) -> None:
        seen.append(job.n)

    tried = {
        "channelName": "jobs:Take",
        "message": {"message": {"n": 3}},
        "options": {"sendToRealBroker": False},
    }
    async with serving(router) as client:
        answered = await client.post("/asyncapi/try", json=tried)
        assert (answered.status_code, answered.json()) == (200, "ok")
        assert seen == [3]
        # The application goes on with its real queues.
        assert await router.broker.publish({"n": 4}, "jobs") == 1
        await until(lambda: len(seen) == 2)
        assert await (await router.broker.request({"n": 5}, "jobs", timeout=5)).decode() is None


def test_the_router_keeps_its_http_routes_apart(router: PgmqRouter) -> None:
    @router.get("/health")
    async def health() -> str:
        return "ok"

    paths = [route.path for route in router.routes if isinstance(route, APIRoute)]
    assert paths == ["/health"]
