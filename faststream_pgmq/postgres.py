"""The queues in Postgres: a connection pool, and one transaction per call."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import AsyncConnection

from faststream_pgmq import pausing, queries
from faststream_pgmq.answering import Watch
from faststream_pgmq.connecting import CONNECT_TIMEOUT, KEEPALIVE, connect, with_defaults
from faststream_pgmq.doorbell import Doorbell
from faststream_pgmq.errors import OutdatedInstallError, QueueNotFoundError
from faststream_pgmq.polling import Poller, can_listen, is_pooled
from faststream_pgmq.pooling import make_pool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from faststream_pgmq.delivery import Claimed, Delivery, Outgoing, Settlement
    from faststream_pgmq.storage import Bell


class PostgresQueues:
    """The queues of one database; see `storage.Queues`."""

    def __init__(self, dsn: str, listen_dsn: str, pool_size: int) -> None:
        self._listen_dsn = with_defaults(listen_dsn, **KEEPALIVE, connect_timeout=CONNECT_TIMEOUT)
        self.dsn = with_defaults(dsn, **KEEPALIVE, connect_timeout=CONNECT_TIMEOUT)
        self._options: dict[str, Any] = {"autocommit": True}
        self._watch = Watch(self.dsn)
        self.pool = make_pool(self.dsn, pool_size, self._options, self._watch)
        self._is_pool_doubtful = False
        """A listener was lost; if it went silent, so did these, and each would cost seconds."""
        self.can_listen = True
        """Whether consumers can be woken; else they poll."""

    @property
    def place(self) -> str:
        return self.dsn

    async def open(self) -> None:
        """Connect, or say why not; find out what a pooler in between takes away."""
        # The pool would retry in the background and then only say that it timed out.
        first = await connect(self.dsn)
        try:
            if await is_pooled(first):
                self._watch.through_pooler = True
                # The next transaction may run on another server, which has prepared nothing.
                self._options["prepare_threshold"] = None
            self.can_listen = await can_listen(self._listen_dsn, first)
        finally:
            await first.close()
        # A program that ends while the pool still opens would wait for it for ever.
        await self.pool.open(wait=True, timeout=CONNECT_TIMEOUT)

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[AsyncConnection[Any]]:
        if self._is_pool_doubtful:
            self._is_pool_doubtful = False
            await self.pool.drain()
        async with self.pool.connection() as conn:
            try:
                with self._watch.over(conn):
                    yield conn
            except psycopg.OperationalError:
                if conn.closed:
                    # The others have probably met the same fate; silent ones would not say so.
                    await self.pool.drain()
                raise

    async def close(self) -> None:
        await self.pool.close()

    async def ping(self) -> bool:
        async with self._session() as conn:
            await conn.execute("SELECT 1")
        return True

    async def check(self, queue: str) -> bool:
        """Return whether the queue has a doorbell.

        Raises:
            QueueNotFoundError: one of its tables does not exist.
            OutdatedInstallError: `install` ran with an older version of this package.
        """
        async with self._session() as conn:
            missing, has_doorbell = await queries.find_missing_part(conn, queue)
        if missing is not None and missing.startswith("faststream_pgmq."):
            raise OutdatedInstallError(missing)
        if missing is not None:
            raise QueueNotFoundError(queue, missing)
        return has_doorbell

    def doorbell(self, queue: str, on_pause: Callable[[], None] | None = None) -> Bell:
        if not self.can_listen:
            return Poller()
        return Doorbell(self._listen_dsn, queue, on_pause, on_lost=self._doubt_pool)

    def _doubt_pool(self) -> None:
        self._is_pool_doubtful = True

    async def claim(self, queue: str, *, mark: int, limit: int, lease: float) -> Claimed:
        async with self._session() as conn:
            return await queries.claim_messages(conn, queue, mark=mark, limit=limit, lease=lease)

    async def extend(self, queue: str, deliveries: Sequence[Delivery], lease: float) -> set[int]:
        async with self._session() as conn:
            return await queries.extend_leases(conn, queue, deliveries, lease=lease)

    async def settle(self, queue: str, settlement: Settlement, *, archive: bool) -> set[int]:
        async with self._session() as conn:
            if settlement.is_more_than_acks:
                async with conn.transaction():
                    ended = await _settle(conn, queue, settlement, archive=archive)
            else:
                ended = await queries.finish_messages(conn, queue, settlement.acks, archive=archive)
        return {one.msg_id for one in settlement.deliveries} - ended

    async def send(
        self,
        queue: str,
        messages: Sequence[Outgoing],
        connection: AsyncConnection[Any] | None = None,
    ) -> list[int | None]:
        if connection is not None:
            return await queries.send_messages(connection, queue, messages)
        async with self._session() as conn:
            return await queries.send_messages(conn, queue, messages)

    async def pause(self, queue: str, reason: str) -> bool:
        async with self._session() as conn:
            return await pausing.pause_queue(conn, queue, reason)

    async def resume(self, queue: str) -> bool:
        async with self._session() as conn:
            return await pausing.resume_queue(conn, queue)

    async def paused(self) -> list[pausing.PausedQueue]:
        async with self._session() as conn:
            return await pausing.paused_queues(conn)


async def _settle(
    conn: AsyncConnection[Any], queue: str, settlement: Settlement, *, archive: bool
) -> set[int]:
    ended: set[int] = set()
    if settlement.acks:
        ended |= await queries.finish_messages(conn, queue, settlement.acks, archive=archive)
    for destination, messages in settlement.outgoing(ended).items():
        await queries.send_messages(conn, destination, messages)
    if settlement.dead:
        ended |= await queries.bury_messages(conn, queue, settlement.dead)
    if settlement.deferred:
        ended |= await queries.defer_messages(conn, queue, settlement.deferred)
        await queries.ring_bell(conn, queue)
    return ended
