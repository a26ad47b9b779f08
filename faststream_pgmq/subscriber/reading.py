"""Where the next read of a queue starts."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Final

from faststream_pgmq.delivery import Claimed

if TYPE_CHECKING:
    from faststream_pgmq.storage import Queues

FULL_LOOK_EVERY: Final = 1.0
"""Seconds; retried messages, and those of slow senders, lie below the mark."""


class Reader:
    """Claims messages from a low-water mark on.

    Below the mark lie the rows of what was just read: as long as any transaction is older than
    they are, Postgres must look at each of them again, so a read does not start there.
    """

    def __init__(self, queue: str, lease: float) -> None:
        self._queue = queue
        self._lease = lease
        self._mark = 0
        self._full_look_at = float("-inf")

    async def read(self, queues: Queues, limit: int, *, everything: bool = False) -> Claimed:
        """Return up to `limit` messages; nothing due is left out of an empty answer."""
        if everything or self._mark == 0 or monotonic() - self._full_look_at > FULL_LOOK_EVERY:
            return await self._read_from(queues, 0, limit)
        claimed = await self._read_from(queues, self._mark, limit)
        if len(claimed.deliveries) == limit:
            return claimed
        rest = await self._read_from(queues, 0, limit - len(claimed.deliveries))
        return Claimed([*claimed.deliveries, *rest.deliveries], rest.next_due, rest.paused)

    async def _read_from(self, queues: Queues, mark: int, limit: int) -> Claimed:
        if mark == 0:
            self._full_look_at = monotonic()
        claimed = await queues.claim(self._queue, mark=mark, limit=limit, lease=self._lease)
        if claimed.deliveries:
            self._mark = claimed.deliveries[-1].msg_id + 1
        return claimed
