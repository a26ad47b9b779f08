"""The messages of one job, wherever they stand: what is worth a look first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, LiteralString, TypeAlias
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from shared.messages import QUEUES
from shared.postgres.jobs import COUNT_MESSAGES, Job, Progress
from shared.postgres.queues import ARCHIVED_STATE, MESSAGE_STATE, STEP_IN_HAND
from shared.postgres.workspaces import own_spellings

Place: TypeAlias = Literal["queue", "archive", "dead"]
MessageState: TypeAlias = Literal[
    "waiting", "delayed", "running", "retrying", "done", "cancelled", "dead"
]
MOST_MESSAGES: Final = 100
MOST_STORED_BYTES: Final = 8_000_000
"""Of all messages of a page together, as they are stored; what is beyond is named, not read."""

_COLUMNS: Final[LiteralString] = "read_ct, enqueued_at, last_read_at, vt AS due_at"
# Whoever may write to a queue may write any job's id: the group is who sent it.
_OF_JOB: Final[LiteralString] = """
headers->>'job_id' = %(job_id)s AND headers->>'group' = ANY (%(groups)s)
"""
_OF_QUEUE: Final[LiteralString] = """
SELECT '{queue}' AS queue, 'queue' AS place, msg_id, {state} AS state, {columns},
       NULL::timestamptz AS ended_at, {step} AS step, message.message, headers
FROM pgmq.q_{queue} AS message WHERE {of_job}
UNION ALL
SELECT '{queue}', 'archive', msg_id, {archived_state}, {columns}, archived_at, NULL,
       message, headers
FROM pgmq.a_{queue} WHERE {of_job}
UNION ALL
SELECT '{queue}', 'dead', msg_id, 'dead', {columns}, enqueued_at, NULL, message, headers
FROM pgmq.q_{queue}_dlq WHERE {of_job}
"""
_EVERYWHERE: Final[LiteralString] = "UNION ALL".join(
    [
        _OF_QUEUE.format(
            queue=queue,
            state=MESSAGE_STATE,
            archived_state=ARCHIVED_STATE,
            columns=_COLUMNS,
            step=STEP_IN_HAND.format(queue=queue),
            of_job=_OF_JOB,
        )
        for queue in QUEUES
    ]
)
_LIST_MESSAGES: Final[LiteralString] = """
WITH placed AS (
    SELECT *, row_number() OVER (
        ORDER BY array_position(
            ARRAY['dead', 'retrying', 'running', 'waiting', 'delayed', 'cancelled', 'done'], state),
            enqueued_at DESC, queue, place, msg_id
    ) AS rank
    FROM ({messages}) AS message
), sized AS (
    SELECT *, coalesce(pg_column_size(message), 0) AS stored_bytes,
           sum(coalesce(pg_column_size(message), 0) + coalesce(pg_column_size(headers), 0))
               OVER (ORDER BY rank) AS bytes_so_far
    FROM placed WHERE rank <= %(limit)s
)
SELECT queue, place, msg_id, state, read_ct, enqueued_at, last_read_at, due_at, ended_at,
       CASE WHEN state = 'running' THEN step END AS step, stored_bytes,
       CASE WHEN bytes_so_far <= %(bytes)s THEN message::text END AS message,
       CASE WHEN bytes_so_far <= %(bytes)s THEN headers::text END AS headers
FROM sized ORDER BY rank
"""
LIST_MESSAGES: Final[LiteralString] = _LIST_MESSAGES.format(messages=_EVERYWHERE)
_GET_MESSAGE: Final[LiteralString] = """
SELECT queue, place, msg_id, state, read_ct, enqueued_at, last_read_at, due_at, ended_at, step,
       coalesce(pg_column_size(message), 0) AS stored_bytes, message::text, headers::text
FROM ({messages}) AS message
WHERE queue = %(queue)s AND place = %(place)s AND msg_id = %(msg_id)s
"""
GET_MESSAGE: Final[LiteralString] = _GET_MESSAGE.format(messages=_EVERYWHERE)
_FIND_JOBS_WITH_PROGRESS: Final[LiteralString] = """
SELECT id, user_id, kind, submitted, created_at, progress.*
FROM jobs LEFT JOIN ({progress}) AS progress ON progress.job_id = jobs.id
WHERE id = ANY (%(ids)s) AND workspace_id = %(workspace_id)s
ORDER BY created_at DESC, id DESC
"""
FIND_JOBS_WITH_PROGRESS: Final[LiteralString] = _FIND_JOBS_WITH_PROGRESS.format(
    progress=COUNT_MESSAGES
)


@dataclass(frozen=True, slots=True)
class JobMessage:
    """One message of a job; `(queue, place, msg_id)` names it."""

    queue: str
    place: Place
    msg_id: int
    state: MessageState
    read_ct: int
    enqueued_at: datetime
    last_read_at: datetime | None
    due_at: datetime
    ended_at: datetime | None
    step: dict[str, Any] | None
    stored_bytes: int
    """Compressed, where Postgres does so."""
    message: str | None
    """JSON as text; None where there was too much before it."""
    headers: str | None


async def find_job_progress(
    conn: AsyncConnection[TupleRow], workspace_id: str, job_id: UUID
) -> tuple[Job, Progress] | None:
    """Return one job of the workspace and how far it is, from one snapshot."""
    found = await find_jobs_progress(conn, workspace_id, [job_id])
    return found[0] if found else None


async def find_jobs_progress(
    conn: AsyncConnection[TupleRow], workspace_id: str, job_ids: Sequence[UUID]
) -> list[tuple[Job, Progress]]:
    """Return those of the jobs that are the workspace's, newest first, and how far they are."""
    wanted = {
        "ids": list(job_ids),
        "job_ids": [str(job_id) for job_id in job_ids],
        "workspace_id": workspace_id,
    }
    rows = await (await conn.execute(FIND_JOBS_WITH_PROGRESS, wanted)).fetchall()
    return [(Job(*row[:5]), _read_progress(row[0], row[5:])) for row in rows]


def _read_progress(job_id: UUID, columns: Sequence[Any]) -> Progress:
    return Progress(job_id) if columns[0] is None else Progress(*columns)


async def list_messages(
    conn: AsyncConnection[TupleRow], workspace_id: str, job_id: UUID, limit: int = MOST_MESSAGES
) -> list[JobMessage]:
    """Return a job's messages: what failed first, then what is not done, the newest first."""
    async with conn.cursor(row_factory=class_row(JobMessage)) as cursor:
        await cursor.execute(
            LIST_MESSAGES,
            {**_of(workspace_id, job_id), "limit": limit, "bytes": MOST_STORED_BYTES},
        )
        return await cursor.fetchall()


async def find_message(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    job_id: UUID,
    *,
    queue: str,
    place: Place,
    msg_id: int,
) -> JobMessage | None:
    """Return one message whole."""
    wanted = {"queue": queue, "place": place, "msg_id": msg_id}
    async with conn.cursor(row_factory=class_row(JobMessage)) as cursor:
        await cursor.execute(GET_MESSAGE, {**_of(workspace_id, job_id), **wanted})
        return await cursor.fetchone()


def _of(workspace_id: str, job_id: UUID) -> dict[str, object]:
    return {"job_id": str(job_id), "groups": own_spellings(workspace_id)}
