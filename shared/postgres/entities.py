"""Reads memories and source files for the services that work on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from shared.domain.entities import CodeEntity, Memory

LOAD_MEMORIES: Final[LiteralString] = """
SELECT id, workspace_id, user_id, chunk_id, session_id, project_name, type, content, metadata,
       occurred_at, created_at, updated_at
FROM memories WHERE id = ANY(%(ids)s)
"""
LOAD_CODE: Final[LiteralString] = """
SELECT id, workspace_id, user_id, project_name, path, name, type, language, content, metadata,
       created_at, updated_at
FROM code_entities WHERE id = ANY(%(ids)s)
"""


async def load_memories(conn: AsyncConnection[TupleRow], ids: Sequence[UUID]) -> dict[UUID, Memory]:
    """Return the memories that exist, whatever their workspace: compare it before any use."""
    async with conn.cursor(row_factory=class_row(Memory)) as cursor:
        await cursor.execute(LOAD_MEMORIES, {"ids": list(ids)})
        return {memory.id: memory async for memory in cursor}


async def load_code(conn: AsyncConnection[TupleRow], ids: Sequence[UUID]) -> dict[UUID, CodeEntity]:
    """Return the source files that exist, whatever their workspace: compare it before any use."""
    async with conn.cursor(row_factory=class_row(CodeEntity)) as cursor:
        await cursor.execute(LOAD_CODE, {"ids": list(ids)})
        return {file.id: file async for file in cursor}
