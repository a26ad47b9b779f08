"""Pauses queues for everybody, and lets them go on, in the name of who asked for it."""

from __future__ import annotations

from typing import Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.live import tell

PAUSE_QUEUE: Final[LiteralString] = "SELECT pause_queue(%(queue)s, %(reason)s, %(paused_by)s)"
RESUME_QUEUE: Final[LiteralString] = "SELECT resume_queue(%(queue)s)"


async def pause_queue(
    conn: AsyncConnection[TupleRow], queue: str, *, reason: str, paused_by: str
) -> bool:
    """Let nobody claim from a queue once this commits; return whether it was not paused before."""
    values = {"queue": queue, "reason": reason, "paused_by": paused_by}
    row = await (await conn.execute(PAUSE_QUEUE, values)).fetchone()
    await tell(conn, "queues")
    return row == (True,)


async def resume_queue(conn: AsyncConnection[TupleRow], queue: str) -> bool:
    """Let everybody claim again once this commits; return whether the queue was paused."""
    row = await (await conn.execute(RESUME_QUEUE, {"queue": queue})).fetchone()
    await tell(conn, "queues")
    return row == (True,)
