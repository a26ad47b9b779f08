"""What it costs to take the groups of a queue in turn, when one group holds nearly everything."""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final, LiteralString

from benchmarks.figures import ratio_of_rounds
from benchmarks.progress import say
from benchmarks.queue.server import connection, database, empty_queue, install_pgmq, settle
from faststream_pgmq import create_queue
from faststream_pgmq.delivery import Settlement
from faststream_pgmq.grouping import Grouping
from faststream_pgmq.postgres import PostgresQueues
from faststream_pgmq.subscriber.reading import GroupReader, Reader

if TYPE_CHECKING:
    from benchmarks.figures import Results
    from benchmarks.queue.settings import Sizes

NAME: Final = "fair"
READ: Final = 100
LEASE: Final = 60.0
PLAIN, FAIR = "plain", "fair"
FILL: Final[LiteralString] = """
SELECT count(*) FROM pgmq.send_batch(%s, ARRAY(
    SELECT jsonb_build_object('n', n, 'text', repeat('x', 200))
    FROM generate_series(1, %s::int) AS n
), ARRAY(
    SELECT jsonb_build_object('group', CASE WHEN n %% 20 = 0 THEN 'tenant-' || n / 20 %% 49
                                            ELSE 'the one with 95 of 100' END)
    FROM generate_series(1, %s::int) AS n
))
"""


def measure(admin_dsn: str, sizes: Sizes, results: Results) -> None:
    """Compare reads in turn with plain ones, of the same messages in 50 groups."""
    with database(admin_dsn, NAME) as dsn:
        rounds = asyncio.run(_measure(dsn, sizes))
    results.add(NAME, "ms", rounds)
    text = f"in turn / plain, {sizes.grouped:,} in 50 groups"
    results.at_most(NAME, text, ratio_of_rounds(rounds[FAIR], rounds[PLAIN]), 3.0)


async def _measure(dsn: str, sizes: Sizes) -> dict[str, list[float]]:
    await install_pgmq(dsn, PLAIN)
    async with connection(dsn) as conn:
        await create_queue(conn, FAIR, groups="fair")
    queues = PostgresQueues(dsn, dsn, 4)
    await queues.open()
    rounds: dict[str, list[float]] = {PLAIN: [], FAIR: []}
    try:
        for number in range(sizes.rounds):
            for queue, reads in (await _read_all(dsn, queues, sizes)).items():
                rounds[queue].append(median(reads) * 1_000)
                say(f"{NAME}, round {number + 1}: {queue} {rounds[queue][-1]:.2f} ms a read")
    finally:
        await queues.close()
    return rounds


async def _read_all(dsn: str, queues: PostgresQueues, sizes: Sizes) -> dict[str, list[float]]:
    readers = {
        PLAIN: Reader(PLAIN, LEASE),
        FAIR: GroupReader(FAIR, LEASE, Grouping()),
    }
    for queue in readers:
        await empty_queue(dsn, queue)
        async with connection(dsn) as conn:
            await conn.execute(FILL, (queue, sizes.grouped, sizes.grouped))
    await settle(dsn)
    reads: dict[str, list[float]] = {queue: [] for queue in readers}
    for _ in range(sizes.looks):
        for queue, reader in readers.items():
            reads[queue].append(await _read(queues, queue, reader))
    return reads


async def _read(queues: PostgresQueues, queue: str, reader: Reader | GroupReader) -> float:
    started = perf_counter()
    claimed = await reader.read(queues, READ)
    seconds = perf_counter() - started
    if len(claimed.deliveries) != READ:
        raise RuntimeError(f"read {len(claimed.deliveries)} of {READ} from {queue}")
    await queues.settle(queue, Settlement(acks=claimed.deliveries), archive=False)
    return seconds
