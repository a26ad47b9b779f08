"""What a subscriber and a producer need from wherever the queues are. Pure.

`postgres.PostgresQueues` is the real one; `memory.MemoryQueues` is the test broker's, and passes
the same tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from psycopg import AsyncConnection

    from faststream_pgmq.delivery import Claimed, Delivery, Outgoing, Settlement
    from faststream_pgmq.pausing import PausedQueue
    from faststream_pgmq.retention import Retention


class Bell(Protocol):
    """What a subscriber of one queue sleeps by."""

    async def listen(self) -> None:
        """Hear of pauses of the queue from now on, not only while asleep."""
        ...

    async def sleep(
        self, read: Callable[[], Awaitable[Claimed]], limit: float, *, paused: bool = False
    ) -> Claimed:
        """Return when there may be something to read, after `limit` seconds at the latest.

        With `paused` nobody may claim from the queue: return when the pause ends.
        """
        ...

    async def close(self) -> None: ...


class Queues(Protocol):
    """Reads and writes queues; every method is one transaction."""

    @property
    def place(self) -> str:
        """Equal for queues that one transaction can write to; may hold a password."""
        ...

    async def check(self, queue: str) -> bool:
        """Return whether senders ring the queue's bell; raise QueueNotFoundError."""
        ...

    def doorbell(self, queue: str, on_pause: Callable[[], None] | None = None) -> Bell:
        """Return a new bell for one subscriber; it calls `on_pause` when the queue is paused."""
        ...

    async def claim(self, queue: str, *, mark: int, limit: int, lease: float) -> Claimed:
        """Hide and return due messages, lowest `msg_id` first, starting at `mark`.

        Of a queue that is paused for all consumers nothing is returned but the pause's reason.
        """
        ...

    async def extend(self, queue: str, deliveries: Sequence[Delivery], lease: float) -> set[int]:
        """Lengthen leases; return the ids that are still ours."""
        ...

    async def settle(self, queue: str, settlement: Settlement, *, archive: bool) -> set[int]:
        """End deliveries and send their replies; return the ids that were no longer ours."""
        ...

    async def send(
        self,
        queue: str,
        messages: Sequence[Outgoing],
        connection: AsyncConnection[Any] | None = None,
    ) -> list[int | None]:
        """Send; return ids in order, None for a message merged into a waiting one."""
        ...

    async def pause(self, queue: str, reason: str) -> bool:
        """Let nobody claim from the queue; return whether it was not paused before."""
        ...

    async def resume(self, queue: str) -> bool:
        """Let everybody claim again; return whether it was paused."""
        ...

    async def paused(self) -> list[PausedQueue]:
        """Return the queues that are paused for all consumers, longest first."""
        ...

    async def sweep(self, queue: str, retention: Retention) -> int:
        """Delete what the queue need not keep any longer; return how many."""
        ...
