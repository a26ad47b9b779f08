"""The queues in Postgres: a connection pool, and one transaction per call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from faststream_pgmq import pausing, queries, replies
from faststream_pgmq.connecting import CONNECT_TIMEOUT, KEEPALIVE, connect, with_defaults
from faststream_pgmq.doorbell import Doorbell
from faststream_pgmq.errors import OutdatedInstallError, QueueNotFoundError
from faststream_pgmq.inbox import Inbox
from faststream_pgmq.replying import is_reply_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faststream_pgmq.delivery import Claimed, Delivery, Outgoing, Settlement


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
        self.inbox = Inbox(listen_dsn, self.pool)

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
        await self.inbox.close()
        await self.pool.close()

    async def ping(self) -> bool:
        async with self.pool.connection() as conn:
            await conn.execute("SELECT 1")
        return True

    async def check(self, queue: str) -> bool:
        """Return whether the queue has a doorbell.

        Raises:
            QueueNotFoundError: one of its tables does not exist.
            OutdatedInstallError: `install` ran with an older version of this package.
        """
        async with self.pool.connection() as conn:
            missing, has_doorbell = await queries.find_missing_part(conn, queue)
        if missing is not None and missing.startswith("faststream_pgmq."):
            raise OutdatedInstallError(missing)
        if missing is not None:
            raise QueueNotFoundError(queue, missing)
        return has_doorbell

    def doorbell(self, queue: str, on_pause: Callable[[], None] | None = None) -> Doorbell:
        return Doorbell(self._listen_dsn, queue, on_pause)

    async def claim(self, queue: str, *, mark: int, limit: int, lease: float) -> Claimed:
        async with self.pool.connection() as conn:
            return await queries.claim_messages(conn, queue, mark=mark, limit=limit, lease=lease)

    async def extend(self, queue: str, deliveries: Sequence[Delivery], lease: float) -> set[int]:
        async with self.pool.connection() as conn:
            return await queries.extend_leases(conn, queue, deliveries, lease=lease)

    async def settle(self, queue: str, settlement: Settlement, *, archive: bool) -> set[int]:
        async with self.pool.connection() as conn:
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
            return await _send(connection, queue, messages)
        async with self.pool.connection() as conn:
            return await _send(conn, queue, messages)

    async def pause(self, queue: str, reason: str) -> bool:
        async with self.pool.connection() as conn:
            return await pausing.pause_queue(conn, queue, reason)

    async def resume(self, queue: str) -> bool:
        async with self.pool.connection() as conn:
            return await pausing.resume_queue(conn, queue)

    async def paused(self) -> list[pausing.PausedQueue]:
        async with self.pool.connection() as conn:
            return await pausing.paused_queues(conn)


async def _send(
    conn: AsyncConnection[Any], destination: str, messages: Sequence[Outgoing]
) -> list[int | None]:
    if is_reply_address(destination):
        await replies.send_replies(conn, messages)
        return [None] * len(messages)
    return await queries.send_messages(conn, destination, messages)


async def _settle(
    conn: AsyncConnection[Any], queue: str, settlement: Settlement, *, archive: bool
) -> set[int]:
    ended: set[int] = set()
    if settlement.acks:
        ended |= await queries.finish_messages(conn, queue, settlement.acks, archive=archive)
    answers: list[Outgoing] = []
    for destination, messages in settlement.outgoing(ended).items():
        if is_reply_address(destination):
            answers += messages
        else:
            await queries.send_messages(conn, destination, messages)
    if answers:
        await replies.send_replies(conn, answers)
    if settlement.dead:
        ended |= await queries.bury_messages(conn, queue, settlement.dead)
    if settlement.deferred:
        ended |= await queries.defer_messages(conn, queue, settlement.deferred)
        await queries.ring_bell(conn, queue)
    return ended
