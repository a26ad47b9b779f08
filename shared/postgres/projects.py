"""The projects of a workspace: what each holds, how fresh its summary is, what that is made of.

Names are found by jumping through indexes, so a million memories cost no more than their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row, dict_row
from pydantic import TypeAdapter

from shared.postgres.project_summaries import MOST_MEMORIES, RECENT, SOURCES_DIGEST
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
# Of a summary that does not say, or where there is none: those that the next one would be from.
_SOURCES: Final[LiteralString] = """
SELECT id, chunk_id, session_id, occurred_at, left(content, %(excerpt)s) AS excerpt,
       left(content, %(read)s) AS text
FROM memories
WHERE workspace_id = %(workspace_id)s
  AND id = ANY(coalesce(nullif(s.source_ids, '{}'), recent.recent_ids))
ORDER BY occurred_at DESC, id
"""
# What changed since is judged by what the next summary would be written from.
FIND_PROJECT: Final[LiteralString] = f"""
{_PROJECT}, (recent.digest = s.sources_digest) IS NOT TRUE AS is_changed,
       (SELECT coalesce(jsonb_object_agg(day, n), '{{}}') FROM (
            SELECT (occurred_at AT TIME ZONE 'UTC')::date AS day, count(*) AS n FROM memories
            WHERE workspace_id = %(workspace_id)s AND project_name = p.name
              AND occurred_at >= %(since)s AND occurred_at < now()
            GROUP BY 1) AS days) AS days,
       ARRAY(SELECT pattern_id::text FROM pattern_reviews
             WHERE workspace_id = %(workspace_id)s AND project_name = p.name
               AND verdict = 'dismissed') AS dismissed,
       (SELECT coalesce(json_agg(source), '[]') FROM ({_SOURCES}) AS source) AS sources,
       ARRAY(SELECT id FROM jobs
             WHERE workspace_id = %(workspace_id)s AND project_name = p.name AND submitted > 0
             ORDER BY created_at DESC, id DESC LIMIT %(jobs)s) AS job_ids
FROM (VALUES (%(project_name)s)) AS p (name)
LEFT JOIN project_summaries AS s
       ON s.workspace_id = %(workspace_id)s AND s.project_name = p.name
CROSS JOIN (
    SELECT {SOURCES_DIGEST} AS digest, array_agg(id) AS recent_ids
    FROM ({RECENT}) AS m
) AS recent
"""
PROJECT_EXISTS: Final[LiteralString] = """
SELECT EXISTS (SELECT FROM memories
               WHERE workspace_id = %(workspace_id)s AND project_name = %(project_name)s)
    OR EXISTS (SELECT FROM code_entities
               WHERE workspace_id = %(workspace_id)s AND project_name = %(project_name)s)
    OR EXISTS (SELECT FROM project_summaries
               WHERE workspace_id = %(workspace_id)s AND project_name = %(project_name)s)
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
class Source:
    """A memory that a summary was written from, or the next one would be."""

    id: UUID
    chunk_id: str
    session_id: str | None
    occurred_at: datetime
    excerpt: str
    text: str
    """Its beginning, longer than the excerpt."""


@dataclass(frozen=True, slots=True)
class ProjectInFull(Project):
    """A project, what its summary was written from, and whether the next one would differ."""

    is_changed: bool
    """Whether the next summary would not be written from the same as the one that is there."""
    days: dict[str, int]
    """How many memories happened on each day that has any, in UTC."""
    dismissed: list[str]
    """Ids of patterns."""
    sources: list[Source]
    """Newest first, as far as they are there."""
    job_ids: list[UUID]
    """Its newest jobs."""

    @property
    def is_stale(self) -> bool:
        """Whether what it was written from came, changed or went: as the worker judges it."""
        return self.summarised_at is not None and self.is_changed

    @property
    def exists(self) -> bool:
        """Whether anything is known of it."""
        return bool(self.memories or self.files or self.summarised_at)


_FOUND: Final = TypeAdapter(ProjectInFull)


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
        "excerpt": EXCERPT_CHARACTERS,
        "read": READ_CHARACTERS,
        "jobs": JOBS_READ,
    }
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(FIND_PROJECT, values)
        found = _FOUND.validate_python(await cursor.fetchone())
    return found if found.exists else None


async def project_exists(
    conn: AsyncConnection[TupleRow], workspace_id: str, project_name: str
) -> bool:
    """Return whether the workspace has a memory, a file or a summary of a project."""
    values = {"workspace_id": workspace_id, "project_name": project_name}
    [(exists,)] = await (await conn.execute(PROJECT_EXISTS, values)).fetchall()
    return exists
