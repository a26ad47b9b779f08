"""Where the next read of a queue starts."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from faststream_pgmq.delivery import Claimed
    from faststream_pgmq.grouping import Grouping
    from faststream_pgmq.storage import Queues

LOOK_ANYWHERE_EVERY: Final = 1.0
"""Seconds; retried messages, and those of slow senders, lie below the mark."""


class GroupReader:
    """Claims messages of one group after the other, around the ring of groups."""

    def __init__(self, queue: str, lease: float, grouping: Grouping) -> None:
        self._queue = queue
        self._lease = lease
        self._grouping = grouping
        self._after = ""

    async def read(self, queues: Queues, limit: int, *, everything: bool = False) -> Claimed:
        """Return up to `limit` messages; every read is a complete look."""
        claimed, self._after = await queues.claim_by_groups(
            self._queue, self._grouping, after=self._after, limit=limit, lease=self._lease
        )
        return claimed


class Reader:
    """Claims messages: as long as there are many, from a low-water mark on.

    Below the mark lie the rows of what was just read: as long as any transaction is older than
    they are, Postgres must look at each of them again, so a read does not start there.
    """

    def __init__(self, queue: str, lease: float) -> None:
        self._queue = queue
        self._lease = lease
        self._mark: int | None = None
        """Known while there are more messages than one read takes."""
        self._looked_anywhere_at = float("-inf")

    async def read(self, queues: Queues, limit: int, *, everything: bool = False) -> Claimed:
        """Return up to `limit` messages; nothing due is left out of an empty answer."""
        is_fresh = monotonic() - self._looked_anywhere_at <= LOOK_ANYWHERE_EVERY
        if self._mark is not None and is_fresh and not everything:
            claimed = await self._claim(queues, self._mark, limit)
            if claimed.deliveries:
                self._mark = claimed.deliveries[-1].msg_id + 1
                return claimed
        return await self._look_anywhere(queues, limit)

    async def _look_anywhere(self, queues: Queues, limit: int) -> Claimed:
        self._looked_anywhere_at = monotonic()
        claimed = await self._claim(queues, None, limit)
        is_full = len(claimed.deliveries) == limit
        self._mark = claimed.deliveries[0].msg_id + 1 if is_full else None
        return claimed

    async def _claim(self, queues: Queues, mark: int | None, limit: int) -> Claimed:
        return await queues.claim(self._queue, mark=mark, limit=limit, lease=self._lease)
