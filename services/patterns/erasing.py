"""The steps of a deletion: each takes a few thousand at a time, and notes at once how many.

Each returns how many it found; all find what is left where one was broken off.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal, TypeAlias

from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from shared.graph import erasing as graph
from shared.postgres import deletions as postgres
from shared.postgres.availability import translated_errors
from shared.postgres.deletions import Deletion, MessageTable

Connection: TypeAlias = AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]
ROWS_AT_ONCE: Final = 2_000
MESSAGES_AT_ONCE: Final = 5_000
SPANS_AT_ONCE: Final = 10_000
MARKS_AT_ONCE: Final = 10_000


async def erase_rows(pool: Pool, deletion: Deletion) -> int:
    """Erase rows of tables that say whose they are."""
    total = 0
    while True:
        async with connection(pool) as conn:
            some = await postgres.erase_rows(conn, deletion.id, limit=ROWS_AT_ONCE)
            await postgres.note_erased(conn, deletion.id, some)
        if not some:
            return total
        total += some.total()


async def erase_messages(pool: Pool, deletion: Deletion) -> int:
    """Erase messages of queues, dead letter queues and archives.

    Also counts those that were spared because somebody works on them: they are to be looked for
    again, and may wait by then.
    """
    async with connection(pool) as conn:
        tables = await postgres.list_message_tables(conn)
    return sum([await _erase_messages_of(pool, deletion, table) for table in tables])


async def _erase_messages_of(pool: Pool, deletion: Deletion, table: MessageTable) -> int:
    total, looked_to = 0, 0
    while looked_to is not None:
        async with connection(pool) as conn:
            looked_to, some, spared = await postgres.erase_messages(
                conn, deletion.id, table, after=looked_to, limit=MESSAGES_AT_ONCE
            )
            await postgres.note_erased(conn, deletion.id, {"messages": some})
        total += some + spared
    return total


async def erase_traces(pool: Pool, deletion: Deletion) -> None:
    """Erase the spans of what was erased, and those that name it."""
    looked_to: str | None = ""
    while looked_to is not None:
        async with connection(pool) as conn:
            looked_to, some = await postgres.erase_traces(
                conn, deletion.id, after=looked_to, limit=SPANS_AT_ONCE
            )
            await postgres.note_erased(conn, deletion.id, {"spans": some})


async def erase_graph(pool: Pool, deletion: Deletion, driver: AsyncDriver) -> int:
    """Erase what the graph holds of what was erased in Postgres, and what only it holds."""
    workspace_id = deletion.workspace_id
    if deletion.scope == "workspace":
        return await _note_each(pool, deletion, graph.erase_workspace(driver, workspace_id))
    total = await _erase_marked(pool, deletion, driver, "memories")
    total += await _erase_marked(pool, deletion, driver, "code_entities")
    if deletion.project is not None:
        erased = graph.erase_project(driver, workspace_id, deletion.project)
        total += await _note_each(pool, deletion, erased)
    if deletion.person is not None:
        erased = graph.erase_user(driver, workspace_id, deletion.person)
        total += await _note_each(pool, deletion, erased)
    return total


async def erase_names(pool: Pool, deletion: Deletion, driver: AsyncDriver) -> int:
    """Erase what still names a user when detection has seen that the memories are gone."""
    if deletion.person is None:
        return 0
    erased = graph.forget_user(driver, deletion.workspace_id, deletion.person)
    return await _note_each(pool, deletion, erased)


async def forget(pool: Pool, deletion: Deletion) -> None:
    """Take away all notes of what was erased: nothing needs them any more."""
    async with connection(pool) as conn:
        await postgres.hide_names(conn, deletion.id)
    forgotten = MARKS_AT_ONCE
    while forgotten:
        async with connection(pool) as conn:
            forgotten = await postgres.forget_marks(conn, deletion.id, limit=MARKS_AT_ONCE)


async def _erase_marked(
    pool: Pool, deletion: Deletion, driver: AsyncDriver, kind: Literal["memories", "code_entities"]
) -> int:
    total, after = 0, ""
    while True:
        async with connection(pool) as conn:
            ids = await postgres.list_marks(
                conn, deletion.id, kind, after=after, limit=graph.ENTITIES_AT_ONCE
            )
        if not ids:
            return total
        memories, files = (ids, []) if kind == "memories" else ([], ids)
        erased = await graph.erase_entities(driver, deletion.workspace_id, memories, files)
        await _note(pool, deletion, {"nodes": erased})
        total, after = total + erased, ids[-1]


async def _note_each(pool: Pool, deletion: Deletion, erased: AsyncIterator[int]) -> int:
    total = 0
    async for nodes in erased:
        await _note(pool, deletion, {"nodes": nodes})
        total += nodes
    return total


async def _note(pool: Pool, deletion: Deletion, erased: Mapping[str, int]) -> None:
    async with connection(pool) as conn:
        await postgres.note_erased(conn, deletion.id, erased)


@asynccontextmanager
async def connection(pool: Pool) -> AsyncGenerator[Connection]:
    """Yield a connection whose work is committed at the end.

    Raises:
        DependencyDownError: Postgres does not answer.
    """
    with translated_errors():
        async with pool.connection() as conn:
            yield conn
