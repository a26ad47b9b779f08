"""The SQL functions that clients of the old system call."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from shared.messages import DetectPatterns, Ingest, IngestCode, IngestMemory

Connection = AsyncConnection[TupleRow]
PARSE: TypeAdapter[IngestMemory | IngestCode] = TypeAdapter(Ingest)
QUEUE_MEMORY = "SELECT queue_memory_ingestion_job(%s, %s, %s, %s, %s)"
WORKSPACE, USER = f"team:{uuid4()}", uuid4()


async def queue_memory(
    conn: Connection, memory_id: UUID, content: str, workspace: str = WORKSPACE, **metadata: str
) -> int:
    row = await conn.execute(QUEUE_MEMORY, (memory_id, USER, content, workspace, Jsonb(metadata)))
    return (await row.fetchone() or (0,))[0]


async def last_message(conn: Connection, queue: bytes) -> Any:
    row = await conn.execute(
        b"SELECT message FROM pgmq.q_" + queue + b" ORDER BY msg_id DESC LIMIT 1"
    )
    return (await row.fetchone() or (None,))[0]


async def test_a_queued_memory_is_a_valid_message_and_a_stored_row(conn: Connection) -> None:
    memory_id = uuid4()
    await queue_memory(
        conn, memory_id, "Fixed it", sessionId="s1", startTime="2026-01-05T10:00:00Z"
    )
    message = PARSE.validate_python(await last_message(conn, b"memory_ingestion"))
    assert isinstance(message, IngestMemory)
    assert message.memory_id == memory_id
    row = await conn.execute("SELECT content, session_id, occurred_at::date::text FROM memories")
    assert await row.fetchone() == ("Fixed it", "s1", "2026-01-05")


async def test_queueing_a_memory_again_replaces_its_row(conn: Connection) -> None:
    memory_id = uuid4()
    await queue_memory(conn, memory_id, "first")
    await queue_memory(conn, memory_id, "second")
    row = await conn.execute("SELECT array_agg(content) FROM memories")
    assert await row.fetchone() == (["second"],)


async def test_a_memory_of_another_workspace_is_refused(conn: Connection) -> None:
    memory_id = uuid4()
    await queue_memory(conn, memory_id, "ours")
    with pytest.raises(psycopg.errors.RaiseException, match="another workspace"):
        await queue_memory(conn, memory_id, "theirs", workspace=f"team:{uuid4()}")


async def test_an_odd_timestamp_does_not_refuse_a_memory(conn: Connection) -> None:
    await queue_memory(conn, uuid4(), "when?", startTime="yesterday-ish")
    row = await conn.execute("SELECT occurred_at > now() - interval '1 minute' FROM memories")
    assert await row.fetchone() == (True,)


async def test_a_bare_uuid_workspace_is_kept_as_given(conn: Connection) -> None:
    workspace = str(uuid4())
    await queue_memory(conn, uuid4(), "old client", workspace=workspace)
    assert (await last_message(conn, b"memory_ingestion"))["workspace_id"] == workspace


async def test_a_queued_code_entity_is_a_valid_message(conn: Connection) -> None:
    entity_id = uuid4()
    await conn.execute("SELECT queue_code_ingestion_job(%s, %s, %s)", (entity_id, USER, WORKSPACE))
    message = PARSE.validate_python(await last_message(conn, b"memory_ingestion"))
    assert isinstance(message, IngestCode)
    assert message.code_entity_id == entity_id


async def test_a_queued_detection_is_a_valid_message(conn: Connection) -> None:
    batch_id = uuid4()
    await conn.execute(
        "SELECT queue_pattern_detection_job(%s, %s, %s, %s)",
        (batch_id, ["debugging"], 50, WORKSPACE),
    )
    message = DetectPatterns.model_validate(await last_message(conn, b"pattern_detection"))
    assert (message.batch_id, message.pattern_types, message.limit) == (batch_id, ["debugging"], 50)


async def test_the_wrappers_send_read_archive_and_delete(conn: Connection) -> None:
    for _ in range(2):
        await conn.execute("""SELECT pgmq_send('pattern_detection', '{"a": 1}')""")
    rows = await (
        await conn.execute("SELECT msg_id FROM pgmq_read('pattern_detection', 30, 2)")
    ).fetchall()
    (first,), (second,) = rows
    archived = await conn.execute("SELECT pgmq_archive('pattern_detection', %s)", (first,))
    deleted = await conn.execute("SELECT pgmq_delete('pattern_detection', %s)", (second,))
    assert (await archived.fetchone(), await deleted.fetchone()) == ((True,), (True,))
    left = await conn.execute("SELECT queue_length FROM pgmq_metrics('pattern_detection')")
    assert await left.fetchone() == (0,)


async def test_the_public_role_may_not_queue(conn: Connection) -> None:
    await conn.execute("CREATE ROLE stranger_of_test")
    try:
        allowed = await conn.execute(
            "SELECT has_function_privilege('stranger_of_test', oid, 'EXECUTE') FROM pg_proc"
            " WHERE proname = 'queue_memory_ingestion_job'"
        )
        assert await allowed.fetchall() == [(False,)]
    finally:
        await conn.execute("DROP ROLE stranger_of_test")
