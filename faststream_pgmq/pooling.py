"""The pool of connections: hands out none that is broken, and never stops trying to connect."""

from __future__ import annotations

import select
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

RECONNECT_SECONDS: Final = 2.0
"""Seconds of tries, at growing intervals, before they begin anew: nobody waits for long."""

Pool = AsyncConnectionPool[AsyncConnection[Any]]


def make_pool(dsn: str, size: int, options: dict[str, Any]) -> Pool:
    """Return a closed pool."""

    async def check(conn: AsyncConnection[Any]) -> None:
        if _has_ended(conn):
            # The others have probably met the same fate, and the pool waits longer at each.
            await pool.drain()
            raise psycopg.OperationalError("the server has ended this session")

    pool = Pool(
        dsn,
        min_size=1,
        max_size=size,
        open=False,
        kwargs=options,
        name="faststream-pgmq",
        check=check,
        reconnect_timeout=RECONNECT_SECONDS,
        reconnect_failed=_try_again,
    )
    return pool


def _has_ended(conn: AsyncConnection[Any]) -> bool:
    """Return whether the server has closed this idle connection. No query."""
    try:
        if _has_input(conn):
            # A notice, perhaps; but the end of a session is followed by the end of the stream.
            conn.pgconn.consume_input()
        return _has_input(conn)
    except psycopg.Error:
        return True


def _has_input(conn: AsyncConnection[Any]) -> bool:
    poll = select.poll()
    poll.register(conn.fileno(), select.POLLIN)
    return bool(poll.poll(0))


async def _try_again(pool: Pool) -> None:
    # Else who waits for a connection already would wait for the next one who asks.
    if not pool.closed and not pool.get_stats()["pool_available"]:
        await pool.check()
