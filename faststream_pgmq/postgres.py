"""The queues in Postgres: a connection pool, and one transaction per call."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import AsyncConnection

from faststream_pgmq import group_queries, pausing, progress_queries, queries, replies
from faststream_pgmq.answering import Watch
from faststream_pgmq.connecting import CONNECT_TIMEOUT, KEEPALIVE, connect, with_defaults
from faststream_pgmq.doorbell import Doorbell
from faststream_pgmq.errors import (
    OutdatedInstallError,
    QueueNotFoundError,
    QueueWithoutGroupsError,
)
from faststream_pgmq.inbox import Inbox
from faststream_pgmq.polling import Poller, can_listen, is_pooled
from faststream_pgmq.pooling import make_pool
from faststream_pgmq.replying import is_reply_address
from faststream_pgmq.retention import alone_with, keep_retention
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
    from faststream_pgmq.retention import Retention
    from faststream_pgmq.sending import CallersConnection, Sender
    from faststream_pgmq.storage import Bell


class PostgresQueues:
    """The queues of one database; see `storage.Queues`."""

    def __init__(self, dsn: str, listen_dsn: str, pool_size: int) -> None:
        self._listen_dsn = with_defaults(listen_dsn, **KEEPALIVE, connect_timeout=CONNECT_TIMEOUT)
        self.dsn = with_defaults(dsn, **KEEPALIVE, connect_timeout=CONNECT_TIMEOUT)
        self._options: dict[str, Any] = {"autocommit": True}
        self._watch = Watch(self.dsn)
        self.pool = make_pool(self.dsn, pool_size, self._options, self._watch)
        self.inbox = Inbox(self._listen_dsn, self._session)
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
        try:
            await self.pool.open(wait=True, timeout=CONNECT_TIMEOUT)
        except BaseException:
            await self.pool.close()
            raise

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
        await self.inbox.close()
        await self.pool.close()

    async def ping(self) -> bool:
        async with self._session() as conn:
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
        async with self._session() as conn:
            missing, has_doorbell = await queries.find_missing_part(conn, queue, groups)
        if missing is None:
            return has_doorbell
        if missing == queries.QUEUE_STATE:
            raise OutdatedInstallError(missing)
        if groups is not None and missing == queries.group_index(queue, groups):
            raise QueueWithoutGroupsError(queue, groups)
        raise QueueNotFoundError(queue, missing)

    def doorbell(self, queue: str, on_pause: Callable[[], None] | None = None) -> Bell:
        if not self.can_listen:
            return Poller()
        return Doorbell(self._listen_dsn, queue, on_pause, on_lost=self._doubt_pool)

    def _doubt_pool(self) -> None:
        self._is_pool_doubtful = True

    async def claim(self, queue: str, *, mark: int | None, limit: int, lease: float) -> Claimed:
        async with self._session() as conn:
            return await queries.claim_messages(conn, queue, mark=mark, limit=limit, lease=lease)

    async def claim_by_groups(
        self, queue: str, grouping: Grouping, *, after: str, limit: int, lease: float
    ) -> tuple[Claimed, str]:
        async with self._session() as conn:
            return await group_queries.claim_by_groups(
                conn, queue, grouping, after=after, limit=limit, lease=lease
            )

    async def extend(self, queue: str, deliveries: Sequence[Delivery], lease: float) -> set[int]:
        async with self._session() as conn:
            return await queries.extend_leases(conn, queue, deliveries, lease=lease)

    async def tell(
        self, queue: str, deliveries: Sequence[Delivery], gone: Sequence[Delivery]
    ) -> None:
        async with self._session() as conn:
            if gone:
                await progress_queries.forget_progress(conn, queue, gone)
            if deliveries:
                await progress_queries.tell_progress(conn, queue, deliveries)

    async def settle(
        self, queue: str, settlement: Settlement, *, archive: bool, ring: bool = False
    ) -> set[int]:
        async with self._session() as conn:
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
            if is_reply_address(queue):
                return await sender.reply(messages)
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
        async with self._session() as conn:
            yield PsycopgSender(conn)

    async def pause(self, queue: str, reason: str) -> bool:
        async with self._session() as conn:
            return await pausing.pause_queue(conn, queue, reason)

    async def resume(self, queue: str) -> bool:
        async with self._session() as conn:
            return await pausing.resume_queue(conn, queue)

    async def paused(self) -> list[pausing.PausedQueue]:
        async with self._session() as conn:
            return await pausing.paused_queues(conn)

    async def sweep(self, queue: str, retention: Retention) -> int:
        # Not from the pool, which is for delivery.
        async with (
            await connect(self.dsn) as guard,
            await connect(self.dsn) as conn,
            alone_with(guard, queue) as is_alone,
        ):
            return await keep_retention(conn, queue, retention) if is_alone else 0


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
            await send_in_statements(PsycopgSender(conn), destination, messages)
    if answers:
        await replies.send_replies(conn, answers)
    if settlement.dead:
        ended |= await queries.bury_messages(conn, queue, settlement.dead)
    if settlement.deferred:
        ended |= await queries.defer_messages(conn, queue, settlement.deferred)
    return ended
