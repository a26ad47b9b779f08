"""What SQL, PostgREST and Supabase clients call; rows and messages as the API makes them."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.errors import RaiseException
from psycopg.rows import TupleRow, dict_row
from psycopg.types.json import Jsonb

Conn = AsyncConnection[TupleRow]
QUEUE_MEMORY: LiteralString = (
    "SELECT queue_memory_ingestion_job(%(id)s, %(user)s, %(content)s, %(workspace)s, %(metadata)s)"
)


async def rows(conn: Conn, query: LiteralString) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query)
        return await cursor.fetchall()


async def queue_memory(
    conn: Conn, workspace: str, memory_id: UUID, content: str = "x", **metadata: Any
) -> None:
    values = {
        "id": memory_id,
        "user": uuid4(),
        "content": content,
        "workspace": workspace,
        "metadata": Jsonb(metadata),
    }
    await conn.execute(QUEUE_MEMORY, values)


async def test_a_memory_queued_by_sql_is_stored_too(conn: Conn) -> None:
    workspace, memory_id = f"team:{uuid4()}", uuid4()

    await queue_memory(
        conn, workspace, memory_id, chunkId="c1", sessionId="s1", startTime="2026-01-31T09:30:00Z"
    )

    (row,) = await rows(conn, "SELECT * FROM memories")
    assert (row["id"], row["chunk_id"], row["session_id"]) == (memory_id, "c1", "s1")
    assert row["occurred_at"].isoformat() == "2026-01-31T09:30:00+00:00"
    (message,) = await rows(conn, "SELECT message FROM pgmq.queue_memory_ingestion")
    assert message["message"]["memory_id"] == str(memory_id)


async def test_an_odd_date_does_not_refuse_a_memory(conn: Conn) -> None:
    await queue_memory(conn, f"team:{uuid4()}", uuid4(), startTime="yesterday-ish")

    assert len(await rows(conn, "SELECT FROM memories")) == 1


async def test_a_memory_queued_again_replaces_its_row_and_keeps_its_chunk(conn: Conn) -> None:
    workspace, memory_id = f"team:{uuid4()}", uuid4()
    await queue_memory(conn, workspace, memory_id, chunkId="c1")
    await queue_memory(conn, workspace, memory_id, "changed")

    (row,) = await rows(conn, "SELECT chunk_id, content FROM memories")
    assert (row["chunk_id"], row["content"]) == ("c1", "changed")


async def test_a_chunk_stored_under_another_id_is_queued_with_that_id(conn: Conn) -> None:
    workspace, first = f"team:{uuid4()}", uuid4()
    await queue_memory(conn, workspace, first, chunkId="c1")
    await queue_memory(conn, workspace, uuid4(), chunkId="c1")

    sent = await rows(conn, "SELECT message->>'memory_id' AS id FROM pgmq.queue_memory_ingestion")
    assert [message["id"] for message in sent] == [str(first)] * 2


async def test_a_memory_of_another_workspace_is_refused_and_left_alone(conn: Conn) -> None:
    memory_id = uuid4()
    await queue_memory(conn, f"team:{uuid4()}", memory_id, "theirs")

    with pytest.raises(RaiseException, match="another workspace"):
        await queue_memory(conn, f"team:{uuid4()}", memory_id, "ours")

    assert [row["content"] for row in await rows(conn, "SELECT content FROM memories")] == [
        "theirs"
    ]
    assert len(await rows(conn, "SELECT FROM pgmq.queue_memory_ingestion")) == 1


async def test_detection_and_code_are_queued_by_sql(conn: Conn) -> None:
    workspace, entity, user = f"team:{uuid4()}", uuid4(), uuid4()
    await conn.execute("SELECT queue_code_ingestion_job(%s, %s, %s)", [entity, user, workspace])
    await conn.execute(
        "SELECT queue_pattern_detection_job(%s, %s, 50, %s)", [uuid4(), ["debugging"], workspace]
    )

    (code,) = await rows(conn, "SELECT message FROM pgmq.queue_memory_ingestion")
    (detection,) = await rows(conn, "SELECT message FROM pgmq.queue_pattern_detection")
    assert (code["message"]["type"], code["message"]["code_entity_id"]) == ("code", str(entity))
    assert (detection["message"]["limit"], detection["message"]["workspace_id"]) == (50, workspace)


async def test_the_documented_queries_work_word_for_word(conn: Conn) -> None:
    await queue_memory(conn, f"team:{uuid4()}", uuid4())

    assert await rows(conn, "SELECT * FROM pgmq.queue_memory_ingestion WHERE retry_count > 0") == []
    (metrics,) = await rows(conn, "SELECT * FROM pgmq.metrics('memory_ingestion')")
    health = await rows(conn, "SELECT * FROM queue_health")
    assert metrics["queue_length"] == 1
    assert {row["queue_name"]: row["queue_length"] for row in health}["memory_ingestion"] == 1


async def test_the_wrappers_send_read_archive_and_delete(conn: Conn) -> None:
    await conn.execute("SELECT pgmq_send('summary_generation', '{\"n\": 1}')")
    await conn.execute("SELECT pgmq_send('summary_generation', '{\"n\": 2}', 0)")

    read = await rows(conn, "SELECT msg_id, message FROM pgmq_read('summary_generation', 30, 2)")
    assert [message["message"]["n"] for message in read] == [1, 2]
    first, second = (message["msg_id"] for message in read)
    archived = await conn.execute("SELECT pgmq_archive('summary_generation', %s)", [first])
    deleted = await conn.execute("SELECT pgmq_delete('summary_generation', %s)", [second])
    assert (await archived.fetchone(), await deleted.fetchone()) == ((True,), (True,))
    (metrics,) = await rows(conn, "SELECT * FROM pgmq_metrics('summary_generation')")
    assert (metrics["queue_length"], metrics["total_messages"]) == (0, 2)
