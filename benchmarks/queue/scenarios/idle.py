"""What an idle service asks of Postgres between two safety polls: nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, LiteralString

from benchmarks.progress import say
from benchmarks.queue.contestants.contestant import Tally
from benchmarks.queue.contestants.pgmq_broker import PgmqBatch
from benchmarks.queue.server import connection, database

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from benchmarks.figures import Results
    from benchmarks.queue.settings import Sizes

NAME: Final = "idle"
UNIT: Final = "transactions"
FLUSH: Final = 12.0
"""Seconds after which an idle session has reported what it did; Postgres does so after 10."""
TRANSACTIONS: Final[LiteralString] = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s
"""


def measure(admin_dsn: str, sizes: Sizes, results: Results) -> None:
    """Count the transactions in the database of one consumer that has nothing to do."""
    with database(admin_dsn, NAME) as dsn:
        counts, woken = asyncio.run(_watch(admin_dsn, dsn, sizes))
    results.add(
        NAME, UNIT, {"pgmq batch, asleep": counts, "pgmq batch, after one message": [woken]}
    )
    # The smallest of the rounds: an autovacuum worker's visit counts as a transaction as well.
    results.at_most(NAME, "transactions while idle", min(counts), 0.0)
    results.above(NAME, "transactions of one message: the count sees them", woken, 0.0)


async def _watch(admin_dsn: str, dsn: str, sizes: Sizes) -> tuple[list[float], float]:
    one, tally = PgmqBatch(), Tally(1)
    await one.create(dsn)
    async with connection(admin_dsn) as conn, one.consuming(dsn, tally):
        async with one.sending(dsn) as send:
            await send(1)
            await tally.done()
        await asyncio.sleep(FLUSH)
        counts: list[float] = []
        for number in range(sizes.rounds):
            counts.append(await _count(conn, sizes.idle_seconds))
            say(f"{NAME}, round {number + 1}: {counts[-1]:.0f} in {sizes.idle_seconds} s")
        before = await _transactions(conn)
        tally.expect(1)
        async with one.sending(dsn) as send:
            await send(1)
            await tally.done()
        await asyncio.sleep(FLUSH)
        return counts, await _transactions(conn) - before


async def _count(conn: AsyncConnection[Any], seconds: float) -> float:
    before = await _transactions(conn)
    await asyncio.sleep(seconds)
    return await _transactions(conn) - before


async def _transactions(conn: AsyncConnection[Any]) -> float:
    row = await (await conn.execute(TRANSACTIONS, (f"bench_{NAME}",))).fetchone()
    assert row is not None
    return float(row[0])
