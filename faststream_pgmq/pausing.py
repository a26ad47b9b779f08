"""Pauses a queue for all its consumers, in every process, and lets them go on.

Not to be confused with the error `Pause`, by which a handler stops one subscriber until what it
needs is up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg import errors

from faststream_pgmq.errors import QueueNotFoundError
from faststream_pgmq.queries import tables

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import AsyncConnection

_PAUSE: Final[LiteralString] = "SELECT faststream_pgmq.pause(%s, %s)"
_RESUME: Final[LiteralString] = "SELECT faststream_pgmq.resume(%s)"
_PAUSED: Final[LiteralString] = (
    "SELECT queue, reason, paused_at, paused_by FROM faststream_pgmq.paused_queues()"
)


@dataclass(frozen=True, slots=True)
class PausedQueue:
    """A queue from which nobody may claim."""

    queue: str
    """In lower case, as its tables are."""
    reason: str
    paused_at: datetime
    paused_by: str
    """The database role."""


async def pause_queue(conn: AsyncConnection[Any], queue: str, reason: str = "") -> bool:
    """Let nobody claim from a queue, once this commits; return whether it was not paused before.

    Raises:
        QueueNotFoundError: there is no such queue.
    """
    try:
        cursor = await conn.execute(_PAUSE, (queue, reason))
    except errors.UndefinedTable as error:
        raise QueueNotFoundError(queue, f"pgmq.{tables(queue)[0]}") from error
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def resume_queue(conn: AsyncConnection[Any], queue: str) -> bool:
    """Let everybody claim again, once this commits; return whether the queue was paused."""
    row = await (await conn.execute(_RESUME, (queue,))).fetchone()
    return row is not None and bool(row[0])


async def paused_queues(conn: AsyncConnection[Any]) -> list[PausedQueue]:
    """Return the queues that are paused for all consumers, longest first."""
    return [PausedQueue(*row) for row in await (await conn.execute(_PAUSED)).fetchall()]
