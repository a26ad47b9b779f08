"""The current summary of each project, and the memories that the next one is written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from shared.messages import Metadata

MOST_MEMORIES: Final = 100

# "The last 7 days" end at the newest memory, so that imported projects are summarised too.
RECENT: Final[LiteralString] = """
WITH newest AS (
    SELECT occurred_at FROM memories
    WHERE workspace_id = %(workspace_id)s AND project_name = %(project_name)s
      AND occurred_at <= now()
    ORDER BY occurred_at DESC LIMIT 1
)
SELECT m.id, m.content, m.metadata, m.session_id, m.occurred_at, m.updated_at
FROM newest
JOIN memories m ON m.workspace_id = %(workspace_id)s AND m.project_name = %(project_name)s
WHERE m.occurred_at > newest.occurred_at - interval '7 days'
  AND m.occurred_at <= newest.occurred_at
ORDER BY m.occurred_at DESC, m.id
LIMIT %(limit)s
"""
READ_STATE: Final[LiteralString] = """
SELECT updated_at, last_memory_timestamp, memories_included,
       extract(epoch FROM now() - updated_at)::float8 AS age_seconds
FROM project_summaries
WHERE workspace_id = %(workspace_id)s AND project_name = %(project_name)s
"""
READ_CLOCK: Final[LiteralString] = "SELECT clock_timestamp()"
AWAIT_DELETION: Final[LiteralString] = "SELECT await_deletion(%(workspace_id)s)"
COUNT_SOURCES: Final[LiteralString] = """
SELECT count(*) FROM memories WHERE id = ANY(%(source_ids)s)
"""
# A worker that began earlier does not overwrite what another one read later.
SAVE_SUMMARY: Final[LiteralString] = """
INSERT INTO project_summaries AS s (
    workspace_id, project_name, summary, model, memories_included, source_ids,
    first_memory_timestamp, last_memory_timestamp, updated_at)
VALUES (
    %(workspace_id)s, %(project_name)s, %(summary)s, %(model)s, %(memories_included)s,
    %(source_ids)s, %(first_memory_timestamp)s, %(last_memory_timestamp)s, %(read_at)s)
ON CONFLICT (workspace_id, project_name) DO UPDATE SET
    summary = excluded.summary,
    model = excluded.model,
    memories_included = excluded.memories_included,
    source_ids = excluded.source_ids,
    first_memory_timestamp = excluded.first_memory_timestamp,
    last_memory_timestamp = excluded.last_memory_timestamp,
    updated_at = excluded.updated_at
WHERE s.updated_at <= excluded.updated_at
"""
LIST_SUMMARIES: Final[LiteralString] = """
SELECT project_name, summary, model, memories_included, last_memory_timestamp, created_at,
       updated_at
FROM project_summaries
WHERE workspace_id = %(workspace_id)s
  AND (%(project_name)s::text IS NULL OR project_name = %(project_name)s)
  AND (%(after_at)s::timestamptz IS NULL
       OR (updated_at <= %(after_at)s
           AND (updated_at < %(after_at)s OR project_name > %(after_name)s)))
ORDER BY updated_at DESC, project_name
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class RecentMemory:
    """A memory that a summary may be written from."""

    id: UUID
    content: str
    metadata: Metadata
    session_id: str | None
    occurred_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class SummaryState:
    """What the current summary was written from, and when that was read."""

    updated_at: datetime
    last_memory_timestamp: datetime
    memories_included: int
    age_seconds: float


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """A project's current summary."""

    project_name: str
    summary: str
    model: str
    memories_included: int
    last_memory_timestamp: datetime
    created_at: datetime
    updated_at: datetime


async def read_recent_memories(
    conn: AsyncConnection[TupleRow], workspace_id: str, project_name: str
) -> list[RecentMemory]:
    """Return the project's newest memories, at most 100 of its last seven days, newest first."""
    scope = {"workspace_id": workspace_id, "project_name": project_name, "limit": MOST_MEMORIES}
    async with conn.cursor(row_factory=class_row(RecentMemory)) as cursor:
        await cursor.execute(RECENT, scope)
        return await cursor.fetchall()


async def find_state(
    conn: AsyncConnection[TupleRow], workspace_id: str, project_name: str
) -> SummaryState | None:
    """Return the current summary's state."""
    async with conn.cursor(row_factory=class_row(SummaryState)) as cursor:
        scope = {"workspace_id": workspace_id, "project_name": project_name}
        await cursor.execute(READ_STATE, scope)
        return await cursor.fetchone()


async def read_clock(conn: AsyncConnection[TupleRow]) -> datetime:
    """Return the server's time, which all workers share."""
    row = await (await conn.execute(READ_CLOCK)).fetchone()
    if row is None:
        raise RuntimeError("a SELECT without FROM returned no row")
    return row[0]


async def save_summary(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    project_name: str,
    *,
    summary: str,
    model: str,
    sources: Sequence[RecentMemory],
    read_at: datetime,
) -> bool:
    """Replace the project's summary, unless one of later memories is there. Safe to repeat.

    Returns false and stores nothing where one of its sources, the newest first, is gone: what was
    deleted must not come back in a summary.
    """
    values = {
        "workspace_id": workspace_id,
        "project_name": project_name,
        "summary": summary,
        "model": model,
        "memories_included": len(sources),
        "source_ids": [source.id for source in sources],
        "first_memory_timestamp": sources[-1].occurred_at,
        "last_memory_timestamp": sources[0].occurred_at,
        "read_at": read_at,
    }
    await conn.execute(AWAIT_DELETION, values)
    row = await (await conn.execute(COUNT_SOURCES, values)).fetchone()
    if row != (len(sources),):
        return False
    await conn.execute(SAVE_SUMMARY, values)
    return True


async def list_summaries(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    project_name: str | None = None,
    *,
    limit: int = 100,
    after: tuple[datetime, str] | None = None,
) -> list[ProjectSummary]:
    """Return a page of a workspace's summaries, the newest first."""
    at, name = after or (None, None)
    scope = {
        "workspace_id": workspace_id,
        "project_name": project_name,
        "limit": limit,
        "after_at": at,
        "after_name": name,
    }
    async with conn.cursor(row_factory=class_row(ProjectSummary)) as cursor:
        await cursor.execute(LIST_SUMMARIES, scope)
        return await cursor.fetchall()
