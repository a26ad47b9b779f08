"""Who did what, how much was sent, and all of it handed out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.counting_searches import SearchCounts
from shared.postgres.api_keys import SCOPES, create_key, find_key
from shared.postgres.exporting import ROWS_AT_ONCE
from tests.integration.api.conftest import Client
from tests.integration.patterns.pattern_builders import query

Conn = AsyncConnection[TupleRow]
NOTE = """
INSERT INTO audit_log (workspace_id, key_id, key_name, user_id, action, target, count, at)
SELECT %(workspace)s, %(key)s, 'k', %(user)s, %(action)s, n::text, n, now()
FROM generate_series(1, %(n)s) AS n
"""


async def admin_of(app: FastAPI, conn: Conn, client: Client) -> httpx.AsyncClient:
    key = await create_key(
        conn, workspace_id=client.workspace_id, user_id=uuid4(), name="a", scopes=SCOPES
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers)


@pytest.fixture
async def admin(app: FastAPI, conn: Conn, client: Client) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody of the client's workspace with every scope."""
    async with await admin_of(app, conn, client) as http:
        yield http


async def note(conn: Conn, client: Client, action: str, n: int, key: Any = None) -> None:
    values = {
        "workspace": client.workspace_id, "key": key, "user": client.user_id, "action": action,
        "n": n,
    }  # fmt: skip
    await conn.execute(NOTE, values)


async def test_the_audit_log_is_paged_and_filtered(
    client: Client, other_client: Client, conn: Conn
) -> None:
    key = uuid4()
    await note(conn, client, "queue.pause", 5, key)
    await note(conn, client, "key.revoke", 2)

    first = (await client.get("/api/audit", limit=4)).json()
    rest = (await client.get("/api/audit", limit=4, before=first["next"])).json()
    ids = [one["id"] for one in [*first["entries"], *rest["entries"]]]
    assert (len(ids), ids, rest["next"]) == (7, sorted(set(ids), reverse=True), None)
    pauses = (await client.get("/api/audit", action="queue.", key=str(key))).json()["entries"]
    assert {one["action"] for one in pauses} == {"queue.pause"}
    later = (await client.get("/api/audit", since="2200-01-01T00:00:00Z")).json()
    assert later["entries"] == []
    assert (await other_client.get("/api/audit")).json()["entries"] == []


async def test_usage_is_added_up_from_what_was_sent(client: Client, other_client: Client) -> None:
    chunk = {"chunkId": "a", "content": "é" * 10}
    for _ in range(2):  # the second is unchanged: a request, and nothing else
        await client.send_chunks(chunk, projectName="engine")
    files = [{"path": "a.py", "content": "x = 1"}, {"path": "b.py", "content": "y = 1"}]
    await client.post("/api/ingest/code", {"projectName": "motor", "files": files})

    (day,) = (await client.get("/api/usage")).json()["rows"]
    assert (day["memories"], day["files"], day["contentBytes"], day["requests"]) == (1, 2, 30, 3)
    rows = (await client.get("/api/usage", by="project")).json()["rows"]
    assert {row["name"]: row["memories"] + row["files"] for row in rows} == {
        "engine": 1,
        "motor": 2,
    }
    (key,) = (await client.get("/api/usage", by="key")).json()["rows"]
    assert key["requests"] == 3
    assert (await other_client.get("/api/usage")).json()["rows"] == []


@pytest.mark.usefixtures("graph_server")
async def test_searches_are_counted_by_day_and_key_and_write_nothing_themselves(
    app: FastAPI, client: Client, other_client: Client
) -> None:
    counts = app.state.parts.searches
    for path in ("/api/search", "/api/search/memories"):
        assert (await client.get(path, q="parser")).status_code == 200
        assert (await client.get(path, q="")).status_code == 400  # none was made
    await client.post("/api/patterns/search", {"query": "parser"})
    await other_client.get("/api/search", q="parser")
    assert await rows_of(client, by="day") == []

    await counts.write()
    await client.get("/api/search", q="again")
    await counts.write()
    (day,) = await rows_of(client, by="day")
    (key,) = await rows_of(client, by="key")
    assert (day["searches"], day["requests"], key["searches"]) == (4, 0, 4)
    assert (await rows_of(other_client))[0]["searches"] == 1
    assert await rows_of(client, by="project") == []
    assert await rows_of(client, until=f"{day['name']}T00:00:00Z") == []
    await client.send_chunks({"chunkId": "a", "content": "x"})
    (day,) = await rows_of(client)
    assert (day["searches"], day["requests"]) == (4, 1)


