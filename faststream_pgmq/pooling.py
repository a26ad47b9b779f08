"""The pool of connections: hands out none that is broken, and never stops trying to connect."""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from faststream_pgmq.crew import cancellations

if TYPE_CHECKING:
    from faststream_pgmq.answering import Watch

RECONNECT_SECONDS: Final = 2.0
"""Seconds of tries, at growing intervals, before they begin anew: nobody waits for long."""

Connection = TypeVar("Connection", bound=AsyncConnection[Any])


class CancellablePool(AsyncConnectionPool[Connection]):
    """A pool that never keeps a cancellation from a task that waits for a connection.

    psycopg waits by `asyncio.wait_for`, which on Python 3.11 loses a cancellation that comes
    together with the connection (python/cpython#86296): a loop that was to end would never end.
    """

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109 - psycopg's
        before = cancellations()
        conn = await super().getconn(timeout)
        if cancellations() > before:
            await asyncio.shield(asyncio.create_task(self.putconn(conn)))
            await _be_cancelled()
        return conn

    async def wait(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 - psycopg's
        before = cancellations()
        await super().wait(timeout)
        if cancellations() > before:
            await _be_cancelled()


async def _be_cancelled() -> NoReturn:
    await asyncio.sleep(0)  # where anyio raises its own, which alone its scopes know
    raise asyncio.CancelledError


Pool = CancellablePool[AsyncConnection[Any]]


def make_pool(dsn: str, size: int, options: dict[str, Any], watch: Watch) -> Pool:
    """Return a closed pool whose connections the watch knows."""

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
        configure=watch.meet,
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
    if not hasattr(select, "poll"):  # on Windows, where the other knows no limit
        return bool(select.select([conn.fileno()], [], [], 0)[0])
    poll = select.poll()
    poll.register(conn.fileno(), select.POLLIN)
    return bool(poll.poll(0))


async def _try_again(pool: AsyncConnectionPool[Any]) -> None:
    # Else who waits for a connection already would wait for the next one who asks.
    if not pool.closed and not pool.get_stats()["pool_available"]:
        await pool.check()
