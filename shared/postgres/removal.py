"""Deletes memories and source files, and tells what was deleted from what was never stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

REMOVE_MEMORIES: Final[LiteralString] = """
SELECT remove_memories(%(workspace_id)s, %(chunk_ids)s)
"""
REMOVE_CODE: Final[LiteralString] = """
SELECT remove_code_entities(%(workspace_id)s, %(project_name)s, %(paths)s)
"""
FIND_REMOVED: Final[LiteralString] = """
SELECT id, workspace_id FROM removed_entities AS r
WHERE id = ANY(%(ids)s)
  AND NOT EXISTS (SELECT FROM memories WHERE id = r.id)
  AND NOT EXISTS (SELECT FROM code_entities WHERE id = r.id)
"""
FIND_HELD: Final[LiteralString] = """
SELECT id FROM memories WHERE id = ANY(%(ids)s)
UNION ALL
SELECT id FROM code_entities WHERE id = ANY(%(ids)s)
"""


async def remove_memories(
    conn: AsyncConnection[TupleRow], workspace_id: str, chunk_ids: Sequence[str]
) -> list[UUID]:
    """Delete a workspace's memories by chunk and return their ids.

    Belongs in the transaction that sends `RemoveEntities`.
    """
    values = {"workspace_id": workspace_id, "chunk_ids": list(chunk_ids)}
    return [row[0] async for row in await conn.execute(REMOVE_MEMORIES, values)]


async def remove_code_entities(
    conn: AsyncConnection[TupleRow], workspace_id: str, project_name: str, paths: Sequence[str]
) -> list[UUID]:
    """Delete files of a workspace's project and return their ids.

    Belongs in the transaction that sends `RemoveEntities`.
    """
    values = {"workspace_id": workspace_id, "project_name": project_name, "paths": list(paths)}
    return [row[0] async for row in await conn.execute(REMOVE_CODE, values)]


async def find_removed(conn: AsyncConnection[TupleRow], ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the workspace of each of the ids that was deleted and has not been stored again."""
    return dict(await (await conn.execute(FIND_REMOVED, {"ids": list(ids)})).fetchall())


async def find_held(conn: AsyncConnection[TupleRow], ids: Sequence[UUID]) -> set[UUID]:
    """Return which of the ids are stored."""
    return {row[0] async for row in await conn.execute(FIND_HELD, {"ids": list(ids)})}
