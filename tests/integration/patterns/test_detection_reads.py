"""Everything that a whole detection run asks is answered by an index, and by more than its prefix.

In a graph where one workspace holds nearly everything, and no pattern yet, an index that knows only
the workspace looks to the planner as good as any: what it chooses there, it keeps with a million.
"""

from __future__ import annotations

import pytest
from neo4j import AsyncDriver

from benchmarks.detection.history import mark_all_seen
from benchmarks.detection.loading import load
from benchmarks.detection.profiling import Profiled, ProfilingDriver
from benchmarks.detection.topics import save_topics
from benchmarks.detection.world import NEW, World
from services.ingest.graph_writes import write_batch
from services.patterns.detectors import DETECTORS
from services.patterns.handlers import detect_patterns
from shared.messages import DetectPatterns
from tests.integration.patterns.pattern_builders import EMBEDDER, query

SIZE = 1_500
MOST_HITS = 40_000
"""Of one run of one detector; nearly all are those of topics, with 200 members of some 30 each."""


@pytest.fixture
async def full(neo4j_driver: AsyncDriver, workspace: str) -> World:
    """A workspace that was looked at; the plans of other tests are forgotten."""
    world = World(SIZE, workspace_id=workspace)
    await load(neo4j_driver, world)
    await save_topics(neo4j_driver, world)
    await mark_all_seen(neo4j_driver, world)
    await query(neo4j_driver, "CALL db.clearQueryCaches()")
    return world


async def profiled_run(driver: AsyncDriver, world: World) -> list[Profiled]:
    """Return what two runs over new memories executed."""
    profiling = ProfilingDriver(driver)
    for run in range(2):
        await write_batch(driver, world.news(run))
        job = DetectPatterns(workspace_id=world.workspace_id, limit=NEW)
        await detect_patterns(job, driver=profiling.as_driver(), embedder=EMBEDDER)
    return profiling.ran


async def test_a_run_scans_nothing(neo4j_driver: AsyncDriver, full: World) -> None:
    ran = await profiled_run(neo4j_driver, full)
    assert len(ran) > len(DETECTORS)
    assert {one.statement: one.scans for one in ran if one.scans} == {}
    assert {one.statement: one.whole_workspaces for one in ran if one.whole_workspaces} == {}
    assert sum(one.db_hits for one in ran) < 2 * MOST_HITS * len(DETECTORS)


async def test_a_statement_that_scans_is_noticed(neo4j_driver: AsyncDriver, full: World) -> None:
    profiling = ProfilingDriver(neo4j_driver)
    async with profiling.session(default_access_mode="WRITE") as session:
        await session.execute_write(lambda tx: tx.run("MATCH (s:EntitySummary) RETURN s.id AS id"))
        await session.execute_write(
            lambda tx: tx.run(
                "MATCH (p:Pattern) WHERE p.workspace_id = $id RETURN p.id AS id",
                id=full.workspace_id,
            )
        )
    scan, workspace = profiling.ran
    assert scan.scans
    assert workspace.whole_workspaces
