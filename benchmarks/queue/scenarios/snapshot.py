"""What somebody else's old transaction costs: it keeps every dead row of the queue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg
from psycopg import IsolationLevel

from benchmarks.figures import ratio_of_rounds
from benchmarks.progress import say
from benchmarks.queue.contestants.pgmq_broker import PgmqBatch
from benchmarks.queue.scenarios.drain import drain
from benchmarks.queue.server import database

if TYPE_CHECKING:
    from benchmarks.figures import Results
    from benchmarks.queue.settings import Sizes

NAME: Final = "snapshot"
UNIT: Final = "messages/s"
LOOK: Final[LiteralString] = "SELECT count(*) FROM pgmq.meta"
NONE: Final = "no old snapshot"
HELD: Final = "an old snapshot held"


def measure(admin_dsn: str, sizes: Sizes, results: Results) -> None:
    """Drain beside a transaction that holds a snapshot from before, and without one."""
    rounds: dict[str, list[float]] = {NONE: [], HELD: []}
    with database(admin_dsn, NAME) as dsn:
        one = PgmqBatch()
        asyncio.run(one.create(dsn))
        for number in range(sizes.rounds):
            rounds[NONE].append(asyncio.run(drain(one, dsn, sizes.snapshot)))
            with psycopg.connect(dsn) as conn:
                conn.isolation_level = IsolationLevel.REPEATABLE_READ
                conn.execute(LOOK)
                rounds[HELD].append(asyncio.run(drain(one, dsn, sizes.snapshot)))
            say(f"{NAME}, round {number + 1}: {rounds[NONE][-1]:,.0f}, {rounds[HELD][-1]:,.0f}")
    results.add(NAME, UNIT, rounds)
    ratio = ratio_of_rounds(rounds[HELD], rounds[NONE])
    results.at_least(NAME, f"{HELD} / none, {sizes.snapshot:,} drained", ratio, 0.8)
