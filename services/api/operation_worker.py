"""Works off redrives and discards, beside the requests of this process.

Every replica does: a chunk is one transaction that takes an operation nobody else has in hand, so a
process that dies leaves nothing half done, and another one goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

from psycopg import AsyncConnection, Error
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from services.api.beside import beside
from shared.postgres.operations import CHUNK, Step, advance_operation

LOOK_SECONDS: Final = 10.0
"""After so long it looks for operations that another replica took in, and left."""
AFTER_AN_ERROR_SECONDS: Final = 2.0
log = logging.getLogger(__name__)


class OperationWorker:
    """One task of the process."""

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection[TupleRow]], chunk: int = CHUNK
    ) -> None:
        self._pool = pool
        self._chunk = chunk
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for work at once: an operation was committed."""
        self._woken.set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Self]:
        """Work until the end of the block; the chunk in hand is undone then."""
        async with beside(self._run):
            yield self

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            wait = await self._try()
            if wait > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._woken.wait()

    async def _try(self) -> float:
        """Do one chunk; return how long to wait then."""
        try:
            step = await self._step()
        except (Error, PoolTimeout) as error:  # a deadlock, a server that is away: tried again
            log.warning("operations: %s", error)
            return AFTER_AN_ERROR_SECONDS
        if step.operation_id is not None:
            return 0.0
        return min(LOOK_SECONDS, step.wait_seconds or LOOK_SECONDS)

    async def _step(self) -> Step:
        async with self._pool.connection() as conn:
            return await advance_operation(conn, self._chunk)
