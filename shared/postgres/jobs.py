"""What was asked for, and how far it is.

Progress is derived: a job's messages carry its id, and stand in the queue, in the archive (done, or
marked as cancelled) or among the dead letters. So a job can never disagree with its queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.errors import ObjectInUse
from psycopg.rows import TupleRow, class_row

from shared.errors import BeingDeletedError
from shared.messages import QUEUES
from shared.postgres.queues import ARCHIVED_STATE, MESSAGE_STATE, STEP_IN_HAND

CREATE_JOB: Final[LiteralString] = """
INSERT INTO jobs (id, workspace_id, user_id, kind, submitted, key_id, project_name, content_bytes)
VALUES (%(id)s, %(workspace_id)s, %(user_id)s, %(kind)s, %(submitted)s, %(key_id)s,
        %(project_name)s, %(content_bytes)s)
"""
GROW_JOB: Final[LiteralString] = f"""
{CREATE_JOB} ON CONFLICT (id) DO UPDATE SET submitted = jobs.submitted + excluded.submitted
"""
MESSAGES_OF_JOBS: Final[LiteralString] = """
SELECT headers->>'job_id' AS job_id, {state} AS state,
       headers->>'last_error' AS error, last_read_at AS at, vt AS held_until, {step} AS step
FROM pgmq.q_{queue} AS message WHERE headers->>'job_id' = ANY(%(job_ids)s)
UNION ALL
SELECT headers->>'job_id', {archived_state}, NULL, NULL, NULL, NULL
FROM pgmq.a_{queue} WHERE headers->>'job_id' = ANY(%(job_ids)s)
UNION ALL
SELECT headers->>'job_id', 'dead', headers->>'last_error', enqueued_at, NULL, NULL
FROM pgmq.q_{queue}_dlq WHERE headers->>'job_id' = ANY(%(job_ids)s)
"""
COUNT_MESSAGES: Final[LiteralString] = """
SELECT job_id::uuid AS job_id,
       count(*) FILTER (WHERE state IN ('waiting', 'delayed')) AS waiting,
       count(*) FILTER (WHERE state = 'running') AS running,
       count(*) FILTER (WHERE state = 'retrying') AS retrying,
       count(*) FILTER (WHERE state = 'done') AS done,
       count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE state = 'dead') AS dead,
       (array_agg(error ORDER BY at DESC) FILTER (WHERE error IS NOT NULL))[1] AS last_error,
       max(held_until) FILTER (WHERE state = 'running') AS held_until,
       (array_agg(step ORDER BY step->>'told_at' DESC)
            FILTER (WHERE state = 'running' AND step IS NOT NULL))[1] AS step
FROM (
    {messages}
) AS message
GROUP BY job_id
""".format(
    messages="UNION ALL".join(
        [
            MESSAGES_OF_JOBS.format(
                queue=queue,
                state=MESSAGE_STATE,
                archived_state=ARCHIVED_STATE,
                step=STEP_IN_HAND.format(queue=queue),
            )
            for queue in QUEUES
        ]
    )
)
FIND_JOB: Final[LiteralString] = """
SELECT id, user_id, kind, submitted, created_at FROM jobs
WHERE id = %(id)s AND workspace_id = %(workspace_id)s
"""


@dataclass(frozen=True, slots=True)
class Job:
    """What was asked for."""

    id: UUID
    user_id: UUID
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
    cancelled: int = 0
    dead: int = 0
    last_error: str | None = None
    held_until: datetime | None = None
    """When the lease ends that was given or extended last; None where nothing is in hand."""
    step: dict[str, Any] | None = None
    """What a handler said last of what it has in hand, as `STEP_IN_HAND` has it."""

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
    values = _job_row(job_id, workspace_id, user_id, kind, submitted) | {
        "key_id": key_id,
        "project_name": project_name,
        "content_bytes": content_bytes,
    }
    try:
        await conn.execute(CREATE_JOB, values)
    except ObjectInUse as error:  # raised by the table's trigger
        reason = "what this belongs to is being deleted; send it again when that is done"
        raise BeingDeletedError(reason) from error


async def grow_job(
    conn: AsyncConnection[TupleRow],
    *,
    job_id: UUID,
    workspace_id: str,
    user_id: UUID,
    kind: str,
    submitted: int,
) -> None:
    """Add so many messages to a job, which is made with the first of them; as `create_job`."""
    await conn.execute(GROW_JOB, _job_row(job_id, workspace_id, user_id, kind, submitted))


def _job_row(
    job_id: UUID, workspace_id: str, user_id: UUID, kind: str, submitted: int
) -> dict[str, object]:
    return {
        "id": job_id,
        "workspace_id": workspace_id,
        "user_id": user_id,
        "kind": kind,
        "submitted": submitted,
        "key_id": None,
        "project_name": None,
        "content_bytes": 0,
    }


async def find_job(conn: AsyncConnection[TupleRow], workspace_id: str, job_id: UUID) -> Job | None:
    """Return one job of the workspace."""
    async with conn.cursor(row_factory=class_row(Job)) as cursor:
        await cursor.execute(FIND_JOB, {"id": job_id, "workspace_id": workspace_id})
        return await cursor.fetchone()


async def count_messages(
    conn: AsyncConnection[TupleRow], job_ids: Sequence[UUID]
) -> dict[UUID, Progress]:
    """Return how far these jobs are, from one snapshot; the caller checked whose they are."""
    async with conn.cursor(row_factory=class_row(Progress)) as cursor:
        await cursor.execute(COUNT_MESSAGES, {"job_ids": [str(job_id) for job_id in job_ids]})
        found = {progress.job_id: progress async for progress in cursor}
    return {job_id: found.get(job_id, Progress(job_id)) for job_id in job_ids}
