"""Refuses a key that asks too much; what is allowed holds for all replicas of the API together."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from shared.errors import RateLimitedError
from shared.postgres.api_keys import ApiKey
from shared.postgres.rate_limits import take_requests

BURST_SECONDS: Final = 10
"""A key that was quiet may ask this many seconds' worth at once."""
LEASE_SECONDS: Final = 0.25
"""A process takes this much at a time, so that a busy key costs four writes a second, not one a
request; what it does not spend by then is lost to the key."""
TAKE_SECONDS: Final = 5.0
MOST_KNOWN: Final = 10_000


@dataclass(slots=True)
class _Bucket:
    """What this process may spend for one key."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    left: int = 0
    is_refused: bool = False
    until: float = 0.0
    """When the rest is lost; or, where it is refused, when to ask again."""

    @property
    def must_ask(self) -> bool:
        return time.monotonic() >= self.until or (self.left == 0 and not self.is_refused)


class RateLimits:
    """The requests that each key has left in this process."""

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection[TupleRow]], *, requests_per_minute: int
    ) -> None:
        self._pool = pool
        self._default = requests_per_minute
        self._buckets: dict[UUID, _Bucket] = {}

    async def take(self, key: ApiKey) -> None:
        """Return when the key may make one more request.

        Raises:
            RateLimitedError: it may not; says when to try again.
        """
        bucket = self._find(key.id)
        async with bucket.lock:
            if bucket.must_ask:
                await self._ask(bucket, key)
            if bucket.left == 0:
                raise RateLimitedError(self._allowed(key), bucket.until - time.monotonic())
            bucket.left -= 1

    def _find(self, key_id: UUID) -> _Bucket:
        if len(self._buckets) >= MOST_KNOWN:
            self._buckets.clear()
        return self._buckets.setdefault(key_id, _Bucket())

    def _allowed(self, key: ApiKey) -> int:
        return key.requests_per_minute or self._default

    async def _ask(self, bucket: _Bucket, key: ApiKey) -> None:
        per_second = self._allowed(key) / 60
        async with self._pool.connection(timeout=TAKE_SECONDS) as conn:
            grant = await take_requests(
                conn,
                key.id,
                wanted=max(1, math.floor(per_second * LEASE_SECONDS)),
                per_second=per_second,
                burst=max(1, math.floor(per_second * BURST_SECONDS)),
            )
        bucket.left, bucket.is_refused = grant.granted, grant.granted == 0
        wait = grant.wait_seconds if bucket.is_refused else LEASE_SECONDS
        bucket.until = time.monotonic() + wait
