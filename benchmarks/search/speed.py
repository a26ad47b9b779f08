"""How fast search is over 100,000 memories: eight clients through the API, beside an import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import cycle
from statistics import quantiles
from time import monotonic
from typing import Final
from uuid import uuid4

import httpx

from benchmarks.detection.texts import KINDS, TOPICS
from benchmarks.figures import Results
from benchmarks.progress import say
from benchmarks.search.library import MEMORIES, Library

CLIENTS: Final = 8
MOST_MILLISECONDS: Final = 200.0
WARM_UPS: Final = 5
"""How many times as long as is measured searches run before: a server that has just started is
still being compiled, which takes two cores some minutes. Twice as long beside the import, which
is new to it."""
IMPORT_WARM_UPS: Final = 2
CHUNKS: Final = 100
IMPORT_PAUSE_SECONDS: Final = 0.5
QUESTIONS: Final = (
    "why does {topic} fail after the deploy",
    "{topic} latency query plan",
    "how {topic} works",
    "moved the helpers of {topic} into one module",
    "{topic} view for customers with a filter by month",
)


def add_speed(results: Results, library: Library, seconds: float) -> None:
    """Measure and note the times of searches."""
    asyncio.run(_measure(results, library, seconds))


async def _measure(results: Results, library: Library, seconds: float) -> None:
    name = f"search over {library.memories:,} memories, {CLIENTS} clients"
    async with _open(library) as http:
        say("warming up")
        await _run(http, WARM_UPS * seconds)
        say("searching alone")
        before = library.cpu_seconds()
        alone = await _run(http, seconds)
        spent = (library.cpu_seconds() - before) * 1_000 / len(alone)
        say("searching beside an import")
        async with _importing(http):
            await _run(http, IMPORT_WARM_UPS * seconds)
            stored = await library.count_memories()
            beside = await _run(http, seconds)
        imported = (await library.count_memories() - stored) / seconds
    subjects = {"alone": alone, "while an import runs": beside}
    for percent in (50, 95, 99):
        figures = {one: [_percentile(times, percent)] for one, times in subjects.items()}
        results.add(f"{name}, p{percent}", "ms", figures)
    results.add(f"{name}, processor time of Neo4j and the API", "ms", {"alone": [spent]})
    rates = {one: [len(times) / seconds] for one, times in subjects.items()}
    results.add(f"{name}, answers", "1/s", rates)
    results.add(f"{name}, memories imported beside them", "1/s", {"supastate": [imported]})
    results.at_least(name, "memories", library.memories, MEMORIES)
    results.below(name, "p95 while an import runs", _percentile(beside, 95), MOST_MILLISECONDS)


@asynccontextmanager
async def _open(library: Library) -> AsyncGenerator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {library.key}"}
    async with httpx.AsyncClient(base_url=library.url, headers=headers, timeout=300.0) as http:
        yield http


async def _run(http: httpx.AsyncClient, seconds: float) -> list[float]:
    """Return the milliseconds of every search of all clients, each sending one after another."""
    asked = cycle(form.format(topic=topic) for topic in TOPICS for form in QUESTIONS)
    until = monotonic() + seconds
    times: list[float] = []

    async def client() -> None:
        while monotonic() < until:
            started = monotonic()
            answer = await http.get("/api/search", params={"q": next(asked), "limit": 10})
            answer.raise_for_status()
            times.append((monotonic() - started) * 1_000)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return times


@asynccontextmanager
async def _importing(http: httpx.AsyncClient) -> AsyncGenerator[None]:
    """Send chunks all the while, of sessions of their own: what was sent before is not new."""
    run = uuid4().hex

    async def send() -> None:
        texts = [form for form, _ in KINDS.values()]
        for number in range(1_000_000):
            chunks = [
                {
                    "chunkId": f"{run}:{number}:{n}",
                    "content": texts[n % len(texts)].format(topic=TOPICS[n % len(TOPICS)]),
                }
                for n in range(CHUNKS)
            ]
            body = {"sessionId": f"{run}:{number}", "projectName": "imported", "chunks": chunks}
            (await http.post("/api/ingest/memory", json=body)).raise_for_status()
            await asyncio.sleep(IMPORT_PAUSE_SECONDS)

    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _percentile(times: list[float], percent: int) -> float:
    return quantiles(times, n=100, method="inclusive")[percent - 1]
