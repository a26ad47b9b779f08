"""Sends memories over HTTP and by the bare transaction in turn: how long, how many a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final, NamedTuple, TypeAlias

from psycopg import AsyncConnection

from benchmarks.api.client import Client, connected
from benchmarks.api.floor import Ready, write
from benchmarks.api.requests import body_of, chunks
from benchmarks.api.server import Api, processor_seconds
from benchmarks.api.settings import Sizes
from benchmarks.figures import Results, ratio_of_rounds
from benchmarks.progress import say

API: Final = "API"
FLOOR: Final = "bare transaction"
MOST_AT_HAND: Final = 1_300
"""Requests made before the clock starts, for one round; no client may run out of them."""
MICROSECONDS: Final = 1e6

Send: TypeAlias = Callable[[], Awaitable[None]]


class Load(NamedTuple):
    """What all clients brought through together, and how long they took."""

    memories: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.memories / self.seconds


def measure_answers(api: Api, sizes: Sizes, results: Results) -> None:
    """One client: the time of a request of 100 chunks beside that of its transaction."""
    taken = asyncio.run(_take_answers(api, sizes))
    results.add("answer", "ms", taken)
    ratio = ratio_of_rounds(taken[API], taken[FLOOR])
    results.at_most("answer", f"POST of {sizes.chunks} chunks / its bare transaction", ratio, 2.0)


def measure_throughput(api: Api, sizes: Sizes, results: Results) -> None:
    """Many clients: memories a second of one process beside the bare transaction's."""
    rounds: dict[str, list[float]] = {API: [], FLOOR: []}
    costs: list[float] = []
    for number in range(sizes.rounds):
        spent = processor_seconds(api.pid)
        load = asyncio.run(_run_api_clients(api, sizes))
        costs.append((processor_seconds(api.pid) - spent) / load.memories * MICROSECONDS)
        rounds[API].append(load.rate)
        rounds[FLOOR].append(asyncio.run(_run_floor_clients(api, sizes)).rate)
        say(f"round {number + 1}: API {rounds[API][-1]:,.0f}, floor {rounds[FLOOR][-1]:,.0f}")
    results.add("throughput", "memories/s", rounds)
    results.add("throughput", "µs/memory", {"API process, processor time": costs})
    ratio = ratio_of_rounds(rounds[API], rounds[FLOOR])
    text = f"one API process / bare transaction, {sizes.clients} clients"
    results.at_least("throughput", text, ratio, 0.5)


async def _take_answers(api: Api, sizes: Sizes) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {API: [], FLOOR: []}
    async with connected(api.url, api.key) as client, await _connect(api) as conn:
        for _ in range(sizes.warm_ups + sizes.answers):
            body = body_of(chunks(sizes.chunks))
            ready = Ready.of(api.workspace_id, api.user_id, chunks(sizes.chunks))
            taken[API].append(await _milliseconds(client.post(body)))
            taken[FLOOR].append(await _milliseconds(write(conn, ready)))
    return {name: some[sizes.warm_ups :] for name, some in taken.items()}


async def _milliseconds(sent: Awaitable[None]) -> float:
    started = time.perf_counter()
    await sent
    return (time.perf_counter() - started) * 1000


async def _run_api_clients(api: Api, sizes: Sizes) -> Load:
    at_hand = [body_of(chunks(sizes.chunks)) for _ in range(MOST_AT_HAND)]
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(connected(api.url, api.key))
            for _ in range(sizes.clients)
        ]

        def sender(client: Client) -> Send:
            return lambda: client.post(at_hand.pop())

        return await _send_all([sender(client) for client in clients], sizes)


async def _run_floor_clients(api: Api, sizes: Sizes) -> Load:
    at_hand = [
        Ready.of(api.workspace_id, api.user_id, chunks(sizes.chunks)) for _ in range(MOST_AT_HAND)
    ]
    async with AsyncExitStack() as stack:
        conns = [await stack.enter_async_context(await _connect(api)) for _ in range(sizes.clients)]

        def sender(conn: AsyncConnection) -> Send:
            return lambda: write(conn, at_hand.pop())

        return await _send_all([sender(conn) for conn in conns], sizes)


async def _send_all(senders: list[Send], sizes: Sizes) -> Load:
    started, done = time.perf_counter(), 0

    async def keep_sending(send: Send) -> None:
        nonlocal done
        while time.perf_counter() - started < sizes.seconds:
            await send()
            done += sizes.chunks

    await asyncio.gather(*map(keep_sending, senders))
    return Load(done, time.perf_counter() - started)


async def _connect(api: Api) -> AsyncConnection:
    return await AsyncConnection.connect(api.dsn, autocommit=True)
