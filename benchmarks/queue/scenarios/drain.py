"""How fast each contestant drains a queue that is full when it starts."""

from __future__ import annotations

import asyncio
import gc
from contextlib import ExitStack
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from benchmarks.figures import ratio_of_rounds
from benchmarks.progress import say
from benchmarks.queue.contestants.contestant import Contestant, Tally
from benchmarks.queue.contestants.floor import Floor
from benchmarks.queue.contestants.outbox_peer import OutboxPeer
from benchmarks.queue.contestants.pgmq_broker import Overhead, PgmqBatch, PgmqSingle
from benchmarks.queue.contestants.pgqueuer_peer import PgQueuerPeer
from benchmarks.queue.contestants.procrastinate_peer import ProcrastinatePeer
from benchmarks.queue.server import connection, database, database_name, settle

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from benchmarks.figures import Results
    from benchmarks.queue.settings import Sizes

NAME: Final = "drain"
UNIT: Final = "messages/s"
LOOK_EVERY: Final = 0.002
"""Seconds between two looks whether everything is acknowledged; only when all was handled."""


def contestants() -> list[Contestant]:
    """Return all contestants, those that are compared closely next to each other."""
    return [
        Floor(),
        PgmqBatch(),
        Overhead(),
        PgmqSingle(),
        OutboxPeer(),
        PgQueuerPeer(),
        ProcrastinatePeer(),
    ]


def measure(admin_dsn: str, sizes: Sizes, results: Results) -> None:
    """Let all of them drain, in turns."""
    rounds: dict[str, list[float]] = {}
    with ExitStack() as stack:
        everybody = [
            (one, stack.enter_context(database(admin_dsn, database_name(one.name))))
            for one in contestants()
        ]
        for one, dsn in everybody:
            asyncio.run(one.create(dsn))
        for number in range(sizes.rounds):
            for one, dsn in everybody:
                rate = asyncio.run(drain(one, dsn, sizes.drained[one.name]))
                rounds.setdefault(one.name, []).append(rate)
                say(f"{NAME}, round {number + 1}: {one.name} {rate:,.0f} {UNIT}")
    results.add(NAME, UNIT, rounds)
    _judge(rounds, results)


async def drain(one: Contestant, dsn: str, count: int) -> float:
    """Fill, then let it drain; return messages a second, the last acknowledgement included."""
    await one.fill(dsn, count)
    await settle(dsn)
    gc.collect()
    tally = Tally(count)
    async with connection(dsn) as conn, one.consuming(dsn, tally):
        await tally.done()
        await _until_acknowledged(conn, one)
        seconds = perf_counter() - tally.first_at
    if tally.count != count:
        raise RuntimeError(f"{one.name} handled {tally.count} of {count} messages")
    return count / seconds


async def _until_acknowledged(conn: AsyncConnection[Any], one: Contestant) -> None:
    async with asyncio.timeout(60):
        while (await (await conn.execute(one.remaining)).fetchone()) != (0,):  # noqa: ASYNC110 - it happens in the database
            await asyncio.sleep(LOOK_EVERY)


def _judge(rounds: dict[str, list[float]], results: Results) -> None:
    def ratio(over: str, under: str) -> float:
        return ratio_of_rounds(rounds[over], rounds[under])

    results.at_least(NAME, "batch / floor", ratio("pgmq batch", "floor"), 0.6)
    results.at_least(NAME, "batch / pgqueuer", ratio("pgmq batch", "pgqueuer"), 3.0)
    results.at_least(NAME, "single / FastStream alone", ratio("pgmq single", "overhead"), 0.85)
    results.above(
        NAME, "single / faststream-outbox", ratio("pgmq single", "faststream-outbox"), 1.0
    )
