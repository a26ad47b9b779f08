"""Two sessions, one step after the other: who waits for whom is looked up, never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from psycopg import AsyncConnection

from faststream_pgmq import queries
from faststream_pgmq.delivery import Delivery
from tests.integration.faststream_pgmq.support import eventually, fetch_all

T = TypeVar("T")
SOON = 5.0
"""Seconds within which a statement that waits for nobody is over, also on a slow machine."""
HOUR = 3600.0
WAITS = """
    SELECT cardinality(pg_blocking_pids(pid)) > 0 FROM pg_stat_activity
    WHERE pid = %s AND wait_event_type = 'Lock'
"""


async def at_once(awaitable: Awaitable[T]) -> T:
    """Return the result of what must wait for nobody."""
    async with asyncio.timeout(SOON):
        return await awaitable


async def waiting(sql: AsyncConnection[Any], pid: int, awaitable: Awaitable[T]) -> asyncio.Task[T]:
    """Return the task of a statement once its session waits for a lock."""
    task = asyncio.ensure_future(awaitable)

    async def waits() -> bool:
        assert not task.done(), "it should have waited for the other session"
        return any(await fetch_all(sql, WAITS, pid))

    await eventually(waits)
    assert isinstance(task, asyncio.Task)
    return task


async def send(sql: AsyncConnection[Any], count: int = 1) -> None:
    """Send the numbers from 1 on to the queue `jobs`."""
    await sql.execute(
        "SELECT pgmq.send_batch('jobs', ARRAY(SELECT to_jsonb(n) FROM generate_series(1, %s) n))",
        (count,),
    )


async def claim(conn: AsyncConnection[Any], limit: int = 100) -> list[Delivery]:
    claimed = await queries.claim_messages(conn, "jobs", mark=0, limit=limit, lease=HOUR)
    return claimed.deliveries


async def expire(sql: AsyncConnection[Any]) -> None:
    """Let every lease of the queue `jobs` run out."""
    await sql.execute("UPDATE pgmq.q_jobs SET vt = 'epoch'")


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [int(one.text) for one in deliveries]
