"""The worker of operations ends when its process does."""

from __future__ import annotations

import asyncio

from services.api.operation_worker import OperationWorker
from shared.runtime import Pool
from tests.integration.faststream_pgmq.support import eventually

SECONDS = 10.0


async def test_it_ends_also_while_it_is_handed_a_connection(database: str) -> None:
    async def is_waiting() -> bool:
        return bool(pool.get_stats().get("requests_waiting"))

    async def work() -> None:
        async with OperationWorker(pool).running():
            await eventually(is_waiting)
            await pool.putconn(taken)

    async with Pool(database, min_size=1, max_size=1, open=False) as pool:
        await pool.wait()
        taken = await pool.getconn()
        worked = asyncio.create_task(work())
        assert await asyncio.wait([worked], timeout=SECONDS) == ({worked}, set())
