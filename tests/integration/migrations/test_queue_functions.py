"""The SQL functions that clients of the old system call."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier, Literal
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from shared.messages import DetectPatterns, Ingest, IngestCode, IngestMemory
from shared.postgres.migrate import migrate
from tests.databases import own_database

Connection = AsyncConnection[TupleRow]
PARSE: TypeAdapter[IngestMemory | IngestCode] = TypeAdapter(Ingest)
CREATE_ROLE = SQL(
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {}) "
    "THEN CREATE ROLE {}; END IF; END $$"
)
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


async def test_a_bare_uuid_workspace_is_kept_as_given(conn: Connection) -> None:
    workspace = str(uuid4())
    await queue_memory(conn, uuid4(), "old client", workspace=workspace)
    assert (await last_message(conn, b"memory_ingestion"))["workspace_id"] == workspace


@pytest.mark.parametrize(
    ("queue", "call"),
    [
        ("memory_ingestion", "queue_memory_ingestion_job(%(id)s, %(user)s, 'hello', %(in)s)"),
        ("memory_ingestion", "queue_code_ingestion_job(%(id)s, %(user)s, %(in)s)"),
        ("pattern_detection", "queue_pattern_detection_job(%(id)s, '{debugging}', 50, %(in)s)"),
    ],
)
async def test_what_sql_queues_waits_in_the_line_of_its_workspace(
    conn: Connection, queue: str, call: str
) -> None:
    await conn.execute(f"SELECT {call}".encode(), {"id": uuid4(), "user": USER, "in": WORKSPACE})
    sent = await conn.execute(f"SELECT headers->>'group' FROM pgmq.q_{queue}".encode())
    assert await sent.fetchall() == [(WORKSPACE,)]


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


@pytest.mark.parametrize("stranger", ["anon", "authenticated"])
async def test_the_public_roles_of_supabase_may_not_queue(postgres_dsn: str, stranger: str) -> None:
    async with migrated_with_roles(postgres_dsn) as conn:
        await conn.execute(f"SET ROLE {stranger}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await queue_memory(conn, uuid4(), "hello")


async def test_the_service_role_of_supabase_queues_without_any_right_on_a_queue(
    postgres_dsn: str,
) -> None:
    async with migrated_with_roles(postgres_dsn) as conn:
        await conn.execute("SET ROLE service_role")
        await queue_memory(conn, uuid4(), "hello")
        await conn.execute("SELECT pgmq_send('pattern_detection', '{}')")
        sent = await conn.execute("SELECT queue_length FROM pgmq_metrics('memory_ingestion')")
        assert await sent.fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await conn.execute("SELECT * FROM memories")


@asynccontextmanager
async def migrated_with_roles(postgres_dsn: str) -> AsyncGenerator[Connection]:
    """A database migrated where Supabase's roles exist; roles belong to the whole server."""
    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        for role in ("anon", "authenticated", "service_role"):
            admin.execute(CREATE_ROLE.format(Literal(role), Identifier(role)))
    with own_database(postgres_dsn, "roles") as dsn:
        await migrate(dsn)
        async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
            yield conn


@pytest.mark.parametrize("time", ["1704671231", "infinity", "0001-01-01", "yesterday-ish"])
async def test_a_time_that_is_none_does_not_refuse_a_memory(conn: Connection, time: str) -> None:
    await queue_memory(conn, uuid4(), "when?", startTime=time)
    row = await conn.execute("SELECT occurred_at > now() - interval '1 minute' FROM memories")
    assert await row.fetchone() == (True,)
