"""The queues in Postgres: a connection pool, and one transaction per call."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from faststream_pgmq import group_queries, pausing, queries
from faststream_pgmq.connecting import CONNECT_TIMEOUT, KEEPALIVE, connect, with_defaults
from faststream_pgmq.doorbell import Doorbell
from faststream_pgmq.errors import (
    OutdatedInstallError,
    QueueNotFoundError,
    QueueWithoutGroupsError,
)
from faststream_pgmq.sending import (
    PsycopgSender,
    send_in_statements,
    send_together,
    sender_over,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence

    from faststream_pgmq.delivery import Claimed, Delivery, Outgoing, Settlement
    from faststream_pgmq.grouping import Grouping
    from faststream_pgmq.sending import CallersConnection, Sender


class PostgresQueues:
    """The queues of one database; see `storage.Queues`."""

    def __init__(self, dsn: str, listen_dsn: str, pool_size: int) -> None:
        self._listen_dsn = listen_dsn
        self.dsn = with_defaults(dsn, **KEEPALIVE, connect_timeout=CONNECT_TIMEOUT)
        self.pool = AsyncConnectionPool[AsyncConnection[Any]](
            self.dsn,
            min_size=1,
            max_size=pool_size,
            open=False,
            kwargs={"autocommit": True},
            name="faststream-pgmq",
        )

    @property
    def place(self) -> str:
        return self.dsn

    async def open(self) -> None:
        """Connect, or say why not."""
        # The pool would retry in the background and then only say that it timed out.
        await (await connect(self.dsn)).close()
        # A program that ends while the pool still opens would wait for it for ever.
        await self.pool.open(wait=True, timeout=CONNECT_TIMEOUT)

    async def close(self) -> None:
        await self.pool.close()

    async def ping(self) -> bool:
        async with self.pool.connection() as conn:
            await conn.execute("SELECT 1")
        return True

    async def check(self, queue: str, grouping: Grouping | None = None) -> bool:
        """Return whether the queue has a doorbell.

        Raises:
            QueueNotFoundError: one of its tables does not exist.
            QueueWithoutGroupsError: it was not created for reading like this.
            OutdatedInstallError: `install` ran with an older version of this package.
        """
        groups = None if grouping is None else grouping.index
        async with self.pool.connection() as conn:
            missing, has_doorbell = await queries.find_missing_part(conn, queue, groups)
        if missing is None:
            return has_doorbell
        if missing == queries.QUEUE_STATE:
            raise OutdatedInstallError(missing)
        if groups is not None and missing.endswith(f'_{groups}"'):
            raise QueueWithoutGroupsError(queue, groups)
        raise QueueNotFoundError(queue, missing)

    def doorbell(self, queue: str, on_pause: Callable[[], None] | None = None) -> Doorbell:
        return Doorbell(self._listen_dsn, queue, on_pause)

    async def claim(self, queue: str, *, mark: int | None, limit: int, lease: float) -> Claimed:
        async with self.pool.connection() as conn:
            return await queries.claim_messages(conn, queue, mark=mark, limit=limit, lease=lease)

    async def claim_by_groups(
        self, queue: str, grouping: Grouping, *, after: str, limit: int, lease: float
    ) -> tuple[Claimed, str]:
        async with self.pool.connection() as conn:
            return await group_queries.claim_by_groups(
                conn, queue, grouping, after=after, limit=limit, lease=lease
            )

    async def extend(self, queue: str, deliveries: Sequence[Delivery], lease: float) -> set[int]:
        async with self.pool.connection() as conn:
            return await queries.extend_leases(conn, queue, deliveries, lease=lease)

    async def settle(
        self, queue: str, settlement: Settlement, *, archive: bool, ring: bool = False
    ) -> set[int]:
        async with self.pool.connection() as conn:
            if ring or settlement.is_more_than_acks:
                async with conn.transaction():
                    ended = await _settle(conn, queue, settlement, archive=archive)
                    if ring or settlement.deferred:
                        await queries.ring_bell(conn, queue)
            else:
                ended = await queries.finish_messages(conn, queue, settlement.acks, archive=archive)
        return {one.msg_id for one in settlement.deliveries} - ended

    async def send(
        self,
        queue: str,
        messages: Sequence[Outgoing],
        connection: CallersConnection | None = None,
    ) -> list[int | None]:
        async with self._sender(connection) as sender:
            return await sender.send(queue, messages)

    async def send_together(
        self,
        queue: str,
        parts: AsyncIterable[Sequence[Outgoing]],
        connection: CallersConnection | None = None,
    ) -> list[int | None]:
        async with self._sender(connection) as sender:
            return await send_together(sender, queue, parts)

    @asynccontextmanager
    async def _sender(self, connection: CallersConnection | None) -> AsyncGenerator[Sender]:
        if connection is not None:
            yield await sender_over(connection)
            return
        async with self.pool.connection() as conn:
            yield PsycopgSender(conn)

    async def pause(self, queue: str, reason: str) -> bool:
        async with self.pool.connection() as conn:
            return await pausing.pause_queue(conn, queue, reason)

    async def resume(self, queue: str) -> bool:
        async with self.pool.connection() as conn:
            return await pausing.resume_queue(conn, queue)

    async def paused(self) -> list[pausing.PausedQueue]:
        async with self.pool.connection() as conn:
            return await pausing.paused_queues(conn)


async def _settle(
    conn: AsyncConnection[Any], queue: str, settlement: Settlement, *, archive: bool
) -> set[int]:
    ended: set[int] = set()
    if settlement.acks:
        ended |= await queries.finish_messages(conn, queue, settlement.acks, archive=archive)
    for destination, messages in settlement.outgoing(ended).items():
        await send_in_statements(PsycopgSender(conn), destination, messages)
    if settlement.dead:
        ended |= await queries.bury_messages(conn, queue, settlement.dead)
    if settlement.deferred:
        ended |= await queries.defer_messages(conn, queue, settlement.deferred)
    return ended
