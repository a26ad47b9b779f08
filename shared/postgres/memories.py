"""Stores memories as senders give them; one row for each (workspace, chunk)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from pydantic_core import to_json

from shared.domain.content_hash import content_hash
from shared.messages import Metadata

# Arrays travel in binary (%b): psycopg would escape each element of a text array.
# Sorted, so that two requests with the same chunks lock them in the same order.
SAVE_MEMORIES: Final[LiteralString] = """
INSERT INTO memories AS m (
    workspace_id, user_id, chunk_id, session_id, project_name, type, content, metadata,
    content_hash, occurred_at)
SELECT %(workspace_id)s, %(user_id)s, chunk_id, session_id, project_name, type, content, metadata,
       content_hash, occurred_at
FROM unnest(
    %(chunk_ids)b::text[], %(session_ids)b::text[], %(project_names)b::text[], %(types)b::text[],
    %(contents)b::text[], %(metadata)b::jsonb[], %(hashes)b::bytea[],
    %(occurred_at)b::timestamptz[]
) AS sent (chunk_id, session_id, project_name, type, content, metadata, content_hash, occurred_at)
ORDER BY chunk_id
ON CONFLICT ON CONSTRAINT memories_one_per_chunk DO UPDATE SET
    user_id = excluded.user_id,
    session_id = excluded.session_id,
    project_name = excluded.project_name,
    type = excluded.type,
    content = excluded.content,
    metadata = excluded.metadata,
    content_hash = excluded.content_hash,
    occurred_at = excluded.occurred_at,
    updated_at = greatest(clock_timestamp(), m.updated_at + interval '1 microsecond')
WHERE m.content_hash <> excluded.content_hash
RETURNING chunk_id, id
"""
# A statement of its own: it must see rows that another request committed during the first.
FIND_MEMORY_IDS: Final[LiteralString] = """
SELECT chunk_id, id FROM memories
WHERE workspace_id = %(workspace_id)s AND chunk_id = ANY(%(chunk_ids)s)
"""
FIND_OWNER: Final[LiteralString] = """
SELECT workspace_id FROM memories WHERE id = %(id)s AND workspace_id = ANY(%(workspace_ids)s)
"""
SAMPLE_MEMORIES: Final[LiteralString] = """
SELECT content, session_id, metadata FROM memories
WHERE workspace_id = %(workspace_id)s
ORDER BY id LIMIT %(limit)s
"""
STORE_MEMORY: Final[LiteralString] = """
SELECT store_memory(
    %(id)s, %(user_id)s, %(content)s, %(workspace_id)s, %(metadata)s::jsonb)
"""


@dataclass(frozen=True, slots=True)
class MemoryDraft:
    """A memory that was checked and may be stored."""

    chunk_id: str
    session_id: str | None
    project_name: str | None
    type: str
    content: str
    metadata: Metadata
    occurred_at: datetime

    def content_hash(self) -> bytes:
        """Return the hash of all that a sender may change; `occurred_at` follows from metadata."""
        return content_hash(
            self.session_id, self.project_name, self.type, self.content, self.metadata
        )


@dataclass(frozen=True, slots=True)
class Saved:
    """Where a draft is stored, and whether anything has to be done about it."""

    id: UUID
    is_changed: bool


async def save_memories(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    user_id: UUID,
    drafts: Sequence[MemoryDraft],
) -> dict[str, Saved]:
    """Insert or replace rows and return them by chunk id; chunk ids must be distinct."""
    cursor = await conn.execute(
        SAVE_MEMORIES,
        {
            "workspace_id": workspace_id,
            "user_id": user_id,
            "chunk_ids": [draft.chunk_id for draft in drafts],
            "session_ids": [draft.session_id for draft in drafts],
            "project_names": [draft.project_name for draft in drafts],
            "types": [draft.type for draft in drafts],
            "contents": [draft.content for draft in drafts],
            "metadata": [Jsonb(draft.metadata, to_json) for draft in drafts],
            "hashes": [draft.content_hash() for draft in drafts],
            "occurred_at": [draft.occurred_at for draft in drafts],
        },
    )
    saved = {chunk_id: Saved(row_id, is_changed=True) async for chunk_id, row_id in cursor}
    unchanged = [draft.chunk_id for draft in drafts if draft.chunk_id not in saved]
    return saved | await _find_unchanged(conn, workspace_id, unchanged)


async def _find_unchanged(
    conn: AsyncConnection[TupleRow], workspace_id: str, chunk_ids: Iterable[str]
) -> dict[str, Saved]:
    if not (wanted := list(chunk_ids)):
        return {}
    cursor = await conn.execute(
        FIND_MEMORY_IDS, {"workspace_id": workspace_id, "chunk_ids": wanted}
    )
    return {chunk_id: Saved(row_id, is_changed=False) async for chunk_id, row_id in cursor}


async def find_memory_owner(
    conn: AsyncConnection[TupleRow], workspace_ids: Sequence[str], memory_id: UUID
) -> str | None:
    """Return which of the workspaces has this memory."""
    wanted = {"id": memory_id, "workspace_ids": list(workspace_ids)}
    row = await (await conn.execute(FIND_OWNER, wanted)).fetchone()
    return None if row is None else str(row[0])


async def sample_memories(
    conn: AsyncConnection[TupleRow], workspace_id: str, *, limit: int
) -> list[tuple[str, str | None, Metadata]]:
    """Return content, session and metadata of some of a workspace's memories, the same each time.

    In the order of their random ids, so they are of all times and projects.
    """
    values = {"workspace_id": workspace_id, "limit": limit}
    return [(row[0], row[1], row[2]) async for row in await conn.execute(SAMPLE_MEMORIES, values)]


async def store_memory(
    conn: AsyncConnection[TupleRow],
    *,
    memory_id: UUID,
    user_id: UUID,
    workspace_id: str,
    content: str,
    metadata: Metadata,
) -> UUID:
    """Store a memory whose id the sender chose and return the id it has.

    A chunk that is stored under another id already keeps that one.
    """
    cursor = await conn.execute(
        STORE_MEMORY,
        {
            "id": memory_id,
            "user_id": user_id,
            "workspace_id": workspace_id,
            "content": content,
            "metadata": Jsonb(metadata),
        },
    )
    row = await cursor.fetchone()
    return row[0] if row else memory_id
