"""What consumers do where LISTEN and session locks do not work, and how that is found out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from psycopg import sql

from faststream_pgmq import session_queries
from faststream_pgmq.connecting import connect
from faststream_pgmq.delivery import Claimed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg import AsyncConnection

POLL_INTERVAL: Final = 1.0
"""Seconds between two looks at an idle queue that nobody can be woken for."""
HEARING: Final = 5.0
THROUGH_POOLER: Final = 2.0
"""Seconds within which a notification must arrive at a start; it takes a millisecond."""
NO_LISTENER: Final = (
    "notifications do not arrive through {where}, as through PgBouncer in transaction mode, so "
    f"queues are polled every {POLL_INTERVAL} s; give PgmqBroker a listen_conninfo that leads to "
    "the same database without a pooler, or through one in session mode"
)


class Poller:
    """Stands in for the doorbell; uses nothing that belongs to a session."""

    async def listen(self) -> None:
        """Pauses are seen by the next read."""

    async def sleep(
        self,
        read: Callable[[], Awaitable[Claimed]],
        limit: float,
        *,
        paused: bool = False,
    ) -> Claimed:
        """Return after `limit` seconds or the poll interval; the caller reads then."""
        await asyncio.sleep(min(limit, POLL_INTERVAL))
        return Claimed([])

    async def close(self) -> None:
        """Nothing to close."""


async def is_pooled(conn: AsyncConnection[Any]) -> bool:
    """Return whether a pooler stands in between: it made up the process id told at the login."""
    row = await (await conn.execute(session_queries.BACKEND_PID)).fetchone()
    return row is None or row[0] != conn.info.backend_pid


async def can_listen(dsn: str, sender: AsyncConnection[Any]) -> bool:
    """Return whether an idle connection to `dsn` hears what `sender` tells.

    Tried and not guessed: poolers in transaction mode accept LISTEN and deliver nothing.

    Raises:
        PgmqConnectionError: Postgres does not answer.
    """
    channel = f"pgmq_bell_test.{uuid4().hex}"
    conn = await connect(dsn)
    try:
        await conn.execute(sql.SQL(session_queries.LISTEN).format(channel=sql.Identifier(channel)))
        seconds = THROUGH_POOLER if await is_pooled(conn) else HEARING
        await sender.execute(session_queries.NOTIFY, (channel,))
        return bool([told async for told in conn.notifies(timeout=seconds, stop_after=1)])
    finally:
        await conn.close()
