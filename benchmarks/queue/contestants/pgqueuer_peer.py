"""pgqueuer on an asyncpg pool, as its documentation advises for throughput."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, LiteralString

import asyncpg
from asyncpg import Pool
from pgqueuer import PgQueuer
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.queue.contestants.asyncpg_address import as_text
from benchmarks.queue.settings import payload

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.queue.contestants.contestant import Send, Tally

ENTRYPOINT: Final = "jobs"
BATCH_SIZE: Final = 100
"""Its own benchmark has 10."""


class PgQueuerPeer:
    """Handles jobs concurrently, and logs their ends in batches."""

    name = "pgqueuer"
    remaining: LiteralString = "SELECT count(*) FROM pgqueuer"

    async def create(self, dsn: str) -> None:
        async with _pool(dsn, 2) as pool:
            await Queries.from_asyncpg_pool(pool).install()

    async def fill(self, dsn: str, count: int) -> None:
        async with _pool(dsn, 2) as pool:
            queries = Queries.from_asyncpg_pool(pool)
            for start in range(0, count, 1_000):
                bodies: list[bytes | None] = [
                    json.dumps(payload(n)).encode() for n in range(start, min(start + 1_000, count))
                ]
                await queries.enqueue([ENTRYPOINT] * len(bodies), bodies, [0] * len(bodies))

    @asynccontextmanager
    async def consuming(self, dsn: str, tally: Tally) -> AsyncGenerator[None]:
        async with _pool(dsn, 8) as pool:
            peer = PgQueuer.from_asyncpg_pool(pool)

            @peer.entrypoint(ENTRYPOINT)
            async def handle(job: Job) -> None:
                json.loads(job.payload or b"null")
                tally.add()

            task = asyncio.create_task(peer.run(batch_size=BATCH_SIZE))
            try:
                yield
            finally:
                peer.shutdown.set()
                await task

    @asynccontextmanager
    async def sending(self, dsn: str) -> AsyncGenerator[Send]:
        async with _pool(dsn, 1) as pool:
            queries = Queries.from_asyncpg_pool(pool)

            async def send(n: int) -> None:
                await queries.enqueue(ENTRYPOINT, json.dumps(payload(n)).encode())

            yield send


def _pool(dsn: str, size: int) -> Pool:
    return asyncpg.create_pool(  # pyright: ignore[reportUnknownMemberType]  # untyped parameters
        as_text(dsn), min_size=1, max_size=size
    )
