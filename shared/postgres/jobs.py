"""What was asked for, and how far it is.

Progress is derived: a job's messages carry its id, and stand in the queue, in the archive (done)
or among the dead letters. So a job can never disagree with its queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.errors import ObjectInUse
from psycopg.rows import TupleRow, class_row

from shared.errors import BeingDeletedError
from shared.messages import QUEUES
from shared.postgres.queues import MESSAGE_STATE

CREATE_JOB: Final[LiteralString] = """
INSERT INTO jobs (id, workspace_id, user_id, kind, submitted, key_id, project_name, content_bytes)
VALUES (%(id)s, %(workspace_id)s, %(user_id)s, %(kind)s, %(submitted)s, %(key_id)s,
        %(project_name)s, %(content_bytes)s)
"""
MESSAGES_OF_JOBS: Final[LiteralString] = """
SELECT headers->>'job_id' AS job_id, {state} AS state,
       headers->>'last_error' AS error, last_read_at AS at
FROM pgmq.q_{queue} WHERE headers->>'job_id' = ANY(%(job_ids)s)
UNION ALL
SELECT headers->>'job_id', 'done', NULL, NULL
FROM pgmq.a_{queue} WHERE headers->>'job_id' = ANY(%(job_ids)s)
UNION ALL
SELECT headers->>'job_id', 'dead', headers->>'last_error', enqueued_at
FROM pgmq.q_{queue}_dlq WHERE headers->>'job_id' = ANY(%(job_ids)s)
"""
COUNT_MESSAGES: Final[LiteralString] = """
SELECT job_id::uuid AS job_id,
       count(*) FILTER (WHERE state IN ('waiting', 'delayed')) AS waiting,
       count(*) FILTER (WHERE state = 'running') AS running,
       count(*) FILTER (WHERE state = 'retrying') AS retrying,
       count(*) FILTER (WHERE state = 'done') AS done,
       count(*) FILTER (WHERE state = 'dead') AS dead,
       (array_agg(error ORDER BY at DESC) FILTER (WHERE error IS NOT NULL))[1] AS last_error
FROM (
    {messages}
) AS message
GROUP BY job_id
""".format(
    messages="UNION ALL".join(
        [MESSAGES_OF_JOBS.format(queue=queue, state=MESSAGE_STATE) for queue in QUEUES]
    )
)
FIND_JOB: Final[LiteralString] = """
SELECT id, kind, submitted, created_at FROM jobs
WHERE id = %(id)s AND workspace_id = %(workspace_id)s
"""
# A request that changed nothing is no work to look at.
LIST_JOBS: Final[LiteralString] = """
SELECT id, kind, submitted, created_at FROM jobs
WHERE workspace_id = %(workspace_id)s AND submitted > 0
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s
"""
LIST_JOBS_BEFORE: Final[LiteralString] = """
SELECT id, kind, submitted, created_at FROM jobs
WHERE workspace_id = %(workspace_id)s AND submitted > 0
  AND (created_at, id) < (%(created_at)s, %(id)s)
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s
"""


class Place(NamedTuple):
    """Where a page of jobs starts: after this one."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Job:
    """What was asked for."""

    id: UUID
    kind: str
    submitted: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job's messages are."""

    job_id: UUID
    waiting: int = 0
    running: int = 0
    retrying: int = 0
    done: int = 0
    dead: int = 0
    last_error: str | None = None

    @property
    def unfinished(self) -> int:
        return self.waiting + self.running + self.retrying


async def create_job(
    conn: AsyncConnection[TupleRow],
    *,
    job_id: UUID,
    workspace_id: str,
    user_id: UUID,
    kind: str,
    submitted: int,
    key_id: UUID | None = None,
    project_name: str | None = None,
    content_bytes: int = 0,
) -> None:
    """Note what was asked for; belongs in the transaction that sends the messages.

    Raises:
        BeingDeletedError: it stores what belongs to what is being deleted.
    """
    values = {
        "id": job_id,
        "workspace_id": workspace_id,
        "user_id": user_id,
        "kind": kind,
        "submitted": submitted,
        "key_id": key_id,
        "project_name": project_name,
        "content_bytes": content_bytes,
    }
    try:
        await conn.execute(CREATE_JOB, values)
    except ObjectInUse as error:  # raised by the table's trigger
        reason = "what this belongs to is being deleted; send it again when that is done"
        raise BeingDeletedError(reason) from error


async def find_job(conn: AsyncConnection[TupleRow], workspace_id: str, job_id: UUID) -> Job | None:
    """Return one job of the workspace."""
    async with conn.cursor(row_factory=class_row(Job)) as cursor:
        await cursor.execute(FIND_JOB, {"id": job_id, "workspace_id": workspace_id})
        return await cursor.fetchone()


async def list_jobs(
    conn: AsyncConnection[TupleRow], workspace_id: str, *, limit: int, before: Place | None = None
) -> list[Job]:
    """Return a page of the workspace's jobs, newest first."""
    place = {} if before is None else {"created_at": before.created_at, "id": before.id}
    async with conn.cursor(row_factory=class_row(Job)) as cursor:
        await cursor.execute(
            LIST_JOBS if before is None else LIST_JOBS_BEFORE,
            {"workspace_id": workspace_id, "limit": limit, **place},
        )
        return await cursor.fetchall()


async def count_messages(
    conn: AsyncConnection[TupleRow], job_ids: Sequence[UUID]
) -> dict[UUID, Progress]:
    """Return how far these jobs are, from one snapshot; the caller checked whose they are."""
    async with conn.cursor(row_factory=class_row(Progress)) as cursor:
        await cursor.execute(COUNT_MESSAGES, {"job_ids": [str(job_id) for job_id in job_ids]})
        found = {progress.job_id: progress async for progress in cursor}
    return {job_id: found.get(job_id, Progress(job_id)) for job_id in job_ids}
