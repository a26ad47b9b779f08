"""Deleting over HTTP and SQL: the row at once, the graph and its patterns soon after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, LiteralString
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import TypeAdapter

from shared.messages import Ingestion, RemoveEntities, SummarizeProject
from tests.conftest import DELETE_WORKSPACE, Servers
from tests.integration.api.conftest import Client
from tests.integration.faststream_pgmq.support import eventually, fetch_all
from tests.integration.worker_processes import running

Conn = AsyncConnection[TupleRow]
PARSE: TypeAdapter[Ingestion] = TypeAdapter(Ingestion)
SENT: LiteralString = "SELECT message FROM pgmq.q_memory_ingestion ORDER BY msg_id"
ASKED: LiteralString = "SELECT message FROM pgmq.q_summary_generation ORDER BY msg_id"
START = "2026-01-05T10:00:00Z"


@pytest.fixture
async def workers(
    client: Client, database: str, graph_server: Servers, neo4j_driver: AsyncDriver
) -> AsyncIterator[None]:
    """The ingest and patterns services at work."""
    with (
        running("ingest", database, graph_server),
        running("patterns", database, graph_server),
    ):
        yield
    await neo4j_driver.execute_query(DELETE_WORKSPACE, workspace_id=client.workspace_id)


def chunk(name: str) -> dict[str, Any]:
    content = f"Fixed an error in the login, attempt {name}"
    return {"chunkId": name, "content": content, "metadata": {"startTime": START}}


async def is_done(client: Client, job_id: str) -> bool:
    job = (await client.get(f"/api/jobs/{job_id}")).json()
    assert job["state"] != "dead", job
    return job["state"] == "done"


async def frequency(client: Client) -> int:
    found = (await client.get("/api/patterns", type="debugging")).json()["patterns"]
    return max((pattern["frequency"] for pattern in found), default=0)


async def test_a_deleted_memory_is_neither_found_nor_counted(client: Client, workers: None) -> None:
    sent = await client.send_chunks(*(chunk(f"a/{n}") for n in range(8)), projectPath="/src/shop")
    job_id = sent.json()["jobId"]
    await eventually(lambda: is_done(client, job_id), 60)

    async def counts(expected: int) -> bool:
        return await frequency(client) == expected

    await eventually(lambda: counts(8), 60)
    answer = await client.delete("/api/memories/a/3")
    assert (answer.status_code, answer.json()["queued"]) == (202, 1)
    await eventually(lambda: is_done(client, answer.json()["jobId"]), 60)
    found = (await client.get("/api/search/memories", q="login", limit=50)).json()["results"]
    assert "a/3" not in {one["chunkId"] for one in found}
    assert len(found) == 7
    await eventually(lambda: counts(7), 60)


async def test_the_row_and_the_message_are_one_transaction(client: Client, conn: Conn) -> None:
    await client.send_chunks(chunk("a"))
    await conn.execute("ALTER TABLE jobs ADD CHECK (kind <> 'removal')")
    assert (await client.delete("/api/memories/a")).status_code == 500
    assert await fetch_all(conn, "SELECT chunk_id FROM memories") == ["a"]
    assert len(await fetch_all(conn, SENT)) == 1
    assert await fetch_all(conn, ASKED) == []


@pytest.mark.parametrize("by", ["http", "sql"])
async def test_a_removal_asks_once_for_the_summary_of_each_project(
    client: Client, conn: Conn, by: str
) -> None:
    for project in ("shop", "bank", None):
        await client.send_chunks(*(chunk(f"{project}{n}") for n in range(3)), projectName=project)
    for gone in ("shop0", "shop1", "bank0", "None0"):
        if by == "http":
            assert (await client.delete(f"/api/memories/{gone}")).status_code == 202
        else:
            remove: LiteralString = "SELECT queue_memory_removal_job(ARRAY[%s, 'x'], %s)"
            assert await fetch_all(conn, remove, gone, client.workspace_id) == [1]
    asked = [SummarizeProject.model_validate(body) for body in await fetch_all(conn, ASKED)]
    assert [one.project_name for one in asked] == ["shop", "bank"]
    assert {one.workspace_id for one in asked} == {client.workspace_id}
    waiting = await fetch_all(conn, "SELECT headers FROM pgmq.q_summary_generation")
    key = {"dedup_key": f"summary:{client.workspace_id}:shop", "group": client.workspace_id}
    assert waiting[0].items() >= key.items()


@pytest.mark.parametrize("chunk_id", ["nothing", "ä/ö %2F?#", "🙂", "x" * 513])
async def test_what_is_not_there_is_said(client: Client, conn: Conn, chunk_id: str) -> None:
    answer = await client.http.delete("/api/memories/" + quote(chunk_id, safe=""))
    assert answer.status_code == (400 if len(chunk_id) > 512 else 404)
    assert next(iter(answer.json())) == "error"
    assert await fetch_all(conn, SENT) == []


async def test_nobody_deletes_in_another_workspace_or_without_the_scope(
    client: Client, other_client: Client, conn: Conn
) -> None:
    lower = "UPDATE api_keys SET scopes = '{ingest,read}' WHERE workspace_id = %s"
    await conn.execute(lower, [client.workspace_id])
    await client.send_chunks(chunk("a"))
    assert (await other_client.delete("/api/memories/a")).status_code == 404
    assert (await client.delete("/api/memories/a")).status_code == 403
    assert await fetch_all(conn, "SELECT chunk_id FROM memories") == ["a"]


async def test_a_file_is_deleted_by_its_project_and_path(client: Client, conn: Conn) -> None:
    files = [{"path": "a/b.py", "content": "X = 1"}, {"path": "a/c.py", "content": "X = 2"}]
    for project in ("shop", "bank"):
        await client.post("/api/ingest/code", {"projectName": project, "files": files})
    assert (await client.delete("/api/code", project="shop", path="b.py")).status_code == 404
    assert (await client.delete("/api/code", project="shop")).status_code == 400
    assert (await client.delete("/api/code", project="shop", path="a/b.py")).status_code == 202
    left = await fetch_all(conn, "SELECT project_name || path FROM code_entities ORDER BY 1")
    assert left == ["banka/b.py", "banka/c.py", "shopa/c.py"]
    removal = PARSE.validate_python((await fetch_all(conn, SENT))[-1])
    assert isinstance(removal, RemoveEntities)
    assert len(removal.code_entity_ids) == 1


@pytest.mark.parametrize("count", [0, 1, 1_000, 1_001, 2_000])
async def test_sql_removes_any_number_in_messages_of_a_thousand(conn: Conn, count: int) -> None:
    workspace = f"team:{uuid4()}"
    await conn.execute(
        """INSERT INTO memories (
               workspace_id, user_id, chunk_id, content, content_hash, occurred_at)
           SELECT w, gen_random_uuid(), n::text, 'x', 'x', now()
           FROM generate_series(1, %s) AS n, (VALUES (%s), (%s)) AS v (w)""",
        (count, workspace, f"team:{uuid4()}"),
    )
    chunks = [str(n + 1) for n in range(count)]
    removed = await fetch_all(
        conn, "SELECT queue_memory_removal_job(%s::text[], %s)", [*chunks, "missing"], workspace
    )
    assert removed == [count]
    sent = [PARSE.validate_python(body) for body in await fetch_all(conn, SENT)]
    sizes = [len(one.memory_ids) for one in sent if isinstance(one, RemoveEntities)]
    assert (sum(sizes), len(sizes)) == (count, -(-count // 1_000))
    assert await fetch_all(conn, "SELECT count(*)::int FROM memories") == [count]


async def test_a_deletion_waits_for_a_request_that_stores_the_same_chunks(
    conn: Conn, database: str
) -> None:
    workspace = f"team:{uuid4()}"
    for name in ("b", "a"):
        await conn.execute(
            """INSERT INTO memories (
                   workspace_id, user_id, chunk_id, content, content_hash, occurred_at)
               VALUES (%s, gen_random_uuid(), %s, 'x', 'x', now())""",
            (workspace, name),
        )
    async with await psycopg.AsyncConnection.connect(database) as other:
        await other.execute("UPDATE memories SET content = 'y' WHERE chunk_id = 'a'")
        await conn.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await fetch_all(conn, "SELECT remove_memories(%s, '{b,a}')", workspace)
        # In order: the waiting deletion holds nothing that the request still needs.
        await other.execute("UPDATE memories SET content = 'y' WHERE chunk_id = 'b'")
        await other.commit()
    assert len(await fetch_all(conn, "SELECT remove_memories(%s, '{b,a}')", workspace)) == 2
