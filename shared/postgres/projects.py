"""The projects of a workspace: what each holds, how fresh its summary is, what that is made of.

Names are found by jumping through indexes, so a million memories cost no more than their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from shared.postgres.project_summaries import MOST_MEMORIES, RECENT
from shared.postgres.queues import COUNT_CAP

EXCERPT_CHARACTERS: Final = 240
JOBS_READ: Final = 20
READ_CHARACTERS: Final = 4_000
"""Of each source, where decisions are looked for."""

_NEXT_NAME: Final[LiteralString] = """
least(
    (SELECT project_name FROM memories
     WHERE workspace_id = %(workspace_id)s AND project_name > {after}
     ORDER BY project_name LIMIT 1),
    (SELECT project_name FROM code_entities
     WHERE workspace_id = %(workspace_id)s AND project_name > {after}
     ORDER BY project_name LIMIT 1),
    (SELECT project_name FROM project_summaries
     WHERE workspace_id = %(workspace_id)s AND project_name > {after}
     ORDER BY project_name LIMIT 1)
)
"""
_NAMES: Final[LiteralString] = f"""
WITH RECURSIVE names (name, n) AS (
    SELECT {_NEXT_NAME.format(after="%(after)s")}, 1
    UNION ALL
    SELECT {_NEXT_NAME.format(after="names.name")}, n + 1
    FROM names WHERE name IS NOT NULL AND n < %(limit)s
)
"""
_PROJECT: Final[LiteralString] = """
SELECT p.name,
       (SELECT count(*) FROM (
            SELECT FROM memories WHERE workspace_id = %(workspace_id)s AND project_name = p.name
            LIMIT %(cap)s) AS counted) AS memories,
       (SELECT count(*) FROM (
            SELECT FROM code_entities
            WHERE workspace_id = %(workspace_id)s AND project_name = p.name
            LIMIT %(cap)s) AS counted) AS files,
       (SELECT occurred_at FROM memories
        WHERE workspace_id = %(workspace_id)s AND project_name = p.name AND occurred_at <= now()
        ORDER BY occurred_at DESC LIMIT 1) AS newest_at,
       s.summary, s.model, s.memories_included, s.first_memory_timestamp,
       s.last_memory_timestamp, s.updated_at AS summarised_at
"""
LIST_PROJECTS: Final[LiteralString] = f"""
{_NAMES}
{_PROJECT}
FROM names AS p
LEFT JOIN project_summaries AS s
       ON s.workspace_id = %(workspace_id)s AND s.project_name = p.name
