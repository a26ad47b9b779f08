"""Reads what a workspace holds, batch by batch in the order of a key: memory stays bounded.

Each batch is a statement of its own, so a long export holds no snapshot open, which would keep
the queues' dead rows from being cleaned away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, LiteralString, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row

Kind: TypeAlias = Literal["memories", "code", "summaries", "jobs"]
ROWS_AT_ONCE: Final = 500

_FILTER: Final[LiteralString] = """
  AND (%(project)s::text IS NULL OR project_name = %(project)s)
  AND (%(user_id)s::uuid IS NULL OR user_id = %(user_id)s)
"""
STATEMENTS: Final[dict[Kind, LiteralString]] = {
    "memories": f"""
SELECT id, chunk_id, session_id, project_name, user_id, type, content, metadata, occurred_at,
       created_at, updated_at
FROM memories
WHERE workspace_id = %(workspace_id)s AND chunk_id > %(after)s {_FILTER}
ORDER BY chunk_id LIMIT %(limit)s
""",
    "code": f"""
SELECT id, project_name, path, name, type, language, user_id, content, metadata, last_modified,
       created_at, updated_at
FROM code_entities
WHERE workspace_id = %(workspace_id)s AND (project_name, path) > (%(after)s, %(then)s) {_FILTER}
ORDER BY project_name, path LIMIT %(limit)s
""",
    "summaries": """
SELECT project_name, summary, model, memories_included, source_ids, first_memory_timestamp,
       last_memory_timestamp, created_at, updated_at
FROM project_summaries
WHERE workspace_id = %(workspace_id)s AND project_name > %(after)s
  AND (%(project)s::text IS NULL OR project_name = %(project)s)
ORDER BY project_name LIMIT %(limit)s
""",
    "jobs": f"""
SELECT id, kind, user_id, key_id, project_name, submitted, content_bytes, created_at
FROM jobs
WHERE workspace_id = %(workspace_id)s
  AND (%(after)s = '' OR (created_at, id) < (nullif(%(after)s, '')::timestamptz,
                                             nullif(%(then)s, '')::uuid)) {_FILTER}
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
""",
}
_KEYS: Final[dict[Kind, tuple[str, str | None]]] = {
    "memories": ("chunk_id", None),
    "code": ("project_name", "path"),
    "summaries": ("project_name", None),
    "jobs": ("created_at", "id"),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of a workspace is exported."""

    workspace_id: str
    project: str | None = None
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows, and where the next batch starts; None at the end."""

    rows: Sequence[dict[str, Any]]
    next: tuple[str, str] | None


async def read_batch(
    conn: AsyncConnection[TupleRow],
    kind: Kind,
    chosen: Chosen,
    after: tuple[str, str] = ("", ""),
    *,
    limit: int = ROWS_AT_ONCE,
) -> Batch:
    """Return the next rows of one kind."""
    values = {
        "workspace_id": chosen.workspace_id,
        "project": chosen.project,
        "user_id": chosen.user_id,
        "after": after[0],
        "then": after[1],
        "limit": limit,
    }
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(STATEMENTS[kind], values)
        rows = await cursor.fetchall()
    return Batch(rows, _place(kind, rows[-1]) if len(rows) == limit else None)


def _place(kind: Kind, row: dict[str, Any]) -> tuple[str, str]:
    first, second = _KEYS[kind]
    return str(row[first]), str(row[second]) if second else ""
