"""Gives up connections that went silent: neither an answer nor an error would ever come.

A packet filter that forgot a connection, or a machine that lost its power, tells nobody. Cancelling
a statement waits for its answer too; so a silent connection is shut down on this side, and whoever
waits on it gets psycopg's OperationalError.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection

from faststream_pgmq import session_queries
from faststream_pgmq.connecting import connect
from faststream_pgmq.errors import PgmqConnectionError

if TYPE_CHECKING:
    from collections.abc import Generator

PATIENCE: Final = 2.0
"""Seconds without an answer after which one asks what the server is doing."""
ASKING: Final = 2.0
"""Seconds that asking may take: with PATIENCE less than 5, from silence to a new connection."""
POOLER_PATIENCE: Final = 20.0
"""Seconds without an answer through a pooler, where one cannot ask: TCP's own patience."""


def hang_up(conn: AsyncConnection[Any]) -> None:
    """Let whoever waits on this connection find it broken; needs nothing from the server."""
    # Not `finish`: the event loop may be looking at the socket, and its number would be reused.
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(conn.fileno())) as same,
    ):
        same.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def answer_within(conn: AsyncConnection[Any], seconds: float) -> Generator[None]:
    """Hang up after this time, so that the statements inside raise OperationalError."""
    timer = asyncio.get_running_loop().call_later(seconds, hang_up, conn)
    try:
        yield
    finally:
        timer.cancel()


class Watch:
    """Tells a silent connection from a slow statement, by asking the server on another one."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.through_pooler = False
        """Then nobody can know which server session works for a connection."""
        self._sessions = WeakKeyDictionary[AsyncConnection[Any], session_queries.Session]()

    async def meet(self, conn: AsyncConnection[Any]) -> None:
        """Note which server session a new connection has. Raises what psycopg raises."""
        if not self.through_pooler:
            with answer_within(conn, PATIENCE):
                await conn.execute(session_queries.WATCH_CLIENT)
                self._sessions[conn] = await session_queries.identify_session(conn)

    @contextlib.contextmanager
    def over(self, conn: AsyncConnection[Any]) -> Generator[None]:
        """Hang up if no answer comes to the statements inside and nobody works on them."""
        loop, looks = asyncio.get_running_loop(), list[asyncio.Task[None]]()
        timer = loop.call_later(
            PATIENCE, lambda: looks.append(loop.create_task(self._look_after(conn)))
        )
        try:
            yield
        finally:
            timer.cancel()
            for look in looks:
                look.cancel()

    async def _look_after(self, conn: AsyncConnection[Any]) -> None:
        session = self._sessions.get(conn)
        if session is None:
            await asyncio.sleep(POOLER_PATIENCE - PATIENCE)
        else:
            while await self._is_at_work(session):  # noqa: ASYNC110 - it happens in the server
                await asyncio.sleep(PATIENCE)
        hang_up(conn)

    async def _is_at_work(self, session: session_queries.Session) -> bool:
        deadline = monotonic() + ASKING
        try:
            async with asyncio.timeout(ASKING):
                other = await connect(self._dsn)
        except (PgmqConnectionError, TimeoutError):
            return False
        try:
            with answer_within(other, deadline - monotonic()):
                return await session_queries.end_unless_at_work(other, session)
        except psycopg.Error:
            return False
        finally:
            await other.close()
