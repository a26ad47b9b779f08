"""The current summary of each project, and the memories that the next one is written from."""

from __future__ import annotations

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
# Which versions of which memories. Not the newest change: one may commit after a later one.
SOURCES_DIGEST: Final[LiteralString] = """
sha256(convert_to(
    string_agg(concat_ws(' ', id, extract(epoch FROM updated_at)), ',' ORDER BY id), 'UTF8'))
"""
READ_SOURCES: Final[LiteralString] = f"""
WITH recent AS ({RECENT})
SELECT id, content, metadata, session_id, occurred_at,
       (SELECT {SOURCES_DIGEST} FROM recent) AS digest
FROM recent ORDER BY occurred_at DESC, id
"""
READ_STATE: Final[LiteralString] = """
SELECT updated_at, sources_digest,
       extract(epoch FROM now() - updated_at)::float8 AS age_seconds
FROM project_summaries
WHERE workspace_id = %(workspace_id)s AND project_name = %(project_name)s
"""
READ_CLOCK: Final[LiteralString] = "SELECT clock_timestamp()"
AWAIT_DELETION: Final[LiteralString] = "SELECT await_deletion(%(workspace_id)s)"
COUNT_SOURCES: Final[LiteralString] = """
SELECT count(*) FROM memories WHERE id = ANY(%(source_ids)s)
"""
# Only what was there when its sources were read: whoever stored another one meanwhile may have
# read more. A digest that was seen to be right can so not become that of an older text.
SAVE_SUMMARY: Final[LiteralString] = """
INSERT INTO project_summaries AS s (
    workspace_id, project_name, summary, model, memories_included, source_ids,
    sources_digest, first_memory_timestamp, last_memory_timestamp, updated_at)
VALUES (
    %(workspace_id)s, %(project_name)s, %(summary)s, %(model)s, %(memories_included)s,
    %(source_ids)s, %(digest)s, %(first_memory_timestamp)s, %(last_memory_timestamp)s, %(read_at)s)
ON CONFLICT (workspace_id, project_name) DO UPDATE SET
    summary = excluded.summary,
    model = excluded.model,
    memories_included = excluded.memories_included,
    source_ids = excluded.source_ids,
    sources_digest = excluded.sources_digest,
    first_memory_timestamp = excluded.first_memory_timestamp,
    last_memory_timestamp = excluded.last_memory_timestamp,
    updated_at = excluded.updated_at
WHERE s.updated_at = %(found_at)s
"""
FORGET_SUMMARY: Final[LiteralString] = """
DELETE FROM project_summaries
WHERE workspace_id = %(workspace_id)s AND project_name = %(project_name)s
  AND updated_at = %(found_at)s
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


@dataclass(frozen=True, slots=True)
class Sources:
    """What a summary may be written from, newest first, and which versions those are."""

    memories: list[RecentMemory]
    digest: bytes | None
    """None where there is no memory."""


@dataclass(frozen=True, slots=True)
class SummaryState:
    """Which sources the current summary was written from, and when those were read."""

    updated_at: datetime
    sources_digest: bytes | None
    """None where it was written before that was noted."""
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


async def read_sources(
    conn: AsyncConnection[TupleRow], workspace_id: str, project_name: str
) -> Sources:
    """Return the project's newest memories, at most 100 of its last seven days."""
    scope = {"workspace_id": workspace_id, "project_name": project_name, "limit": MOST_MEMORIES}
    rows = await (await conn.execute(READ_SOURCES, scope)).fetchall()
    return Sources([RecentMemory(*row[:-1]) for row in rows], rows[0][-1] if rows else None)


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
    sources: Sources,
    read_at: datetime,
    found: SummaryState | None,
) -> bool:
    """Replace the summary that was found before the sources were read. Safe to repeat.

    Returns false and stores nothing where another one is there, or where a source, the newest
    first, is gone: what was deleted must not come back in a summary.
    """
    memories = sources.memories
    values = {
        "workspace_id": workspace_id,
        "project_name": project_name,
        "summary": summary,
        "model": model,
        "memories_included": len(memories),
        "source_ids": [source.id for source in memories],
        "digest": sources.digest,
        "first_memory_timestamp": memories[-1].occurred_at,
        "last_memory_timestamp": memories[0].occurred_at,
        "read_at": read_at,
        "found_at": found and found.updated_at,
    }
    await conn.execute(AWAIT_DELETION, values)
    row = await (await conn.execute(COUNT_SOURCES, values)).fetchone()
    if row != (len(memories),):
        return False
    return (await conn.execute(SAVE_SUMMARY, values)).rowcount == 1


async def forget_summary(
    conn: AsyncConnection[TupleRow], workspace_id: str, project_name: str, found: SummaryState
) -> None:
    """Delete the summary that was found, unless another one is there. Safe to repeat."""
    values = {
        "workspace_id": workspace_id,
        "project_name": project_name,
        "found_at": found.updated_at,
    }
    await conn.execute(FORGET_SUMMARY, values)


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
