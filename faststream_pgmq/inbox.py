"""The answers to one broker's requests, in Postgres: woken by NOTIFY, opened when first needed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql

from faststream_pgmq import replies, session_queries
from faststream_pgmq.connecting import connect
from faststream_pgmq.crew import Crew, telling
from faststream_pgmq.errors import OutdatedInstallError, PgmqConnectionError
from faststream_pgmq.listening import Ear
from faststream_pgmq.replying import Waiting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from psycopg import AsyncConnection

    from faststream_pgmq.delivery import Delivery

    Session = Callable[[], AbstractAsyncContextManager[AsyncConnection[Any]]]
    """Borrows a connection for one statement."""

SAFETY_LOOK: Final = 5.0
"""Seconds between two looks while somebody waits, should a notification get lost."""
RECONNECT_WAIT: Final = 0.5
LAST_LOOK: Final = 1.0
"""Seconds for the look after a timeout: behind a transaction pooler no notification arrives."""
_LOGGER: Final = logging.getLogger(__name__)


class Inbox:
    """See `storage.Inbox`; one connection that listens, and one query for each wake-up."""

    def __init__(self, listen_dsn: str, session: Session) -> None:
        self._dsn = listen_dsn
        self._session = session
        self._waiting = Waiting()
        self._ear = Ear(None)
        self._conn: AsyncConnection[Any] | None = None
        self._connecting = asyncio.Lock()
        self._collector: Crew | None = None

    async def ask(
        self,
        send: Callable[[str], Awaitable[object]],
        timeout: float | None,  # noqa: ASYNC109 - it says None instead of raising
    ) -> Delivery | None:
        with self._waiting.one() as (address, answer):
            try:
                async with asyncio.timeout(timeout):
                    await self._open()
                    await send(address)
                    # A timeout must not cancel the answer itself: it may lie in the table.
                    return await asyncio.shield(answer)
            except TimeoutError:
                if timeout is None:
                    raise
            await self._look_once_more()
            return answer.result() if answer.done() else None

    async def close(self) -> None:
        """Stop listening; nobody collects what is still sent here, so nobody may wait for it."""
        self._ear.close()
        collector, self._collector = self._collector, None
        if collector is not None:
            await collector.end()
            await self._look_once_more()
        self._waiting.give_up()
        conn, self._conn = self._conn, None
        if conn is not None:
            with contextlib.suppress(psycopg.Error):
                await conn.close()

    async def _open(self) -> None:
        # Listening first: an answer that came before would be found only by the next safety look.
        await self._listen()
        if self._collector is None:
            await self._collect()
            self._collector = Crew(telling(_LOGGER))
            self._collector.employ(self._collect_for_ever)

    async def _listen(self) -> None:
        async with self._connecting:
            if self._conn is not None and not self._conn.closed:
                return
            self._ear.close()
            # Kept at once, so that `close` finds it whatever happens in between.
            self._conn = conn = await connect(self._dsn)
            self._ear.attach(conn)
            channel = sql.Identifier(self._waiting.inbox)
            try:
                await conn.execute(sql.SQL(session_queries.LISTEN).format(channel=channel))
            except BaseException:
                self._conn = None
                conn.pgconn.finish()
                raise
            self._ear.open(conn)

    async def _collect_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
                self._ear.forget()
                if self._waiting.is_anybody:
                    await self._collect()
                await self._ear.wait(SAFETY_LOOK)
            except (psycopg.OperationalError, PgmqConnectionError) as error:
                _LOGGER.warning("cannot look for replies yet: %s", type(error).__name__)
                await asyncio.sleep(RECONNECT_WAIT)
            except Exception:
                _LOGGER.exception("cannot look for replies")
                await asyncio.sleep(SAFETY_LOOK)

    async def _collect(self) -> None:
        try:
            async with self._session() as conn:
                taken = await replies.take_replies(conn, self._waiting.inbox)
        except psycopg.errors.UndefinedTable:
            raise OutdatedInstallError("faststream_pgmq.reply") from None
        for address, reply in taken:
            self._waiting.take(address, reply)

    async def _look_once_more(self) -> None:
        with contextlib.suppress(psycopg.Error, TimeoutError):
            async with asyncio.timeout(LAST_LOOK):
                await self._collect()
