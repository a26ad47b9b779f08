"""Counts searches in memory, and adds the counts to Postgres now and then: a search never writes.

What a process counted since it last wrote is lost when it is killed; one that stops writes it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from typing import Final, Self
from uuid import UUID

from psycopg import Error
from psycopg_pool import PoolTimeout

from shared.postgres.api_keys import ApiKey
from shared.postgres.search_counts import add_searches
from shared.runtime import Pool

WRITE_SECONDS: Final = 10.0
WRITTEN_SECONDS: Final = 5.0
"""More would keep a process that is to stop."""
log = logging.getLogger(__name__)


class SearchCounts:
    """The searches that this process has not yet written down."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counted: Counter[tuple[UUID, date]] = Counter()
        self._stopped = asyncio.Event()

    def note(self, key: ApiKey) -> None:
        """Count one search of a key, today."""
        self._counted[key.id, datetime.now(UTC).date()] += 1

    async def write(self) -> None:
        """Write down what was counted; where Postgres does not answer, it is kept."""
        counted, self._counted = self._counted, Counter()
        if not counted:
            return
        try:
            async with asyncio.timeout(WRITTEN_SECONDS), self._pool.connection() as conn:
                await add_searches(conn, counted)
        except (Error, PoolTimeout, TimeoutError) as error:
            self._counted += counted
            log.warning("searches are not counted yet: %s: %s", type(error).__name__, error)

    @asynccontextmanager
    async def written(self) -> AsyncGenerator[Self]:
        """Write now and then until the end of the block, and then what is left."""
        task = asyncio.create_task(self._write_for_ever())
        try:
            yield self
        finally:
            self._stopped.set()
            await task

    async def _write_for_ever(self) -> None:
        while not self._stopped.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._stopped.wait()
            await self.write()
