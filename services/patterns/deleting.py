"""Deletes all data of a workspace, a project or a user: pass by pass, until one finds nothing.

What was being worked on when a pass ended may write something after it, so the next pass waits
until that has ended. Every step finds what is left: a pass that is broken off loses nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, Literal, TypeAlias

from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.patterns.handlers import detect_patterns
from shared.embedding import Embedder
from shared.graph.erasing import (
    erase_entities,
    erase_project,
    erase_user,
    erase_workspace,
    forget_user,
)
from shared.messages import DeleteData, DetectPatterns
from shared.postgres.availability import translated_errors
from shared.postgres.deletions import (
    Deletion,
    erase_messages,
    erase_rows,
    erase_traces,
    find_deletion,
    finish_deletion,
    list_marks,
    list_message_tables,
    list_worked_on,
    note_pass,
)

Connection: TypeAlias = AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]
ROWS_AT_ONCE: Final = 5_000
MESSAGES_AT_ONCE: Final = 5_000
ENTITIES_AT_ONCE: Final = 1_000
SEEN_AT_ONCE: Final = 10_000
PAUSE_SECONDS: Final = 1.0


async def delete_data(
    job: DeleteData, *, pool: Pool, driver: AsyncDriver, embedder: Embedder
) -> float | None:
    """Make one pass; return after how many seconds the next is due, None when all is gone.

    Raises:
        DependencyDownError: a server does not answer; what is deleted stays so.
    """
    async with _connection(pool) as conn:
        deletion = await find_deletion(conn, job.deletion_id)
        if deletion is None or deletion.finished_at:
            return None
        worked_on = {one.delivery for one in await list_worked_on(conn, deletion.id)}
    if worked_on & set(deletion.waits):
        return PAUSE_SECONDS
    erased = await _erase(deletion, pool=pool, driver=driver, embedder=embedder)
    return await _end_pass(pool, deletion, erased)


async def _erase(
    deletion: Deletion, *, pool: Pool, driver: AsyncDriver, embedder: Embedder
) -> Counter[str]:
    erased = await _erase_rows(pool, deletion)
    erased += await _erase_messages(pool, deletion)
    erased += await _erase_graph(pool, deletion, driver)
    if deletion.scope != "workspace" and erased:
        await _detect_again(deletion, driver, embedder)
    if deletion.person:
        erased += await forget_user(driver, deletion.workspace_id, deletion.person)
    return +erased


async def _end_pass(pool: Pool, deletion: Deletion, erased: Counter[str]) -> float | None:
    async with _connection(pool) as conn:
        worked_on = await list_worked_on(conn, deletion.id)
        # Not a reason for another pass: the passes leave spans themselves.
        spans = Counter[str](spans=await erase_traces(conn, deletion.id))
        total = erased + spans + Counter[str](deletion.erased)
        await note_pass(conn, deletion.id, total, [one.delivery for one in worked_on])
        # What was worked on before the first pass, nobody knows.
        if erased or deletion.passes == 0 or any(one.is_ours for one in worked_on):
            return PAUSE_SECONDS if worked_on else 0.0
        await finish_deletion(conn, deletion.id)
    return None


async def _erase_rows(pool: Pool, deletion: Deletion) -> Counter[str]:
    erased = Counter[str]()
    while True:
        async with _connection(pool) as conn:
            some = await erase_rows(conn, deletion.id, limit=ROWS_AT_ONCE)
        if not some:
            return erased
        erased += some


async def _erase_messages(pool: Pool, deletion: Deletion) -> Counter[str]:
    erased = Counter[str](messages=0)
    async with _connection(pool) as conn:
        tables = await list_message_tables(conn)
    for table in tables:
        looked_to: int | None = 0
        while looked_to is not None:
            async with _connection(pool) as conn:
                looked_to, some = await erase_messages(
                    conn, deletion.id, table, after=looked_to, limit=MESSAGES_AT_ONCE
                )
            erased["messages"] += some
    return erased


async def _erase_graph(pool: Pool, deletion: Deletion, driver: AsyncDriver) -> Counter[str]:
    """Delete what the graph holds: of what was deleted in Postgres, and of what only it holds."""
    workspace_id = deletion.workspace_id
    if deletion.scope == "workspace":
        return await erase_workspace(driver, workspace_id)
    erased = await _erase_marked(pool, deletion, driver, "memories")
    erased += await _erase_marked(pool, deletion, driver, "code_entities")
    if deletion.project is not None:
        erased += await erase_project(driver, workspace_id, deletion.project)
    if deletion.person is not None:
        erased += await erase_user(driver, workspace_id, deletion.person)
    return erased


async def _erase_marked(
    pool: Pool, deletion: Deletion, driver: AsyncDriver, kind: Literal["memories", "code_entities"]
) -> Counter[str]:
    erased, after = Counter[str](), ""
    while True:
        async with _connection(pool) as conn:
            ids = await list_marks(conn, deletion.id, kind, after=after, limit=ENTITIES_AT_ONCE)
        if not ids:
            return erased
        memories, files = (ids, []) if kind == "memories" else ([], ids)
        erased += await erase_entities(driver, deletion.workspace_id, memories, files)
        after = ids[-1]


async def _detect_again(deletion: Deletion, driver: AsyncDriver, embedder: Embedder) -> None:
    """Look at what is left: what was found in more than what is gone is found anew without it."""
    job = DetectPatterns(workspace_id=deletion.workspace_id, limit=SEEN_AT_ONCE)
    while (await detect_patterns(job, driver=driver, embedder=embedder)).has_more:
        pass


@asynccontextmanager
async def _connection(pool: Pool) -> AsyncGenerator[Connection]:
    with translated_errors():
        async with pool.connection() as conn:
            yield conn
