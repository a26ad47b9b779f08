"""Which messages wrote one memory or file to the graph: when, by which job, in which trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from shared.postgres.queues import MESSAGE_STATE

_FIELDS: Final[LiteralString] = """
msg_id, headers->>'job_id' AS job_id, split_part(headers->>'traceparent', '-', 2) AS trace_id,
headers->>'last_error' AS error, enqueued_at
"""
_OF_ENTITY: Final[LiteralString] = """
WHERE coalesce(message->>'memory_id', message->>'code_entity_id') = %(id)s
  AND message->>'workspace_id' = ANY(%(workspace_ids)s)
"""
# Anybody may write headers: what is no uuid is no job.
FIND_MESSAGES: Final[LiteralString] = f"""
SELECT msg_id, state, enqueued_at, ended_at, nullif(trace_id, '') AS trace_id, error,
       CASE WHEN job_id ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'
            THEN job_id::uuid END AS job_id
FROM (
    SELECT {_FIELDS}, NULL::timestamptz AS ended_at, {MESSAGE_STATE} AS state
    FROM pgmq.q_memory_ingestion {_OF_ENTITY}
    UNION ALL
    SELECT {_FIELDS}, archived_at, 'done' FROM pgmq.a_memory_ingestion {_OF_ENTITY}
    UNION ALL
    SELECT {_FIELDS}, NULL, 'dead' FROM pgmq.q_memory_ingestion_dlq {_OF_ENTITY}
) AS message
ORDER BY enqueued_at DESC, msg_id DESC
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class EntityMessage:
    """One message about an entity; a message of the archive is kept for some days only."""

    msg_id: int
    state: Literal["waiting", "delayed", "running", "retrying", "done", "dead"]
    enqueued_at: datetime
    ended_at: datetime | None
    job_id: UUID | None
    trace_id: str | None
    error: str | None


async def find_entity_messages(
    conn: AsyncConnection[TupleRow],
    workspace_ids: Sequence[str],
    entity_id: str,
    *,
    limit: int = 10,
) -> list[EntityMessage]:
    """Return the newest messages about a memory or file, newest first."""
    wanted = {"id": entity_id, "workspace_ids": list(workspace_ids), "limit": limit}
    async with conn.cursor(row_factory=class_row(EntityMessage)) as cursor:
        await cursor.execute(FIND_MESSAGES, wanted)
        return await cursor.fetchall()
