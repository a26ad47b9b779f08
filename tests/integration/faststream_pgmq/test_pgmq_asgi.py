"""FastStream's own ASGI application: health, the AsyncAPI page, publishing from a route."""

from __future__ import annotations

from typing import Any

import httpx
from faststream.asgi import AsgiFastStream, AsgiResponse, get, make_ping_asgi
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from faststream_pgmq import PgmqBroker
from tests.integration.faststream_pgmq.support import Job, eventually, fetch_all


async def test_an_asgi_application_says_whether_postgres_answers_and_shows_its_queues(
    broker: PgmqBroker, sql: AsyncConnection[Any], dsn: str
) -> None:
    @broker.subscriber("jobs")
    async def take(job: Job) -> None: ...

    @get
    async def send(scope: Any) -> AsgiResponse:
        await broker.publish({"n": 1}, "jobs")
        return AsgiResponse(b"sent", 202)

    health = make_ping_asgi(broker, timeout=2)
    app = AsgiFastStream(
        broker, asgi_routes=[("/health", health), ("/send", send)], asyncapi_path="/docs"
    )
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://jobs")

    async def is_healthy() -> bool:
        return (await client.get("/health")).status_code == 204

    async with client:
        assert (await client.get("/health")).status_code == 500
        async with app.start_lifespan_context():
            await eventually(is_healthy)
            assert (await client.get("/send")).status_code == 202
            await eventually(lambda: fetch_all(sql, "SELECT 1 FROM pgmq.a_jobs"))
            page = (await client.get("/docs")).text
        assert (await client.get("/health")).status_code == 500
    assert "jobs:Take" in page
    assert str(conninfo_to_dict(dsn)["password"]) not in page
