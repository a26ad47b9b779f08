"""What a subscriber and a producer need from wherever the queues are. Pure.

`postgres.PostgresQueues` is the real one; `memory.MemoryQueues` is the test broker's, and passes
the same tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Sequence

    from faststream_pgmq.delivery import Claimed, Delivery, Outgoing, Settlement
    from faststream_pgmq.grouping import Grouping
    from faststream_pgmq.pausing import PausedQueue
    from faststream_pgmq.retention import Retention
    from faststream_pgmq.sending import CallersConnection


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


class Inbox(Protocol):
    """Where answers to requests arrive."""

    async def ask(
        self,
        send: Callable[[str], Awaitable[object]],
        timeout: float | None,  # noqa: ASYNC109 - it says None instead of raising
    ) -> Delivery | None:
        """Let `send` send a request that is to be answered to an address; return the answer.

        None if there is no answer in time.
        """
        ...


class Queues(Protocol):
    """Reads and writes queues; every method is one transaction."""

    @property
    def inbox(self) -> Inbox: ...

    @property
    def place(self) -> str:
        """Equal for queues that one transaction can write to; may hold a password."""
        ...

    async def check(self, queue: str, grouping: Grouping | None = None) -> bool:
        """Return whether senders ring the queue's bell.

        Raises:
            QueueNotFoundError: one of its tables does not exist.
            QueueWithoutGroupsError: it was not created for reading like this.
        """
        ...

    def doorbell(self, queue: str, on_pause: Callable[[], None] | None = None) -> Bell:
        """Return a new bell for one subscriber; it calls `on_pause` when the queue is paused."""
        ...

    async def claim(self, queue: str, *, mark: int | None, limit: int, lease: float) -> Claimed:
        """Hide and return due messages, sorted by `msg_id`.

        With a `mark` the lowest ids from it on, else those that became due first. Of a queue that
        is paused for all consumers nothing is returned but the pause's reason.
        """
        ...

    async def claim_by_groups(
        self, queue: str, grouping: Grouping, *, after: str, limit: int, lease: float
    ) -> tuple[Claimed, str]:
        """Hide and return due messages of the groups behind `after`; return where to go on, too."""
        ...

    async def extend(self, queue: str, deliveries: Sequence[Delivery], lease: float) -> set[int]:
        """Lengthen leases; return the ids that are still ours."""
        ...

    async def tell(
        self, queue: str, deliveries: Sequence[Delivery], gone: Sequence[Delivery]
    ) -> None:
        """Write how far the handlers of `deliveries` are, and nothing any more of what is gone."""
        ...

    async def settle(
        self, queue: str, settlement: Settlement, *, archive: bool, ring: bool = False
    ) -> set[int]:
        """End deliveries and send their replies; return the ids that were no longer ours.

        With `ring` whoever sleeps by the queue is woken: what waited for their end may be due.
        """
        ...

    async def send(
        self,
        queue: str,
        messages: Sequence[Outgoing],
        connection: CallersConnection | None = None,
    ) -> list[int | None]:
        """Send with one statement; return ids in order, None for one merged into a waiting one.

        Raises:
            QueueNotFoundError: there is no such queue.
            UnsendableMessageError: one of them cannot be stored.
        """
        ...

    async def send_together(
        self,
        queue: str,
        parts: AsyncIterable[Sequence[Outgoing]],
        connection: CallersConnection | None = None,
    ) -> list[int | None]:
        """Send part after part, all of them or none; see `send`."""
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
