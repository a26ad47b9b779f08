"""A key may ask so much a minute, of all replicas of the API together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.api.rate_limits import BURST_SECONDS, RateLimits
from shared.errors import RateLimitedError
from shared.postgres.api_keys import ApiKey, create_key, find_key
from tests.integration.api.conftest import Client
from tests.integration.api.told_problems import read_problem

Conn = AsyncConnection[TupleRow]


async def make_key(conn: Conn, requests_per_minute: int | None = None) -> tuple[str, ApiKey]:
    key = await create_key(
        conn,
        workspace_id=f"team:{uuid4()}",
        user_id=uuid4(),
        name="busy",
        requests_per_minute=requests_per_minute,
    )
    found = await find_key(conn, key)
    assert found is not None
    return key, found


@asynccontextmanager
async def replica(database: str, requests_per_minute: int = 6000) -> AsyncGenerator[RateLimits]:
    """What one process of the API knows of limits."""
    pool: AsyncConnectionPool[Conn] = AsyncConnectionPool(database, min_size=1, open=False)
    async with pool:
        yield RateLimits(pool, requests_per_minute=requests_per_minute)


async def spend(limits: RateLimits, key: ApiKey, requests: int) -> int:
    """Return how many of the requests are allowed."""
    allowed = 0
    for _ in range(requests):
        try:
            await limits.take(key)
            allowed += 1
        except RateLimitedError:
            pass
    return allowed


async def test_two_replicas_together_allow_no_more_than_one_would(
    database: str, conn: Conn
) -> None:
    _, key = await make_key(conn, requests_per_minute=60)
    async with replica(database) as one, replica(database) as other:
        started = time.monotonic()
        allowed = sum(await asyncio.gather(spend(one, key, 40), spend(other, key, 40)))
        refilled = time.monotonic() - started
    assert BURST_SECONDS - 1 <= allowed <= BURST_SECONDS + refilled + 1


async def test_a_refused_key_may_ask_again_when_it_was_told(database: str, conn: Conn) -> None:
    _, key = await make_key(conn, requests_per_minute=300)
    async with replica(database) as limits:
        with pytest.raises(RateLimitedError, match="300 requests a minute") as refused:
            await asyncio.gather(*(limits.take(key) for _ in range(300)))
        assert 0 < refused.value.wait_seconds <= 1 / 5
        await asyncio.sleep(refused.value.wait_seconds)
        await limits.take(key)


async def test_many_requests_at_once_lose_nothing(database: str, conn: Conn) -> None:
    _, key = await make_key(conn, requests_per_minute=6000)
    async with replica(database) as limits:
        await asyncio.gather(*(limits.take(key) for _ in range(500)))
    row = await (await conn.execute("SELECT tokens FROM rate_limits")).fetchone()
    assert row is not None
    assert row[0] >= 1000 - 500 - 25


async def test_the_limit_of_one_key_is_not_that_of_another(database: str, conn: Conn) -> None:
    _, small = await make_key(conn, requests_per_minute=6)
    _, other = await make_key(conn)
    async with replica(database) as limits:
        assert await spend(limits, small, 5) == 1
        assert await spend(limits, other, 5) == 5


async def test_a_client_over_its_limit_is_told_when_to_come_again(app: FastAPI, conn: Conn) -> None:
    key, _ = await make_key(conn, requests_per_minute=6)
    headers = {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api.test", headers=headers
    ) as http:
        assert (await http.get("/api/jobs")).status_code == 200
        refused = await http.post("/api/ingest/memory", content=b"{ not json")
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert read_problem(refused) == {"error": "this API key may make 6 requests a minute"}


async def test_an_unknown_key_takes_nothing_from_anybody(client: Client, conn: Conn) -> None:
    stranger = {"Authorization": "Bearer sst_unknown"}
    assert (await client.http.get("/api/jobs", headers=stranger)).status_code == 401
    row = await (await conn.execute("SELECT count(*) FROM rate_limits")).fetchone()
    assert row == (0,)
