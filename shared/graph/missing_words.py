"""Gives memories and files the words that search reads, where they were written before it was."""

from __future__ import annotations

import asyncio
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import LONG_READ_SECONDS, read, write
from shared.graph.entity_words import Filters, index_text
from shared.graph.statements import Row

BATCH: Final = 500
_FOUND: Final[LiteralString] = """
WHERE n.words IS NULL AND n.content IS NOT NULL
  AND coalesce(n.occurred_at, n.updated_at) IS NOT NULL
RETURN n.workspace_id AS workspace_id, n.id AS id, n.project_name AS project_name,
       n.session_id AS session_id, n.language AS language, n.user_id AS user_id,
       CASE WHEN n.path IS NULL THEN n.content ELSE n.path + '\\n' + n.content END AS text,
       coalesce(n.occurred_at, n.updated_at) AS at
LIMIT $limit
"""
# The whole graph is read, once.
FIND_MEMORIES: Final[LiteralString] = f"MATCH (n:Memory) {_FOUND}"
FIND_CODE: Final[LiteralString] = f"MATCH (n:CodeEntity) {_FOUND}"
# What was written meanwhile has its own.
SAVE_MEMORIES: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:Memory {workspace_id: row.workspace_id, id: row.id})
SET n.words = coalesce(n.words, row.words)
"""
SAVE_CODE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:CodeEntity {workspace_id: row.workspace_id, id: row.id})
SET n.words = coalesce(n.words, row.words)
"""


async def add_missing_words(driver: AsyncDriver) -> None:
    """Write the words of all memories and files without any. Safe to repeat."""
    await _add(driver, FIND_MEMORIES, SAVE_MEMORIES, "memory")
    await _add(driver, FIND_CODE, SAVE_CODE, "code")


async def _add(driver: AsyncDriver, find: LiteralString, save: LiteralString, kind: str) -> None:
    async def find_some(tx: AsyncManagedTransaction) -> list[Row]:
        return await (await tx.run(find, limit=BATCH)).data()

    while found := await read(driver, find_some, seconds=LONG_READ_SECONDS):
        rows = await asyncio.to_thread(_rows, found, kind)

        async def save_some(tx: AsyncManagedTransaction, rows: list[Row] = rows) -> None:
            await (await tx.run(save, rows=rows)).consume()

        await write(driver, save_some)


def _rows(found: list[Row], kind: str) -> list[Row]:
    return [_row(one, kind) for one in found]


def _row(found: Row, kind: str) -> Row:
    own = Filters(
        "memory" if kind == "memory" else "code",
        found["project_name"],
        found["session_id"],
        found["language"],
        found["user_id"],
    )
    at = found["at"].to_native()
    words = index_text(found["workspace_id"], found["text"], own, at)
    return {"workspace_id": found["workspace_id"], "id": found["id"], "words": words}
