"""How long an idle consumer takes to have handled a message, from before its send."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.progress import say
from benchmarks.queue.contestants.contestant import Contestant, Tally
from benchmarks.queue.contestants.floor import Floor
from benchmarks.queue.contestants.outbox_peer import OutboxPeer
from benchmarks.queue.contestants.pgmq_broker import PgmqSingle
from benchmarks.queue.contestants.pgqueuer_peer import PgQueuerPeer
from benchmarks.queue.contestants.procrastinate_peer import ProcrastinatePeer
from benchmarks.queue.server import database, database_name, settle

if TYPE_CHECKING:
    from benchmarks.figures import Results
    from benchmarks.queue.contestants.contestant import Send
    from benchmarks.queue.settings import Sizes

NAME: Final = "wake"
SHORTEST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.1
"""Seconds between two messages for one consumer: it must have fallen asleep."""
PATIENCE: Final = 15.0


@dataclass(slots=True)
class Idle:
    """A consumer that waits, and somebody who sends to it."""

    name: str
    tally: Tally
    send: Send
    latencies: list[float]


def contestants() -> list[Contestant]:
    """Return everybody who can be woken."""
    return [Floor(), PgmqSingle(), OutboxPeer(), PgQueuerPeer(), ProcrastinatePeer()]


def measure(admin_dsn: str, sizes: Sizes, results: Results) -> None:
    """Wake all of them in turns: they sleep side by side, so whatever disturbs, disturbs all."""
    with ExitStack() as stack:
        sleepers = [
            (one, stack.enter_context(database(admin_dsn, database_name(one.name))))
            for one in contestants()
        ]
        latencies = asyncio.run(_wake_all(sleepers, sizes.wakes * sizes.rounds))
    p50 = {name: median(some) * 1_000 for name, some in latencies.items()}
    p99 = {name: quantiles(some, n=100)[98] * 1_000 for name, some in latencies.items()}
    results.add(f"{NAME} p50", "ms", {name: [value] for name, value in p50.items()})
    results.add(f"{NAME} p99", "ms", {name: [value] for name, value in p99.items()})
    own = PgmqSingle.name
    results.at_most(NAME, "p50: single / floor", p50[own] / p50[Floor.name], 1.3)
    for name in p99:
        if name not in {own, Floor.name}:
            results.below(NAME, f"p99: single / {name}", p99[own] / p99[name], 1.0)


async def _wake_all(sleepers: list[tuple[Contestant, str]], wakes: int) -> dict[str, list[float]]:
    async with AsyncExitStack() as stack:
        idle: list[Idle] = []
        for one, dsn in sleepers:
            await one.create(dsn)
            await settle(dsn)
            tally = Tally(1)
            await stack.enter_async_context(one.consuming(dsn, tally))
            send = await stack.enter_async_context(one.sending(dsn))
            idle.append(Idle(one.name, tally, send, []))
        for sleeper in idle:
            await _wake(sleeper)  # the first message opens connections and prepares statements
            sleeper.latencies.clear()
        await _take_turns(idle, wakes)
    return {one.name: one.latencies for one in idle}


async def _take_turns(idle: list[Idle], wakes: int) -> None:
    for number in range(wakes):
        for sleeper in random.sample(idle, len(idle)):
            await _wake(sleeper)
        if number % 50 == 49:
            say(f"{NAME}: {number + 1} of {wakes}")


async def _wake(sleeper: Idle) -> None:
    await asyncio.sleep(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))
    sleeper.tally.expect(1)
    sent_at = perf_counter()
    async with asyncio.timeout(PATIENCE):
        await sleeper.send(1)
        await sleeper.tally.done()
    sleeper.latencies.append(sleeper.tally.last_at - sent_at)
