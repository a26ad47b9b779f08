"""How an idle subscriber sleeps without a query, and is woken without a poll.

It may sleep only while it holds the bell's lock exclusively. A sender's trigger tries that lock
shared until commit: if it gets it, nobody sleeps; if not, it sends NOTIFY. So: take the lock
(which waits for open senders), read once more, and only then wait. No wake-up can be lost.

Idle consumers of one queue stand in line behind a second lock, the bed. It is apart from the bell,
for the wait behind a sleeping colleague may be long, but the wait behind an open sender must be
short: meanwhile other senders commit, and their NOTIFY cannot be seen by a waiting statement.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from faststream_pgmq import queries
from faststream_pgmq.connecting import CONNECT_TIMEOUT, KEEPALIVE, connect, with_defaults
from faststream_pgmq.delivery import Claimed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg import AsyncConnection

SENDER_WAIT: Final = 0.25
"""Seconds to wait for open senders before reading again."""
PROBE_TIMEOUT: Final = 5.0
"""Seconds after which a listener that does not answer is given up."""
MAX_WAIT: Final = 1_000_000.0
"""Seconds; Postgres counts a timeout in 32 bits of milliseconds."""
NOTHING: Final = Claimed([])


class Doorbell:
    """One listener connection of one subscriber."""

    def __init__(self, dsn: str, queue: str) -> None:
        self._dsn = with_defaults(dsn, **KEEPALIVE, connect_timeout=CONNECT_TIMEOUT)
        self._name = queries.bell_name(queue)
        self._conn: AsyncConnection[Any] | None = None
        self._session: tuple[int, str] | None = None

    async def sleep(self, read: Callable[[], Awaitable[Claimed]], limit: float) -> Claimed:
        """Return at a ring, when the next message is due, or after `limit` seconds.

        Return at once what `read` finds once nobody can send unnoticed. Raises what psycopg
        raises when the connection is lost; the caller reads, then calls again.
        """
        conn, claimed = await self._connected(), NOTHING
        try:
            if await self._lie_down(conn, limit):
                await _drain(conn)
                claimed = await read()
                if not claimed.deliveries:
                    due = limit if claimed.next_due is None else min(limit, claimed.next_due)
                    await _wait_for_ring(conn, max(0.0, due))
        finally:
            lost = not await self._get_up(conn)
        # What was claimed meanwhile is in hand: it must be handed out, come what may.
        if lost and not claimed.deliveries:
            raise psycopg.OperationalError("the listener connection was lost")
        return claimed

    async def close(self) -> None:
        """Give the connection up, and with it the locks."""
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(psycopg.Error):
                await conn.close()

    async def _connected(self) -> AsyncConnection[Any]:
        if self._conn is None or self._conn.closed:
            # Kept at once, so that `close` finds it whatever happens in between.
            self._conn = await connect(self._dsn)
            try:
                await self._introduce(self._conn)
            except BaseException:
                await self.close()
                raise
        return self._conn

    async def _introduce(self, conn: AsyncConnection[Any]) -> None:
        await self._end_former_session(conn)
        self._session = await (await conn.execute(queries.IDENTIFY_SESSION)).fetchone()
        channel = sql.Identifier(self._name)
        await conn.execute(sql.SQL(queries.LISTEN).format(channel=channel))

    async def _end_former_session(self, conn: AsyncConnection[Any]) -> None:
        # A connection that went silent may live on in the server, asleep, holding the locks.
        if self._session is not None:
            await conn.execute(queries.END_SESSION, self._session)
            self._session = None

    async def _lie_down(self, conn: AsyncConnection[Any], limit: float) -> bool:
        return await self._lock(conn, f"{self._name}.bed", limit) and await self._lock(
            conn, self._name, SENDER_WAIT
        )

    async def _lock(self, conn: AsyncConnection[Any], name: str, limit: float) -> bool:
        await conn.execute(
            queries.LIMIT_LOCK_WAIT, (f"{int(min(max(limit, 0.001), MAX_WAIT) * 1000)}ms",)
        )
        try:
            await conn.execute(sql.SQL(queries.LOCK).format(name=sql.Literal(name)))
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    async def _get_up(self, conn: AsyncConnection[Any]) -> bool:
        # Also the probe: a listener that does not answer now would not have rung either.
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await conn.execute(queries.UNLOCK_ALL)
        except (psycopg.Error, TimeoutError):
            self._conn = None
            conn.pgconn.finish()
            return False
        return True


async def _drain(conn: AsyncConnection[Any]) -> None:
    # Rings from before the coming read say nothing new.
    async for _ in conn.notifies(timeout=0):
        pass


async def _wait_for_ring(conn: AsyncConnection[Any], seconds: float) -> None:
    async for _ in conn.notifies(timeout=seconds, stop_after=1):
        return
