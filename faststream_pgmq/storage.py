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


class Bell(Protocol):
    """What a subscriber of one queue sleeps by."""

    async def sleep(self, read: Callable[[], Awaitable[Claimed]], limit: float) -> Claimed:
        """Return when there may be something to read, after `limit` seconds at the latest."""
        ...

    async def close(self) -> None: ...


class Queues(Protocol):
    """Reads and writes queues; every method is one transaction."""

    async def check(self, queue: str) -> bool:
        """Return whether senders ring the queue's bell; raise QueueNotFoundError."""
        ...

    def doorbell(self, queue: str) -> Bell:
        """Return a new bell for one subscriber."""
        ...

    async def claim(self, queue: str, *, mark: int, limit: int, lease: float) -> Claimed:
        """Hide and return due messages, lowest `msg_id` first, starting at `mark`."""
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