async def test_counts_are_kept_while_postgres_refuses_and_written_at_the_end(
    app: FastAPI, client: Client, conn: Conn
) -> None:
    key = await find_key(conn, client.key)
    assert key is not None
    async with SearchCounts(app.state.parts.shared.pool).written() as counts:
        await conn.execute("ALTER TABLE search_counts RENAME TO away")
        counts.note(key)
        await counts.write()
        await conn.execute("ALTER TABLE away RENAME TO search_counts")
        counts.note(key)

    assert [row["searches"] for row in await rows_of(client)] == [2]


async def rows_of(client: Client, **params: str) -> list[dict[str, Any]]:
    answer = await client.get("/api/usage", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


@pytest.mark.parametrize(
    "params",
    [{"by": "hour"}, {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
     {"until": "0001-01-01T00:00:00Z"}],
)  # fmt: skip
async def test_a_period_that_is_none_is_refused(client: Client, params: dict[str, str]) -> None:
    assert (await client.get("/api/usage", **params)).status_code == 400


async def exported(admin: httpx.AsyncClient, kind: str, **more: str) -> list[dict[str, Any]]:
    answer = await admin.get("/api/export", params={"kind": kind, **more})
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_an_export_holds_every_row_of_the_own_workspace_and_no_secret(
    client: Client, other_client: Client, conn: Conn, admin: httpx.AsyncClient
) -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLE"[:16].replace("EXAMPLE", "Q3XAMPL")
    insert = """
        INSERT INTO memories (workspace_id, user_id, chunk_id, project_name, content, metadata,
                              content_hash, occurred_at)
        SELECT %s, gen_random_uuid(), 'c' || n, CASE n %% 2 WHEN 0 THEN 'even' ELSE 'odd' END,
               %s, jsonb_build_object('deep', jsonb_build_array(%s::text)), '', now()
        FROM generate_series(1, %s) AS n"""
    text = f"the key is {secret} here"
    count = 2 * ROWS_AT_ONCE + 1
    await conn.execute(insert, (client.workspace_id, text, text, count))
    await conn.execute(insert, (other_client.workspace_id, "theirs", "x", 3))

    rows = await exported(admin, "memories")
    assert len({row["chunk_id"] for row in rows}) == len(rows) == count
    told = json.dumps(rows[0])
    assert (secret in told, "[redacted:" in told, "content_hash" in told) == (False, True, False)
    assert {row["project_name"] for row in await exported(admin, "memories", project="odd")} == {
        "odd"
    }


async def test_each_kind_is_exported_and_the_export_is_noted(
    client: Client, conn: Conn, admin: httpx.AsyncClient, neo4j_driver: AsyncDriver
) -> None:
    await client.send_chunks({"chunkId": "a", "content": "text"}, projectName="p")
    for n in range(3):
        files = [{"path": f"{n}.py", "content": "x = 1"}]
        await client.post("/api/ingest/code", {"projectName": "p", "files": files})
    await query(neo4j_driver, """
        UNWIND range(1, 60) AS n
        CREATE (:Pattern {id: randomUUID(), workspace_id: $w, type: 'learning', name: 'n',
            project_name: 'p', period: '2026', period_type: 'week', confidence: 0.5, frequency: 3,
            metadata: '{}', first_detected: datetime(), last_validated: datetime(),
            last_updated: datetime()})""", w=client.workspace_id)  # fmt: skip
    counts = {
        kind: len(await exported(admin, kind))
        for kind in ("memories", "code", "patterns", "summaries", "jobs")
    }
    await query(neo4j_driver, "MATCH (n {workspace_id: $w}) DELETE n", w=client.workspace_id)
    assert counts == {"memories": 1, "code": 3, "patterns": 60, "summaries": 0, "jobs": 4}
    assert (await client.get("/api/export", kind="memories")).status_code == 403
    noted = "SELECT target FROM audit_log WHERE action = 'data.export' ORDER BY id"
    rows = await (await conn.execute(noted)).fetchall()
    assert [row[0] for row in rows] == list(counts)
