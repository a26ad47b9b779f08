"""The process that is measured: it writes new memories and looks for patterns, as the workers do.

`python -m benchmarks.detection.detecting` reads its task, then a line for each round, and prints
what it measured, all as JSON.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Sequence
from time import perf_counter, process_time
from typing import Final, LiteralString

from neo4j import AsyncDriver
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel

from benchmarks.detection.profiling import Profiled, ProfilingDriver
from benchmarks.detection.world import NEW, World
from cli.local_stack.addresses import GRAPH_USER
from services.ingest.graph_writes import write_batch
from services.patterns.handlers import detect_patterns
from shared.embedding import WordLlamaEmbedder
from shared.graph.driver import connect
from shared.graph.removal import remove_entities
from shared.messages import DetectPatterns

EMBEDDER: Final = WordLlamaEmbedder()
DETECTOR: Final = "supastate.detector"
# The patterns of weeks that the loader wrote have no evidence; topics follow their memories.
FORGET: Final[LiteralString] = """
MATCH (p:Pattern {workspace_id: $workspace_id})
WHERE p.type <> 'semantic' AND EXISTS { (p)-[:FOUND_IN]->() }
CALL (p) { DETACH DELETE p } IN TRANSACTIONS OF 1000 ROWS
"""


class Assignment(BaseModel, frozen=True):
    """What the process is to measure."""

    uri: str
    password: str
    size: int
    is_dense: bool
    is_profiled: bool


class Statement(BaseModel, frozen=True):
    """One statement as it was profiled, all its executions together."""

    text: str
    db_hits: int
    most_rows: int
    executions: int
    scans: list[str]


class Round(BaseModel, frozen=True):
    """One run of all detectors over new memories."""

    write_seconds: float
    seconds: float
    cpu_seconds: float
    """Of this process; the server's own are not in it."""
    by_detector: dict[str, float]
    patterns: int
    statements: list[Statement]
    peak_kib: int
    """The most memory that the process has held until now."""


async def serve(task: Assignment) -> None:
    """Do a round for each line of stdin; afterwards the graph is as before."""
    world = World(task.size, is_dense=task.is_dense)
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    done = 0
    async with connect(task.uri, GRAPH_USER, task.password) as driver:
        try:
            while await asyncio.to_thread(sys.stdin.readline):
                done += 1
                one = await _round(driver, world, done - 1, spans, is_profiled=task.is_profiled)
                print(one.model_dump_json(), flush=True)
        finally:
            await forget(driver, world, done)


async def _round(
    driver: AsyncDriver, world: World, run: int, spans: InMemorySpanExporter, *, is_profiled: bool
) -> Round:
    news = world.news(run)
    started = perf_counter()
    await write_batch(driver, news)
    written = perf_counter()
    spans.clear()
    profiling = ProfilingDriver(driver)
    used = profiling.as_driver() if is_profiled else driver
    job = DetectPatterns(workspace_id=world.workspace_id, limit=NEW)
    since, cpu = perf_counter(), process_time()
    outcome = await detect_patterns(job, driver=used, embedder=EMBEDDER)
    return Round(
        write_seconds=written - started,
        seconds=perf_counter() - since,
        cpu_seconds=process_time() - cpu,
        by_detector=_by_detector(spans),
        patterns=len(outcome.patterns),
        statements=_statements(profiling.ran),
        peak_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    )


def _by_detector(spans: InMemorySpanExporter) -> dict[str, float]:
    return {
        str((span.attributes or {})[DETECTOR]): (span.end_time - span.start_time) / 1e9
        for span in spans.get_finished_spans()
        if DETECTOR in (span.attributes or {}) and span.start_time and span.end_time
    }


async def forget(driver: AsyncDriver, world: World, runs: int) -> None:
    """Remove what the runs have added, and let topics take note of it."""
    ids = [m.entity.id for run in range(runs) for m in world.news(run).memories]
    await remove_entities(driver, world.workspace_id, memory_ids=ids)
    job = DetectPatterns(workspace_id=world.workspace_id, pattern_types=["semantic"], limit=NEW)
    while (await detect_patterns(job, driver=driver, embedder=EMBEDDER)).has_more:
        pass
    async with driver.session() as session:  # pyright: ignore[reportUnknownMemberType]
        result = await session.run(FORGET, workspace_id=world.workspace_id)
        await result.consume()


def _statements(ran: Sequence[Profiled]) -> list[Statement]:
    texts = dict.fromkeys(one.statement for one in ran)
    return [_statement(text, [one for one in ran if one.statement == text]) for text in texts]


def _statement(text: str, ran: Sequence[Profiled]) -> Statement:
    return Statement(
        text=" ".join(text.split()),
        db_hits=sum(one.db_hits for one in ran),
        most_rows=max(one.most_rows for one in ran),
        executions=len(ran),
        scans=sorted({scan for one in ran for scan in one.scans | one.whole_workspaces}),
    )


if __name__ == "__main__":
    asyncio.run(serve(Assignment.model_validate_json(sys.stdin.readline())))
