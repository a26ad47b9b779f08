"""Rows and messages exist together or not at all; servers that are down are named."""

from __future__ import annotations

import asyncio
import time
from typing import LiteralString
from uuid import uuid4

import httpx
import psycopg
from fastapi import FastAPI
from opentelemetry.sdk.trace import TracerProvider
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr

from services.api.app import create_app
from shared.postgres.memories import FIND_MEMORY_IDS
from shared.settings import Settings
from tests.integration.api.conftest import Client
from tests.integration.api.told_problems import read_problem

Conn = AsyncConnection[TupleRow]
WAITING: LiteralString = """
(SELECT FROM pg_stat_activity
 WHERE wait_event_type = 'Lock' AND datname = current_database()) AS waiting
"""
CHUNK = {"chunkId": "c1", "content": "fix the parser"}


async def count(conn: Conn, table: LiteralString) -> int:
    row = await (await conn.execute("SELECT count(*) FROM " + table)).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_message_that_cannot_be_sent_leaves_no_row_and_no_job(
    client: Client, conn: Conn
) -> None:
    await conn.execute("ALTER TABLE pgmq.q_memory_ingestion RENAME TO q_away")

    answer = await client.send_chunks(CHUNK)

    assert answer.status_code == 500
    assert list(read_problem(answer)) == ["error"]
    assert (await count(conn, "memories"), await count(conn, "jobs")) == (0, 0)


async def test_a_row_that_cannot_be_written_leaves_no_message(client: Client, conn: Conn) -> None:
    await conn.execute("ALTER TABLE memories ADD CHECK (content <> 'refused by the table')")

    answer = await client.send_chunks(CHUNK, {"chunkId": "c2", "content": "refused by the table"})

    assert answer.status_code == 500
    assert (await count(conn, "memories"), await count(conn, "pgmq.q_memory_ingestion")) == (0, 0)


async def test_a_job_that_cannot_be_noted_leaves_neither(client: Client, conn: Conn) -> None:
    await conn.execute("ALTER TABLE jobs ADD CHECK (kind <> 'memory')")

    assert (await client.send_chunks(CHUNK)).status_code == 500
    assert (await count(conn, "memories"), await count(conn, "pgmq.q_memory_ingestion")) == (0, 0)


async def test_requests_that_meet_in_their_rows_wait_instead_of_deadlocking(
    client: Client, conn: Conn, database: str
) -> None:
    async with await AsyncConnection.connect(database) as other:
        first = await client.send_chunks(CHUNK)
        await other.execute("SELECT FROM memories FOR UPDATE")
        waiting = asyncio.create_task(client.send_chunks({**CHUNK, "content": "changed"}))
        await until_somebody_waits(conn)
        await other.commit()
        second = await asyncio.wait_for(waiting, timeout=10)

    assert second.json()["results"][0]["id"] == first.json()["results"][0]["id"]
    assert second.json()["queued"] == 1


async def until_somebody_waits(conn: Conn) -> None:
    deadline = time.monotonic() + 10
    while await count(conn, WAITING) == 0:
        assert time.monotonic() < deadline, "nobody waits for the lock"
        await asyncio.sleep(0.01)


async def test_finding_unchanged_chunks_uses_their_index(conn: Conn) -> None:
    workspace_id = f"team:{uuid4()}"
    await conn.execute(
        """INSERT INTO memories (
               workspace_id, user_id, chunk_id, content, content_hash, occurred_at)
           SELECT %s, gen_random_uuid(), n::text, 'x', 'x', now()
           FROM generate_series(1, 5000) AS n""",
        [workspace_id],
    )
    await conn.execute("ANALYZE memories")

    values = {"workspace_id": workspace_id, "chunk_ids": ["1", "2"]}
    plan = str(await (await conn.execute("EXPLAIN " + FIND_MEMORY_IDS, values)).fetchall())

    assert "memories_one_per_chunk" in plan


async def test_when_postgres_is_down_requests_are_told_to_come_back(
    client: Client, stranger: httpx.AsyncClient, database: str, postgres_dsn: str
) -> None:
    assert (await client.send_chunks(CHUNK)).status_code == 202
    name = conninfo_to_dict(database)["dbname"]
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        shut = SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        admin.execute(shut.format(Identifier(str(name)), SQL("false")))
        try:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            answer = await client.send_chunks(CHUNK)
            ready = await stranger.get("/health/ready")
        finally:
            admin.execute(shut.format(Identifier(str(name)), SQL("true")))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert read_problem(answer) == {"error": "Postgres does not answer; try again"}
    assert ready.status_code == 503
    assert [detail["field"] for detail in read_problem(ready)["details"]] == ["Postgres"]


async def test_readiness_names_neo4j_when_it_is_down(database: str) -> None:
    settings = Settings(
        postgres_dsn=SecretStr(database),
        neo4j_uri="bolt://127.0.0.1:9",
        neo4j_password=SecretStr("unused"),
    )
    app: FastAPI = create_app(settings, TracerProvider(shutdown_on_exit=False))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test") as http,
    ):
        ready, live = await http.get("/health/ready"), await http.get("/health/live")

    assert (ready.status_code, live.status_code) == (503, 200)
    assert [detail["field"] for detail in read_problem(ready)["details"]] == ["Neo4j"]
