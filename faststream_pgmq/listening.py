"""Hears what is told on a listener connection, also while nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg import AsyncConnection, Notify

PAUSE: Final = "pause"
"""What a notification says when a queue was paused for all consumers; see sql/70_pause.sql."""


class Ear:
    """Listens on a connection whenever psycopg itself does not read from it.

    No task and no query: the event loop looks at the connection's socket.
    """

    def __init__(self, on_pause: Callable[[], None] | None) -> None:
        self._on_pause = on_pause
        self._told = asyncio.Event()
        self._conn: AsyncConnection[Any] | None = None
        self._socket = -1

    def attach(self, conn: AsyncConnection[Any]) -> None:
        """Hear also what arrives while a statement runs on this new connection."""
        conn.add_notify_handler(self._hear)

    def open(self, conn: AsyncConnection[Any]) -> None:
        """Listen until `close`; nobody may use the connection meanwhile."""
        self.close()
        self._conn, self._socket = conn, conn.fileno()
        asyncio.get_running_loop().add_reader(self._socket, self._take_in)
        # What came with the last answer lies in libpq's buffer: the socket says nothing of it.
        self._take_in()

    def close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            asyncio.get_running_loop().remove_reader(self._socket)

    def forget(self) -> None:
        """Forget what was told so far: the coming read will see it."""
        self._told.clear()

    @property
    def rang(self) -> bool:
        """Return whether anything was told, by a connection that lives."""
        return self._conn is not None and self._told.is_set()

    async def wait(self, seconds: float) -> None:
        """Return when anything is told, or the connection breaks, or after this time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._told.wait()

    def _take_in(self) -> None:
        if self._conn is None:
            return
        pgconn = self._conn.pgconn
        try:
            pgconn.consume_input()
            while told := pgconn.notifies():
                self._hear_text(told.extra.decode())
        except psycopg.OperationalError:
            # Whoever sleeps by this connection must wake, to find it broken.
            self.close()
            self._told.set()

    def _hear(self, told: Notify) -> None:
        self._hear_text(told.payload)

    def _hear_text(self, text: str) -> None:
        self._told.set()
        if text == PAUSE and self._on_pause is not None:
            self._on_pause()
