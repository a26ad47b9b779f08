"""Work that waits for a lock of the graph."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, LiteralString

from neo4j import AsyncDriver

from tests.integration.faststream_pgmq.support import eventually
from tests.integration.patterns.pattern_builders import query

WAITS: LiteralString = """
SHOW TRANSACTIONS YIELD status WHERE status STARTS WITH 'Blocked' RETURN count(*) AS n
"""


async def until_it_waits(driver: AsyncDriver, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Start some work and return it once it waits for a lock."""
    task = asyncio.create_task(work)

    async def waits() -> bool:
        assert not task.done(), "it did not wait"
        return (await query(driver, WAITS))[0]["n"] > 0

    await eventually(waits, 30)
    return task
