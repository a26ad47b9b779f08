"""Takes a job's messages out of the queues, as `cancel_job` of migration 0016 does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row
from psycopg_pool import AsyncConnectionPool

# A dead letter that was sent again since is new work.
IS_CANCELLED: Final[LiteralString] = """
SELECT EXISTS (SELECT FROM pgmq.q_pattern_detection
               WHERE msg_id = %(msg_id)s
                 AND jsonb_typeof(headers->'cancel_requested') = 'number'
                 AND (headers->>'cancel_requested')::numeric >= extract(epoch FROM enqueued_at))
"""
CANCEL_JOB: Final[LiteralString] = "SELECT cancelled, running FROM cancel_job(%s)"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of a job's messages."""

    cancelled: int
    running: int
    """Still in hand: these are finished, and not tried again."""


async def cancel_job(conn: AsyncConnection[TupleRow], job_id: UUID) -> Cancelled | None:
    """Cancel what is left of a job of the workspace that this transaction is for; None without one.

    Safe to repeat.
    """
    async with conn.cursor(row_factory=class_row(Cancelled)) as cursor:
        await cursor.execute(CANCEL_JOB, (job_id,))
        return await cursor.fetchone()


async def is_cancelled(pool: AsyncConnectionPool, msg_id: int) -> bool:
    """Return whether somebody cancelled the job of a detection request that is in hand."""
    async with pool.connection() as conn:
        [(found,)] = await (await conn.execute(IS_CANCELLED, {"msg_id": msg_id})).fetchall()
    return found
