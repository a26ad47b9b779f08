"""What a worker does to messages, step by step, by the broker's own statements."""

from __future__ import annotations

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from faststream_pgmq.delivery import Dead, Deferred, Delivery
from faststream_pgmq.delivery import Progress as DeliveryProgress
from faststream_pgmq.progress_queries import tell_progress
from faststream_pgmq.queries import (
    bury_messages,
    claim_messages,
    defer_messages,
    finish_messages,
)

QUEUE = "memory_ingestion"


class Worker:
    """Has one queue, and no clock: its retries are due when the test says so."""

    def __init__(self, conn: AsyncConnection[TupleRow], queue: str = QUEUE) -> None:
        self._conn = conn
        self._queue = queue

    async def take(self, limit: int = 10, lease: float = 60.0) -> list[Delivery]:
        """Claim what is due, the first sent first."""
        claimed = await claim_messages(self._conn, self._queue, mark=None, limit=limit, lease=lease)
        return sorted(claimed.deliveries, key=lambda one: one.msg_id)

    async def report(self, *deliveries: Delivery, step: str, done: int = 0, total: int = 0) -> None:
        """Tell how far it is, as the broker does for a handler that takes its time."""
        for one in deliveries:
            one.progress = DeliveryProgress(step, done, total)
        await tell_progress(self._conn, self._queue, deliveries)

    async def succeed(self, *deliveries: Delivery) -> None:
        await finish_messages(self._conn, self._queue, deliveries, archive=True)

    async def fail(self, *deliveries: Delivery, error: str = "ValueError: odd") -> None:
        """Let them be tried again in a minute."""
        deferred = [
            Deferred(one, 60.0, {"attempts": one.attempts + 1, "last_error": error})
            for one in deliveries
        ]
        await defer_messages(self._conn, self._queue, deferred)

    async def give_up(self, *deliveries: Delivery, error: str = "ValueError: odd") -> None:
        dead = [
            Dead(one, {"error": "ValueError", "traceback": error}, {"last_error": error})
            for one in deliveries
        ]
        await bury_messages(self._conn, self._queue, dead)

    async def wait_for_retries(self) -> None:
        """Let the time of the next attempts come."""
        await self._conn.execute("UPDATE pgmq.q_memory_ingestion SET vt = now()")
