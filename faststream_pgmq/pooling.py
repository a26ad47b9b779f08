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
    """Return a closed pool of autocommit connections."""
    return Pool(
        dsn,
        min_size=1,
        max_size=size,
        open=False,
        kwargs=options,
        name="faststream-pgmq",
        check=_check,
        reconnect_timeout=RECONNECT_SECONDS,
        reconnect_failed=_try_again,
    )


async def _check(conn: AsyncConnection[Any]) -> None:
    """Raise OperationalError if the server has closed this connection. No query."""
    if not _has_input(conn):
        return
    # A notice, perhaps; what ends a session is followed by the end of the stream.
    conn.pgconn.consume_input()
    if _has_input(conn):
        conn.pgconn.consume_input()
        raise psycopg.OperationalError("the server has ended this session")


def _has_input(conn: AsyncConnection[Any]) -> bool:
    poll = select.poll()
    poll.register(conn.fileno(), select.POLLIN)
    return bool(poll.poll(0))


async def _try_again(pool: Pool) -> None:
    # Else who waits for a connection already would wait for the next one who asks.
    if not pool.closed and not pool.get_stats()["pool_available"]:
        await pool.check()