WHERE p.name IS NOT NULL
ORDER BY p.name
"""
# What changed since is judged by what the next summary would be written from.
FIND_PROJECT: Final[LiteralString] = f"""
{_PROJECT}, s.source_ids, recent.*,
       (SELECT coalesce(jsonb_object_agg(day, n), '{{}}') FROM (
            SELECT (occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n FROM memories
            WHERE workspace_id = %(workspace_id)s AND project_name = p.name
              AND occurred_at >= %(since)s AND occurred_at < now()
            GROUP BY 1) AS days) AS days,
       ARRAY(SELECT pattern_id::text FROM pattern_reviews
             WHERE workspace_id = %(workspace_id)s AND project_name = p.name
               AND verdict = 'dismissed') AS dismissed,
       ARRAY(SELECT id FROM jobs
             WHERE workspace_id = %(workspace_id)s AND project_name = p.name AND submitted > 0
             ORDER BY created_at DESC, id DESC LIMIT %(jobs)s) AS job_ids
FROM (VALUES (%(project_name)s)) AS p (name)
LEFT JOIN project_summaries AS s
       ON s.workspace_id = %(workspace_id)s AND s.project_name = p.name
CROSS JOIN (
    SELECT count(*) AS recent, max(updated_at) AS recent_changed_at,
           max(occurred_at) AS recent_newest_at, array_agg(id) AS recent_ids
    FROM ({RECENT}) AS m
) AS recent
"""
LIST_SOURCES: Final[LiteralString] = """
SELECT id, chunk_id, session_id, occurred_at, left(content, %(excerpt)s) AS excerpt,
       left(content, %(read)s) AS text
FROM memories
WHERE workspace_id = %(workspace_id)s AND id = ANY(%(ids)s)
ORDER BY occurred_at DESC, id
"""


@dataclass(frozen=True, slots=True)
class Project:
    """What a project holds; each count is at most `COUNT_CAP` + 1."""

    name: str
    memories: int
    files: int
    newest_at: datetime | None
    summary: str | None
    model: str | None
    memories_included: int | None
    first_memory_timestamp: datetime | None
    last_memory_timestamp: datetime | None
    summarised_at: datetime | None

    @property
    def is_stale(self) -> bool:
        """Whether something happened after what its summary was written from."""
        return self.summarised_at is not None and self.newest_at != self.last_memory_timestamp


@dataclass(frozen=True, slots=True)
class ProjectInFull(Project):
    """A project and what its next summary would be written from."""

    source_ids: list[UUID] | None
    recent: int
    recent_changed_at: datetime | None
    recent_newest_at: datetime | None
    recent_ids: list[UUID] | None
    days: dict[str, int]
    """How many memories happened on each day that has any, in UTC."""
    dismissed: list[str]
    """Ids of patterns."""
    job_ids: list[UUID]
    """Its newest jobs."""

    @property
    def is_stale(self) -> bool:
        """Whether what it was written from came, changed or went: as the worker judges it."""
        return self.summarised_at is not None and (
            self.recent != self.memories_included
            or self.recent_newest_at != self.last_memory_timestamp
            or (self.recent_changed_at or self.summarised_at) > self.summarised_at
        )

    @property
    def exists(self) -> bool:
        """Whether anything is known of it."""
        return bool(self.memories or self.files or self.summarised_at)


@dataclass(frozen=True, slots=True)
class Source:
    """A memory that a summary was written from."""

    id: UUID
    chunk_id: str
    session_id: str | None
    occurred_at: datetime
    excerpt: str
    text: str
    """Its beginning, longer than the excerpt."""


async def list_projects(
    conn: AsyncConnection[TupleRow], workspace_id: str, *, limit: int, after: str = ""
) -> list[Project]:
    """Return a page of a workspace's projects, by name."""
    values = {
        "workspace_id": workspace_id,
        "limit": limit,
        "after": after,
        "cap": COUNT_CAP + 1,
    }
    async with conn.cursor(row_factory=class_row(Project)) as cursor:
        await cursor.execute(LIST_PROJECTS, values)
        return await cursor.fetchall()


async def find_project(
    conn: AsyncConnection[TupleRow], workspace_id: str, project_name: str, *, since: datetime
) -> ProjectInFull | None:
    """Return one project that has a memory, a file or a summary; its activity since then."""
    values = {
        "workspace_id": workspace_id,
        "project_name": project_name,
        "limit": MOST_MEMORIES,
        "cap": COUNT_CAP + 1,
        "since": since,
        "jobs": JOBS_READ,
    }
    async with conn.cursor(row_factory=class_row(ProjectInFull)) as cursor:
        await cursor.execute(FIND_PROJECT, values)
        found = await cursor.fetchone()
    return found if found is not None and found.exists else None


async def list_sources(
    conn: AsyncConnection[TupleRow], workspace_id: str, project: ProjectInFull
) -> list[Source]:
    """Return the memories that a project's summary was written from, as far as they are there.

    Of a summary that does not say, or where there is none: those that the next one would be.
    """
    values = {
        "workspace_id": workspace_id,
        "ids": project.source_ids or project.recent_ids or [],
        "excerpt": EXCERPT_CHARACTERS,
        "read": READ_CHARACTERS,
    }
    async with conn.cursor(row_factory=class_row(Source)) as cursor:
        await cursor.execute(LIST_SOURCES, values)
        return await cursor.fetchall()
