"""One process that writes new memories and looks for patterns, as the workers do; told by JSON.

`python -m benchmarks.detection.detecting` reads its task from stdin and prints what it measured.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver
from pydantic import BaseModel

from benchmarks.detection.profiling import ProfilingDriver
from benchmarks.detection.world import NEW, World
from cli.local_stack.addresses import GRAPH_USER
from services.ingest.graph_writes import write_batch
from services.patterns.detectors import DETECTORS
from services.patterns.handlers import detect_patterns
from shared.embedding import WordLlamaEmbedder
from shared.graph.driver import connect
from shared.messages import DetectPatterns

EMBEDDER: Final = WordLlamaEmbedder()
FORGET: Final[tuple[LiteralString, ...]] = (
    """
    UNWIND $ids AS id
    MATCH (m:Memory {workspace_id: $workspace_id, id: id})
    OPTIONAL MATCH (m)-[:HAS_SUMMARY]->(s)
    DETACH DELETE m, s
    """,
    """
    MATCH (p:Pattern {workspace_id: $workspace_id})
    CALL (p) { DETACH DELETE p } IN TRANSACTIONS OF 1000 ROWS
    """,
)


class Assignment(BaseModel, frozen=True):
    """What the process is to measure."""

    uri: str
    password: str
    size: int
    is_dense: bool
    runs: int
    is_profiled: bool = False


class Statement(BaseModel, frozen=True):
    """One statement as it was profiled, all its executions of a run together."""

    text: str
    db_hits: int
    most_rows: int
    executions: int
    scans: list[str]


class Round(BaseModel, frozen=True):
    """One run."""

    write_seconds: float
    seconds: float
    by_detector: dict[str, float]
    patterns: int


class Report(BaseModel, frozen=True):
    """What the process measured."""

    rounds: list[Round]
    statements: list[Statement]
    peak_kib: int


async def measure(task: Assignment) -> Report:
    """Run the task; the graph is as before afterwards."""
    world = World(task.size, is_dense=task.is_dense)
    async with connect(task.uri, GRAPH_USER, task.password) as driver:
        profiling = ProfilingDriver(driver)
        used = profiling.as_driver() if task.is_profiled else driver
        try:
            rounds = [await _round(driver, used, world, run) for run in range(task.runs)]
        finally:
            await forget(driver, world, task.runs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Report(rounds=rounds, statements=_statements(profiling), peak_kib=peak)


async def _round(plain: AsyncDriver, used: AsyncDriver, world: World, run: int) -> Round:
    news = world.news(run)
    started = perf_counter()
    await write_batch(plain, news)
    written = perf_counter()
    by_detector: dict[str, float] = {}
    patterns = 0
    for detector in DETECTORS:
        since = perf_counter()
        job = DetectPatterns(
            workspace_id=world.workspace_id, pattern_types=[detector.type], limit=NEW
        )
        patterns += len((await detect_patterns(job, driver=used, embedder=EMBEDDER)).patterns)
        by_detector[detector.name] = perf_counter() - since
    return Round(
        write_seconds=written - started,
        seconds=perf_counter() - written,
        by_detector=by_detector,
        patterns=patterns,
    )


async def forget(driver: AsyncDriver, world: World, runs: int) -> None:
    """Remove what the runs have added."""
    added = [m.entity for run in range(runs) for m in world.news(run).memories]
    ids = [str(entity.id) for entity in added]
    async with driver.session() as session:  # pyright: ignore[reportUnknownMemberType]
        for statement in FORGET:
            await (await session.run(statement, workspace_id=world.workspace_id, ids=ids)).consume()


def _statements(profiling: ProfilingDriver) -> list[Statement]:
    texts = dict.fromkeys(one.statement for one in profiling.ran)
    return [_statement(text, [p for p in profiling.ran if p.statement == text]) for text in texts]


def _statement(text: str, ran: Sequence[Any]) -> Statement:
    return Statement(
        text=" ".join(text.split()),
        db_hits=sum(one.db_hits for one in ran),
        most_rows=max(one.most_rows for one in ran),
        executions=len(ran),
        scans=sorted({scan for one in ran for scan in one.scans}),
    )


def main() -> None:
    """Measure what stdin says."""
    task = Assignment.model_validate_json(sys.stdin.read())
    print(asyncio.run(measure(task)).model_dump_json())


if __name__ == "__main__":
    main()
