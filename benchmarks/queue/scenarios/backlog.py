"""What messages that wait, were delayed or will be retried cost a read of others."""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final, LiteralString

from benchmarks.figures import ratio_of_rounds
from benchmarks.progress import say
from benchmarks.queue.contestants.floor import fill_pgmq
from benchmarks.queue.server import connection, database, empty_queue, install_pgmq, settle
from faststream_pgmq.delivery import Deferred, Settlement
from faststream_pgmq.postgres import PostgresQueues
from faststream_pgmq.subscriber.reading import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.figures import Results
    from benchmarks.queue.settings import Sizes
    from faststream_pgmq.delivery import Delivery

NAME: Final = "backlog"
READ: Final = 100
LEASE: Final = 60.0
HOUR: Final = 3600.0
SHORT, LONG, PLAIN, DELAYED, RETRIED = "short", "long", "plain", "delayed", "retried"
DELAY_ALL: Final[LiteralString] = """
SELECT pgmq.send_batch('delayed', ARRAY(
    SELECT jsonb_build_object('n', n, 'text', repeat('x', 200))
    FROM generate_series(1, %s::integer) AS n
), 3600)
"""


def measure(admin_dsn: str, sizes: Sizes, results: Results) -> None:
    """Compare a long queue with a short one, and hidden messages ahead with none."""
    with database(admin_dsn, NAME) as dsn:
        asyncio.run(_measure(dsn, sizes, results))


async def _measure(dsn: str, sizes: Sizes, results: Results) -> None:
    await install_pgmq(dsn, SHORT, LONG, PLAIN, DELAYED, RETRIED)
    queues = PostgresQueues(dsn, dsn, 4)
    await queues.open()
    try:
        await _compare_rates(dsn, queues, sizes, results)
        await _hide(dsn, queues, sizes)
        await _compare_looks(dsn, queues, sizes, results)
    finally:
        await queues.close()


async def _compare_rates(dsn: str, queues: PostgresQueues, sizes: Sizes, results: Results) -> None:
    await fill_pgmq(dsn, sizes.waiting, LONG)
    rounds: dict[str, list[float]] = {SHORT: [], LONG: []}
    for number in range(sizes.rounds):
        await fill_pgmq(dsn, sizes.read_messages, SHORT)
        await settle(dsn)
        for queue, seconds in (await _read_in_turns(queues, sizes.read_messages)).items():
            rounds[queue].append(sizes.read_messages / seconds)
            say(f"{NAME}, round {number + 1}: {queue} {rounds[queue][-1]:,.0f} messages/s")
        await empty_queue(dsn, SHORT)
    text = f"{sizes.waiting:,} waiting"
    results.add(NAME, "messages/s", {"no more waiting": rounds[SHORT], text: rounds[LONG]})
    results.at_least(NAME, f"{text} / none", ratio_of_rounds(rounds[LONG], rounds[SHORT]), 0.8)


async def _read_in_turns(queues: PostgresQueues, count: int) -> dict[str, float]:
    """Return the seconds that reading and deleting as many messages took, by queue."""
    readers = {queue: Reader(queue, LEASE) for queue in (SHORT, LONG)}
    spent = dict.fromkeys(readers, 0.0)
    for _ in range(count // READ):
        for queue, reader in readers.items():
            started = perf_counter()
            claimed = await reader.read(queues, READ)
            await queues.settle(queue, Settlement(acks=claimed.deliveries), archive=False)
            spent[queue] += perf_counter() - started
    return spent


async def _hide(dsn: str, queues: PostgresQueues, sizes: Sizes) -> None:
    say(f"{NAME}: hiding {sizes.hidden:,} messages, twice")
    async with connection(dsn) as conn:
        await conn.execute(DELAY_ALL, (sizes.hidden,))
    await fill_pgmq(dsn, sizes.hidden, RETRIED)
    async for some in _all(queues, RETRIED, sizes.hidden):
        back = [Deferred(one, HOUR, {"attempts": 1}) for one in some]
        await queues.settle(RETRIED, Settlement(deferred=back), archive=False)


async def _all(queues: PostgresQueues, queue: str, count: int) -> AsyncIterator[list[Delivery]]:
    reader = Reader(queue, LEASE)
    while count > 0:
        claimed = await reader.read(queues, 1_000)
        count -= len(claimed.deliveries)
        yield claimed.deliveries


async def _compare_looks(dsn: str, queues: PostgresQueues, sizes: Sizes, results: Results) -> None:
    rounds: dict[str, list[float]] = {PLAIN: [], DELAYED: [], RETRIED: []}
    for number in range(sizes.rounds):
        for queue in rounds:
            await fill_pgmq(dsn, sizes.looks * READ, queue)
        await settle(dsn)
        looks: dict[str, list[float]] = {queue: [] for queue in rounds}
        for _ in range(sizes.looks):
            for queue, some in looks.items():
                some.append(await _look(queues, queue))
        for queue, some in looks.items():
            rounds[queue].append(median(some) * 1_000)
            say(f"{NAME}, round {number + 1}: {queue} {rounds[queue][-1]:.2f} ms a read")
    results.add(f"{NAME}, first read", "ms", rounds)
    for queue in (DELAYED, RETRIED):
        text = f"{sizes.hidden:,} {queue} ahead / none"
        results.at_most(NAME, text, ratio_of_rounds(rounds[queue], rounds[PLAIN]), 2.0)


async def _look(queues: PostgresQueues, queue: str) -> float:
    # A new reader's first read looks at everything, as every reader does once a second.
    reader, started = Reader(queue, LEASE), perf_counter()
    claimed = await reader.read(queues, READ)
    seconds = perf_counter() - started
    if len(claimed.deliveries) != READ:
        raise RuntimeError(f"read {len(claimed.deliveries)} of {READ} from {queue}")
    await queues.settle(queue, Settlement(acks=claimed.deliveries), archive=False)
    return seconds
