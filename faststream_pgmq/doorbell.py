"""How an idle subscriber sleeps without a query, and is woken without a poll.

It may sleep only while it holds the bell's lock exclusively. A sender's trigger tries that lock
shared until commit: if it gets it, nobody sleeps; if not, it sends NOTIFY. So: take the lock
(which waits for open senders), read once more, and only then wait. No wake-up can be lost.

Idle consumers of one queue stand in line behind a second lock, the bed. It is apart from the bell,
for the wait behind a sleeping colleague may be long, but the wait behind an open sender must be
short: meanwhile other senders commit, and their NOTIFY cannot be seen by a waiting statement.

A pause of the queue is told on the same channel, to all and also to those that are awake. Who
waits for its end holds no lock, so that senders ring for nobody; its end is told to all as well.
"""

from __future__ import annotations

import asyncio
import contextlib
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from faststream_pgmq import queries, session_queries
from faststream_pgmq.answering import answer_within
from faststream_pgmq.connecting import (
    CONNECT_TIMEOUT,
    KEEPALIVE,
    connect,
    with_defaults,
    with_name,
)
from faststream_pgmq.delivery import Claimed
from faststream_pgmq.listening import Ear

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from psycopg import AsyncConnection

SENDER_WAIT: Final = 0.25
"""Seconds to wait for open senders before reading again."""
PROBE_TIMEOUT: Final = 2.0
"""Seconds after which a listener that does not answer is given up."""
MAX_WAIT: Final = 1_000_000.0
"""Seconds; Postgres counts a timeout in 32 bits of milliseconds."""
NOTHING: Final = Claimed([])


class Doorbell:
    """One listener connection of one subscriber."""

    def __init__(
        self,
        dsn: str,
        queue: str,
        on_pause: Callable[[], None] | None = None,
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        self._name = queries.bell_name(queue)
        self._dsn = with_name(
            with_defaults(dsn, **KEEPALIVE, connect_timeout=CONNECT_TIMEOUT), self._name
        )
        self._conn: AsyncConnection[Any] | None = None
        self._session: session_queries.Session | None = None
        self._on_lost = on_lost
        self._ear = Ear(on_pause)
        self._getting_up: asyncio.Task[bool] | None = None

    async def listen(self) -> None:
        """Hear of pauses from now on, also while awake. Raises what connecting raises."""
        self._ear.open(await self._connected())

    async def sleep(
        self, read: Callable[[], Awaitable[Claimed]], limit: float, *, paused: bool = False
    ) -> Claimed:
        """Return at a ring, when the next message is due, or after `limit` seconds.

        Return at once what `read` finds once nobody can send unnoticed. With `paused`, return
        when the queue's pause ends instead. Raises what psycopg raises when the connection is
        lost; the caller reads, then calls again.
        """
        await self._until_up()
        conn, claimed, end = await self._connected(), NOTHING, monotonic() + limit
        self._ear.close()
        try:
            if paused or await self._lie_down(conn, limit):
                claimed = await self._rest(conn, read, end, paused=paused)
            rang = self._ear.rang and not claimed.deliveries
        except BaseException:
            await self._get_up(conn)
            raise
        getting_up = asyncio.create_task(self._get_up(conn))
        if rang:
            # The connection has just shown that it lives: the caller may read meanwhile.
            self._getting_up = getting_up
            return claimed
        lost = not await getting_up
        # What was claimed meanwhile is in hand: it must be handed out, come what may.
        if lost and not claimed.deliveries:
            raise psycopg.OperationalError("the listener connection was lost")
        return claimed

    async def _rest(
        self,
        conn: AsyncConnection[Any],
        read: Callable[[], Awaitable[Claimed]],
        end: float,
        *,
        paused: bool,
    ) -> Claimed:
        self._ear.open(conn)
        self._ear.forget()
        claimed = await read()
        # A pause that begins or ends just now: another place to rest.
        if not claimed.deliveries and (claimed.paused is not None) == paused:
            left, due = end - monotonic(), None if paused else claimed.next_due
            await self._ear.wait(left if due is None else min(left, due))
        return claimed

    async def close(self) -> None:
        """Give the connection up, and with it the locks."""
        await self._until_up()
        self._ear.close()
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
        self._ear.attach(conn)
        with answer_within(conn, PROBE_TIMEOUT):
            await conn.execute(session_queries.WATCH_CLIENT)
            await self._end_former_session(conn)
            self._session = await session_queries.identify_session(conn)
            channel = sql.Identifier(self._name)
            await conn.execute(sql.SQL(session_queries.LISTEN).format(channel=channel))

    async def _end_former_session(self, conn: AsyncConnection[Any]) -> None:
        # A connection that went silent may live on in the server, asleep, holding the locks.
        if self._session is not None:
            await conn.execute(session_queries.END_SESSION, self._session)
            self._session = None

    async def _lie_down(self, conn: AsyncConnection[Any], limit: float) -> bool:
        return await self._lock(conn, f"{self._name}.bed", limit) and await self._lock(
            conn, self._name, SENDER_WAIT
        )

    async def _lock(self, conn: AsyncConnection[Any], name: str, limit: float) -> bool:
        seconds = min(max(limit, 0.001), MAX_WAIT)
        try:
            # Also while it waits in line: the lock would be given to who cannot be told.
            with answer_within(conn, seconds + PROBE_TIMEOUT):
                await conn.execute(session_queries.LIMIT_LOCK_WAIT, (f"{int(seconds * 1000)}ms",))
                await conn.execute(sql.SQL(session_queries.LOCK).format(name=sql.Literal(name)))
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    async def _until_up(self) -> None:
        getting_up, self._getting_up = self._getting_up, None
        if getting_up is not None:
            await getting_up

    async def _get_up(self, conn: AsyncConnection[Any]) -> bool:
        # Also the probe: a listener that does not answer now would not have rung either.
        self._ear.close()
        try:
            with answer_within(conn, PROBE_TIMEOUT):
                await conn.execute(session_queries.UNLOCK_ALL)
        except psycopg.Error:
            self._conn = None
            conn.pgconn.finish()
            if self._on_lost is not None:
                self._on_lost()
            return False
        self._ear.open(conn)
        return True
