"""Each role may do what its processes need, and is refused what they must not do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import LiteralString
from uuid import uuid4

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege, RaiseException
from psycopg.rows import TupleRow

from shared.postgres.api_keys import create_key, find_key
from shared.postgres.workspaces import show_workspaces
from shared.runtime import conninfo
from shared.settings import Settings
from tests.databases import own_database

Conn = AsyncConnection[TupleRow]
OURS, THEIRS = f"team:{uuid4()}", f"team:{uuid4()}"
STORE = """
INSERT INTO memories (workspace_id, user_id, chunk_id, content, content_hash, occurred_at)
VALUES (%s, gen_random_uuid(), %s, 'text', '', now())
"""
ROLES = ["supastate_api", "supastate_worker", "supastate_readonly"]


@asynccontextmanager
async def acting_as(database: str, role: str) -> AsyncGenerator[Conn]:
    dsn = make_conninfo(database, options=f"-c role={role}")
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        yield conn


async def count(conn: Conn, table: LiteralString) -> int:
    row = await (await conn.execute(f"SELECT count(*) FROM {table}")).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def untouched(postgres_dsn: str, template: str) -> Iterator[str]:
    """A migrated database for statements that change nothing, because they are refused."""
    with own_database(postgres_dsn, "untouched", template=template) as dsn:
        yield dsn


@pytest.fixture
async def stored(conn: Conn) -> None:
    """A memory of ours and one of theirs."""
    for workspace in (OURS, THEIRS):
        await conn.execute(STORE, (workspace, "chunk"))


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("role", ["supastate_api", "supastate_readonly"])
async def test_a_statement_without_a_workspace_finds_nothing(database: str, role: str) -> None:
    async with acting_as(database, role) as conn:
        assert await count(conn, "memories") == 0
        async with conn.transaction():
            await show_workspaces(conn, [OURS])
            assert await count(conn, "memories") == 1
        assert await count(conn, "memories") == 0


@pytest.mark.usefixtures("stored")
async def test_the_api_cannot_touch_another_workspace(database: str) -> None:
    async with acting_as(database, "supastate_api") as conn, conn.transaction():
        await show_workspaces(conn, [OURS])
        changed = await conn.execute("UPDATE memories SET content = 'x' RETURNING workspace_id")
        assert await changed.fetchall() == [(OURS,)]
        deleted = await conn.execute("DELETE FROM memories WHERE workspace_id = %s", (THEIRS,))
        assert deleted.rowcount == 0
        with pytest.raises(InsufficientPrivilege, match="row-level security"):
            await conn.execute(STORE, (THEIRS, "new"))


async def test_the_api_starts_operations_for_its_own_workspace_alone(database: str) -> None:
    start = """
        INSERT INTO operations (workspace_id, kind, queue, total, reason, requested_by, key_id)
        VALUES (%s, 'redrive', 'memory_ingestion', 1, '', '', gen_random_uuid())
    """
    async with acting_as(database, "supastate_api") as conn, conn.transaction():
        await show_workspaces(conn, [OURS])
        await conn.execute(start, (OURS,))
        with pytest.raises(InsufficientPrivilege, match="row-level security"):
            await conn.execute(start, (THEIRS,))


async def test_a_worker_dead_letters_a_message_and_the_api_finds_its_own_ones(
    database: str,
) -> None:
    file = """
        INSERT INTO pgmq.q_memory_ingestion_dlq (vt, message, headers)
        VALUES (now(), '{}', jsonb_build_object('group', %s::text))
    """
    async with acting_as(database, "supastate_worker") as worker:
        for workspace in (OURS, THEIRS):
            await worker.execute(file, (workspace,))
    async with acting_as(database, "supastate_api") as conn, conn.transaction():
        assert await count(conn, "dead_letters") == 0
        await show_workspaces(conn, [OURS])
        assert await count(conn, "dead_letters") == 1


@pytest.mark.usefixtures("stored")
async def test_a_worker_sees_the_memories_of_a_mixed_batch(database: str) -> None:
    async with acting_as(database, "supastate_worker") as conn:
        assert await count(conn, "memories") == 2


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("supastate_api", "DELETE FROM pgmq.q_memory_ingestion"),
        ("supastate_api", "DELETE FROM pgmq.a_memory_ingestion"),
        ("supastate_api", "DELETE FROM api_keys"),
        ("supastate_api", "UPDATE jobs SET submitted = 0"),
        ("supastate_api", "DROP TABLE memories"),
        ("supastate_api", "CREATE TABLE pgmq.own (id int)"),
        ("supastate_api", "ALTER TABLE memories DISABLE ROW LEVEL SECURITY"),
        ("supastate_api", "SELECT * FROM supastate_migrations"),
        ("supastate_api", "UPDATE audit_log SET reason = ''"),
        ("supastate_api", "DELETE FROM audit_log"),
        ("supastate_api", "SELECT erase_rows(gen_random_uuid(), 1)"),
        ("supastate_api", "SELECT finish_deletion(gen_random_uuid())"),
        ("supastate_api", "SELECT * FROM erase_traces(gen_random_uuid(), '', 1)"),
        ("supastate_api", "SELECT * FROM erase_idle_messages(gen_random_uuid(), 'x', 'q', 0, 1)"),
        ("supastate_worker", "SELECT work_left_of(NULL, '{}', '{}')"),
        ("supastate_api", "SELECT hide_names(gen_random_uuid())"),
        ("supastate_api", "SELECT forget_marks(gen_random_uuid(), 1)"),
        ("supastate_api", "UPDATE deletions SET finished_at = now()"),
        ("supastate_api", "SELECT * FROM deletion_marks"),
        ("supastate_api", "DELETE FROM queue_samples"),
        ("supastate_api", "UPDATE search_counts SET searches = 0"),
        ("supastate_api", "DELETE FROM search_counts"),
        ("supastate_worker", "SELECT * FROM search_counts"),
        ("supastate_worker", "SELECT count_searches('[]')"),
        ("supastate_api", "INSERT INTO faststream_pgmq.queue_state (queue) VALUES ('x')"),
        ("supastate_api", "DELETE FROM faststream_pgmq.progress"),
        ("supastate_api", "UPDATE faststream_pgmq.progress SET done = 0"),
        ("supastate_readonly", "SELECT * FROM faststream_pgmq.progress"),
        ("supastate_worker", "SELECT * FROM queue_samples"),
        ("supastate_worker", "SELECT pause_queue('memory_ingestion', '', '')"),
        ("supastate_api", "DELETE FROM pgmq.q_memory_ingestion_dlq"),
        ("supastate_api", "INSERT INTO pgmq.q_memory_ingestion_dlq (vt) VALUES (now())"),
        ("supastate_api", "SELECT message FROM pgmq.a_memory_ingestion_dlq"),
        ("supastate_api", "INSERT INTO dead_letters DEFAULT VALUES"),
        ("supastate_api", "UPDATE dead_letters SET workspace_id = 'x'"),
        ("supastate_api", "DELETE FROM dead_letters"),
        ("supastate_api", "UPDATE operations SET done = 0"),
        ("supastate_api", "DELETE FROM operations"),
        ("supastate_api", "SELECT move_letters('redrive', 'memory_ingestion', ARRAY[1])"),
        ("supastate_api", "SELECT watch_dead_letters('memory_ingestion')"),
        ("supastate_worker", "SELECT * FROM dead_letters"),
        ("supastate_worker", "SELECT * FROM operations"),
        ("supastate_worker", "SELECT advance_operation()"),
        ("supastate_worker", "SELECT key_hash FROM api_keys"),
        ("supastate_worker", "SELECT * FROM pattern_reviews"),
        ("supastate_worker", "INSERT INTO deletions DEFAULT VALUES"),
        ("supastate_worker", "UPDATE deletions SET project = 'other'"),
        ("supastate_worker", "DELETE FROM deletion_marks"),
        ("supastate_readonly", "DELETE FROM pattern_reviews"),
        ("supastate_readonly", "SELECT * FROM deletions"),
        ("supastate_api", "SELECT request_summaries('', '{}')"),
        ("supastate_worker", "SELECT request_summaries('', '{}')"),
        ("supastate_worker", "SELECT remove_memories('', '{}')"),
        ("supastate_readonly", "DELETE FROM project_summaries"),
        ("supastate_worker", "SELECT cancel_job(gen_random_uuid())"),
        ("supastate_readonly", "SELECT cancel_job(gen_random_uuid())"),
        ("supastate_worker", "SELECT find_api_key('')"),
        ("supastate_worker", "INSERT INTO api_keys DEFAULT VALUES"),
        ("supastate_worker", "UPDATE memories SET content = ''"),
        ("supastate_worker", "DELETE FROM memories"),
        ("supastate_worker", "SELECT * FROM jobs"),
        ("supastate_worker", "SELECT * FROM rate_limits"),
        ("supastate_worker", "SELECT * FROM audit_log"),
        ("supastate_readonly", "SELECT * FROM idempotent_requests"),
        ("supastate_readonly", "SELECT key_hash FROM api_keys"),
        ("supastate_readonly", "SELECT message FROM pgmq.q_memory_ingestion"),
        ("supastate_readonly", "DELETE FROM memories"),
        ("supastate_readonly", "INSERT INTO queue_minutes (queue, minute) VALUES ('x', now())"),
        ("supastate_readonly", "SELECT resume_queue('memory_ingestion')"),
        ("supastate_readonly", "SELECT * FROM queue_obstacle()"),
        ("supastate_readonly", "SELECT advance_operation()"),
        ("supastate_readonly", "INSERT INTO operations DEFAULT VALUES"),
        ("supastate_readonly", "INSERT INTO jobs DEFAULT VALUES"),
        ("supastate_readonly", "UPDATE project_summaries SET summary = ''"),
        ("supastate_readonly", "SELECT store_memory(NULL, NULL, '', '', '{}')"),
    ],
)
async def test_a_role_is_refused_what_it_must_not_do(
    untouched: str, role: str, statement: LiteralString
) -> None:
    async with acting_as(untouched, role) as conn:
        with pytest.raises(InsufficientPrivilege):
            await conn.execute(statement)


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_can_become_another(database: str, role: str) -> None:
    async with acting_as(database, role) as conn:
        row = await (
            await conn.execute(
                "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcanlogin FROM pg_roles"
                " WHERE rolname = current_user"
            )
        ).fetchone()
        assert row == (False, False, False, False)
        others = [other for other in ROLES if other != role]
        member = """
            SELECT bool_or(pg_has_role(current_user, other, 'MEMBER')) FROM unnest(%s::text[]) other
        """
        assert await (await conn.execute(member, (others,))).fetchone() == (False,)


async def test_a_worker_deletes_only_what_somebody_asked_for(database: str, conn: Conn) -> None:
    await conn.execute(STORE, (OURS, "kept"))
    async with acting_as(database, "supastate_worker") as worker:
        with pytest.raises(RaiseException, match="no deletion"):
            await worker.execute("SELECT erase_rows(gen_random_uuid(), 10)")
    assert await count(conn, "memories") == 1


async def test_the_api_finds_a_key_by_what_only_its_holder_knows(database: str, conn: Conn) -> None:
    key = await create_key(conn, workspace_id=OURS, user_id=uuid4(), name="ours")
    async with acting_as(database, "supastate_api") as api:
        found = await find_key(api, key)
        assert found is not None
        assert found.workspace_id == OURS
        assert await count(api, "api_keys") == 0


def test_the_settings_name_the_role_that_a_process_acts_as() -> None:
    settings = Settings(
        postgres_dsn="postgresql://x@127.0.0.1/db?options=-c%20jit%3Doff",  # pyright: ignore[reportArgumentType]  # as the environment gives it
        postgres_role="supastate_worker",
        neo4j_uri="bolt://127.0.0.1:1",
        neo4j_password="x",  # pyright: ignore[reportArgumentType]
    )
    assert "options='-c jit=off -c role=supastate_worker'" in conninfo(settings)


async def test_a_letter_tells_the_release_that_its_worker_was_of(database: str, conn: Conn) -> None:
    settings = Settings(
        postgres_dsn=database,  # pyright: ignore[reportArgumentType]
        postgres_role="supastate_worker",
        release="1.4.2+g1a2b3c",
        neo4j_uri="bolt://127.0.0.1:1",
        neo4j_password="x",  # pyright: ignore[reportArgumentType]
    )
    async with await AsyncConnection.connect(conninfo(settings)) as worker:
        await worker.execute(
            "INSERT INTO pgmq.q_memory_ingestion_dlq (vt, message, headers)"
            " VALUES (now(), '{}', '{}')"
        )

    found = await conn.execute("SELECT release FROM dead_letters")
    assert await found.fetchall() == [("1.4.2+g1a2b3c",)]
