"""Lists all that a workspace holds, page by page: each page is a range of an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, LiteralString, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

Kind: TypeAlias = Literal["memory", "code"]

LIST_MEMORIES: Final[LiteralString] = """
SELECT id, ARRAY[chunk_id] FROM memories
WHERE workspace_id = %(workspace_id)s
  AND (%(project_name)s::text IS NULL OR project_name = %(project_name)s)
ORDER BY chunk_id LIMIT %(limit)s
"""
LIST_MEMORIES_AFTER: Final[LiteralString] = """
SELECT id, ARRAY[chunk_id] FROM memories
WHERE workspace_id = %(workspace_id)s AND chunk_id > (%(after)s::text[])[1]
  AND (%(project_name)s::text IS NULL OR project_name = %(project_name)s)
ORDER BY chunk_id LIMIT %(limit)s
"""
LIST_FILES: Final[LiteralString] = """
SELECT id, ARRAY[project_name, path] FROM code_entities
WHERE workspace_id = %(workspace_id)s
  AND (%(project_name)s::text IS NULL OR project_name = %(project_name)s)
ORDER BY project_name, path LIMIT %(limit)s
"""
LIST_FILES_AFTER: Final[LiteralString] = """
SELECT id, ARRAY[project_name, path] FROM code_entities
WHERE workspace_id = %(workspace_id)s
  AND (project_name, path) > ((%(after)s::text[])[1], (%(after)s::text[])[2])
  AND (%(project_name)s::text IS NULL OR project_name = %(project_name)s)
ORDER BY project_name, path LIMIT %(limit)s
"""
_STATEMENTS: Final[dict[Kind, tuple[LiteralString, LiteralString]]] = {
    "memory": (LIST_MEMORIES, LIST_MEMORIES_AFTER),
    "code": (LIST_FILES, LIST_FILES_AFTER),
}
LIST_WORKSPACES: Final[LiteralString] = """
SELECT workspace_id FROM memories UNION SELECT workspace_id FROM code_entities
ORDER BY workspace_id
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the entities, and where the next page starts."""

    ids: list[UUID]
    after: Sequence[str]


async def list_stored(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    kind: Kind,
    *,
    project_name: str | None,
    limit: int,
    after: Sequence[str] | None = None,
) -> Page | None:
    """Return the next page of a workspace's memories or files, None where there is no more."""
    first, following = _STATEMENTS[kind]
    values = {"workspace_id": workspace_id, "project_name": project_name, "limit": limit}
    if after is None:
        found = await conn.execute(first, values)
    else:
        found = await conn.execute(following, {**values, "after": list(after)})
    rows = await found.fetchall()
    return Page([row[0] for row in rows], rows[-1][1]) if rows else None


async def list_workspaces(conn: AsyncConnection[TupleRow]) -> list[str]:
    """Return every workspace that holds anything, as its rows spell it."""
    return [row[0] async for row in await conn.execute(LIST_WORKSPACES)]
