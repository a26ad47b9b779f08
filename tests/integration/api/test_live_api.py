"""Streams of live updates, over a real server and a real listener connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import LiteralString

import httpx
import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.app import end_streams
from services.api.live.streams import MOST_STREAMS_OF_KEY, Streams
from services.api.parts import ApiParts
from shared.postgres.api_keys import hash_key
from shared.postgres.live import tell
from tests.integration.api.conftest import Client
from tests.integration.api.serving import DEADLINE_SECONDS, open_stream, serving

Conn = AsyncConnection[TupleRow]
LISTENERS: LiteralString = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'supastate-live'
"""
KILL_LISTENER: LiteralString = f"SELECT pg_terminate_backend(pid) FROM ({LISTENERS}) AS listener"
QUIET = "/api/live?topics=patterns"
"""Nothing but the test itself tells of it."""
SESSIONS: LiteralString = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    """A started server that hears of changes."""
    parts: ApiParts = app.state.parts
    await until(lambda: parts.live.is_connected)
    async with serving(app) as address:
        yield address
        end_streams(app)


async def until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.01)


async def ask(url: str, key: str, topics: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        headers = {"Authorization": f"Bearer {key}"}
        return await http.get("/api/live", params={"topics": topics}, headers=headers)


async def test_a_client_hears_of_the_topics_it_asked_for(
    url: str, client: Client, conn: Conn
) -> None:
    async with open_stream(url, client.key, "/api/live?topics=queues,jobs") as stream:
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        assert await stream.next() == ("connected", "{}")
        for topic in ("patterns", "queues"):
            await tell(conn, topic)
        assert await stream.next() == ("queues", "{}")


async def test_a_topic_that_changes_often_is_told_four_times_a_second(
    url: str, client: Client, conn: Conn
) -> None:
    async with open_stream(url, client.key, "/api/live?topics=queues,operations") as stream:
        await stream.next()
        started = time.monotonic()
        for _ in range(100):
            await tell(conn, "queues")
        seconds = time.monotonic() - started
        await tell(conn, "operations")
        told = 0
        while (await stream.next())[0] == "queues":
            told += 1
    assert 1 <= told <= 2 + seconds / 0.25


async def test_a_killed_listener_is_told_and_so_is_its_return(
    url: str, client: Client, conn: Conn
) -> None:
    async with open_stream(url, client.key, QUIET) as stream:
        assert (await stream.next())[0] == "connected"
        await conn.execute(KILL_LISTENER)
        assert [(await stream.next())[0] for _ in range(3)] == [
            "disconnected",
            "connected",
            "resync",
        ]
        await tell(conn, "patterns")
        assert (await stream.next())[0] == "patterns"


async def test_any_number_of_streams_needs_one_connection_that_listens(
    url: str, client: Client, conn: Conn
) -> None:
    before = await count(conn)
    async with AsyncExitStack() as opened:
        for _ in range(40):
            stream = await opened.enter_async_context(open_stream(url, client.key))
            await stream.next()
        assert len(await (await conn.execute(LISTENERS)).fetchall()) == 1
        assert await count(conn) - before < 10  # the pools may have grown


async def count(conn: Conn) -> int:
    row = await (await conn.execute(SESSIONS)).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_revoked_keys_stream_ends(url: str, client: Client, conn: Conn) -> None:
    async with open_stream(url, client.key, QUIET) as stream:
        await stream.next()
        revoke = "UPDATE api_keys SET revoked_at = now() WHERE key_hash = %s"
        await conn.execute(revoke, (hash_key(client.key),))
        assert await stream.is_ended()


async def test_a_stream_ends_after_its_time_so_that_who_reads_it_is_looked_at_anew(
    url: str, app: FastAPI, client: Client
) -> None:
    parts: ApiParts = app.state.parts
    brief = Streams(parts.keys, longest=0.0)
    object.__setattr__(parts, "streams", brief)  # frozen for everybody else
    async with brief.checked(), open_stream(url, client.key, QUIET) as stream:
        await stream.next()
        assert await stream.is_ended()


async def test_a_client_that_leaves_is_forgotten(url: str, app: FastAPI, client: Client) -> None:
    parts: ApiParts = app.state.parts
    async with open_stream(url, client.key, QUIET) as stream:
        await stream.next()
        assert parts.live.readers("patterns") == 1
    await until(lambda: parts.live.readers("patterns") == 0)


async def test_a_stopping_server_ends_its_streams(url: str, app: FastAPI, client: Client) -> None:
    async with open_stream(url, client.key, QUIET) as stream:
        await stream.next()
        end_streams(app)
        assert await stream.is_ended()
    async with open_stream(url, client.key, QUIET) as late:
        await late.skip_to("connected")
        assert await late.is_ended()


@pytest.mark.parametrize("topics", ["", "queues,x", "jobs;queues", ",,"])
async def test_topics_that_are_none_are_refused(url: str, client: Client, topics: str) -> None:
    answer = await ask(url, client.key, topics)

    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "topics"


@pytest.mark.parametrize(("most", "most_of_key", "status"), [(9, 1, 429), (1, 9, 503)])
async def test_too_many_streams_are_refused_and_told_when_to_try_again(
    url: str, app: FastAPI, client: Client, most: int, most_of_key: int, status: int
) -> None:
    parts: ApiParts = app.state.parts
    narrow = Streams(parts.keys, most, most_of_key)
    object.__setattr__(parts, "streams", narrow)  # frozen for everybody else
    async with open_stream(url, client.key, QUIET) as stream:
        await stream.next()
        answer = await ask(url, client.key, "jobs")
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "10")
    assert MOST_STREAMS_OF_KEY >= 50
