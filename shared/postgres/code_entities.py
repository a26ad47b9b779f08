"""Stores source files as senders give them; one row for each (workspace, project, path)."""

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
from shared.postgres.memories import Saved

# Arrays travel in binary (%b): psycopg would escape each element of a text array.
# Sorted, so that two requests with the same files lock them in the same order.
SAVE_CODE_ENTITIES: Final[LiteralString] = """
INSERT INTO code_entities AS c (
    workspace_id, user_id, project_name, path, name, type, language, content, metadata,
    content_hash, last_modified)
SELECT %(workspace_id)s, %(user_id)s, %(project_name)s, path, name, 'file', language, content,
       metadata, content_hash, last_modified
FROM unnest(
    %(paths)b::text[], %(names)b::text[], %(languages)b::text[], %(contents)b::text[],
    %(metadata)b::jsonb[], %(hashes)b::bytea[], %(last_modified)b::timestamptz[]
) AS sent (path, name, language, content, metadata, content_hash, last_modified)
ORDER BY path
ON CONFLICT ON CONSTRAINT code_entities_one_per_path DO UPDATE SET
    user_id = excluded.user_id,
    name = excluded.name,
    language = excluded.language,
    content = excluded.content,
    metadata = excluded.metadata,
    content_hash = excluded.content_hash,
    last_modified = excluded.last_modified,
    updated_at = greatest(clock_timestamp(), c.updated_at + interval '1 microsecond')
WHERE c.content_hash <> excluded.content_hash
RETURNING path, id
"""
# A statement of its own: it must see rows that another request committed during the first.
FIND_CODE_IDS: Final[LiteralString] = """
SELECT path, id FROM code_entities
WHERE workspace_id = %(workspace_id)s AND project_name = %(project_name)s AND path = ANY(%(paths)s)
"""
HAS_CODE_ENTITY: Final[LiteralString] = """
SELECT FROM code_entities WHERE id = %(id)s AND workspace_id = ANY(%(workspace_ids)s)
"""


@dataclass(frozen=True, slots=True)
class FileDraft:
    """A source file that was checked and may be stored."""

    path: str
    language: str | None
    content: str
    metadata: Metadata
    last_modified: datetime | None

    @property
    def name(self) -> str:
        """The last segment of the path."""
        return self.path.rstrip("/").rpartition("/")[2] or self.path

    def content_hash(self) -> bytes:
        """Return the hash of what is worth another parse; touching a file changes nothing."""
        return content_hash(self.language, self.content, self.metadata)


async def save_code_entities(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    user_id: UUID,
    project_name: str,
    drafts: Sequence[FileDraft],
) -> dict[str, Saved]:
    """Insert or replace rows and return them by path; paths must be distinct."""
    cursor = await conn.execute(
        SAVE_CODE_ENTITIES,
        {
            "workspace_id": workspace_id,
            "user_id": user_id,
            "project_name": project_name,
            "paths": [draft.path for draft in drafts],
            "names": [draft.name for draft in drafts],
            "languages": [draft.language for draft in drafts],
            "contents": [draft.content for draft in drafts],
            "metadata": [Jsonb(draft.metadata, to_json) for draft in drafts],
            "hashes": [draft.content_hash() for draft in drafts],
            "last_modified": [draft.last_modified for draft in drafts],
        },
    )
    saved = {path: Saved(row_id, is_changed=True) async for path, row_id in cursor}
    unchanged = [draft.path for draft in drafts if draft.path not in saved]
    return saved | await _find_unchanged(conn, workspace_id, project_name, unchanged)


async def _find_unchanged(
    conn: AsyncConnection[TupleRow], workspace_id: str, project_name: str, paths: Iterable[str]
) -> dict[str, Saved]:
    if not (wanted := list(paths)):
        return {}
    cursor = await conn.execute(
        FIND_CODE_IDS,
        {"workspace_id": workspace_id, "project_name": project_name, "paths": wanted},
    )
    return {path: Saved(row_id, is_changed=False) async for path, row_id in cursor}


async def has_code_entity(
    conn: AsyncConnection[TupleRow], workspace_ids: Sequence[str], entity_id: UUID
) -> bool:
    """Return whether one of these spellings of a workspace has the file."""
    cursor = await conn.execute(
        HAS_CODE_ENTITY, {"id": entity_id, "workspace_ids": list(workspace_ids)}
    )
    return await cursor.fetchone() is not None
