"""What the tests of the broker share."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import TYPE_CHECKING, Any, LiteralString, cast

from psycopg import AsyncConnection
from pydantic import BaseModel

from faststream_pgmq import create_queue, install

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

QUEUES = ("jobs", "results")
NEVER = 3600.0
"""Seconds between two polls: longer than any test, so that only the doorbell can wake."""


async def prepare(dsn: str) -> None:
    """Give a database pgmq, the broker's SQL and two queues, `jobs` and `results`."""
    async with await AsyncConnection.connect(dsn, autocommit=True) as conn:
        pgmq = files("pgmq").joinpath("sql/pgmq.sql").read_text()
        await conn.execute(cast("LiteralString", pgmq))
        await install(conn)
        for queue in QUEUES:
            await create_queue(conn, queue)


class Job(BaseModel):
    n: int


async def eventually(condition: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    """Return the first true value of the condition; fail when none comes in time."""
    async with asyncio.timeout(seconds):
        while not (value := await condition()):  # noqa: ASYNC110 - it happens in the database
            await asyncio.sleep(0.01)
    return value


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return the first true value of a condition that needs no database."""

    async def check() -> Any:
        return condition()

    return await eventually(check, seconds)


async def fetch_all(
    sql: AsyncConnection[Any], query: LiteralString, *parameters: object
) -> list[Any]:
    """Return all rows; those of one column as plain values."""
    rows = await (await sql.execute(query, parameters or None)).fetchall()
    return [row[0] if len(row) == 1 else row for row in rows]


async def dead_letters(sql: AsyncConnection[Any]) -> list[Any]:
    """Return `(message, headers)` of the dead letters of the queue `jobs`, oldest first."""
    return await fetch_all(sql, "SELECT message, headers FROM pgmq.q_jobs_dlq ORDER BY msg_id")


async def is_drained(sql: AsyncConnection[Any]) -> bool:
    """Return whether the queue `jobs` is empty."""
    return not await fetch_all(sql, "SELECT 1 FROM pgmq.q_jobs LIMIT 1")
