"""Each change that a person asks for is noted with who, what and how many."""

from __future__ import annotations

from uuid import uuid4

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.audit import list_entries
from tests.integration.api.conftest import Client

Conn = AsyncConnection[TupleRow]


async def test_a_deleted_memory_is_noted_with_who_did_it(client: Client, conn: Conn) -> None:
    sent = await client.send_chunks({"chunkId": "secret-name", "content": "text"})
    await client.delete("/api/memories/secret-name")

    [entry] = await list_entries(conn, client.workspace_id, limit=10)

    assert (entry.action, entry.count) == ("memory.delete", 1)
    assert entry.target == sent.json()["results"][0]["id"]
    assert (entry.user_id, entry.key_name) == (client.user_id, "test")


async def test_what_was_not_done_is_not_noted(client: Client, conn: Conn) -> None:
    assert (await client.delete(f"/api/memories/{uuid4()}")).status_code == 404

    assert await list_entries(conn, client.workspace_id, limit=10) == []


async def test_pages_of_entries_neither_lose_nor_repeat_one(client: Client, conn: Conn) -> None:
    await conn.execute(
        "INSERT INTO audit_log (workspace_id, at, key_name, user_id, action, target)"
        " SELECT %s, '2026-01-01Z', 'k', gen_random_uuid(), 'queue.pause', n::text"
        " FROM generate_series(1, 25) AS n",
        (client.workspace_id,),
    )
    seen: list[str] = []
    before = None
    while page := await list_entries(conn, client.workspace_id, limit=10, before=before):
        seen += [entry.target for entry in page]
        before = page[-1].at, page[-1].id
    assert seen == [str(n) for n in range(25, 0, -1)]
