"""The old way: each seed is compared with every embedding of the workspace."""

from __future__ import annotations

from time import monotonic, perf_counter
from typing import Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.detection.world import NEW, World

COMPARE_WITH_ALL: Final[LiteralString] = """
MATCH (seed:EntitySummary {workspace_id: $workspace_id, id: $id})
MATCH (s:EntitySummary {workspace_id: $workspace_id})
WHERE s.id <> seed.id AND s.embedding IS NOT NULL
WITH s, vector.similarity.cosine(seed.embedding, s.embedding) AS score
WHERE score >= $score
RETURN s.id AS id, score ORDER BY score DESC LIMIT 20
"""
SCORE: Final = 0.8


async def seconds_of_old_way(driver: AsyncDriver, world: World, deadline: float) -> float:
    """Return what 100 seeds take, reckoned from as many as fit into the deadline; one warms up."""
    ids = [f"memory:{one.entity.id}" for one in world.batch(0, 2 * NEW).memories][: NEW + 1]
    ends = monotonic() + deadline
    taken = [await _compare(driver, world, ids[0])]
    for seed in ids[1:]:
        taken.append(await _compare(driver, world, seed))
        if monotonic() > ends:
            break
    warm = taken[1:]
    return sum(warm) / len(warm) * NEW


async def _compare(driver: AsyncDriver, world: World, seed: str) -> float:
    started = perf_counter()
    await driver.execute_query(
        COMPARE_WITH_ALL, workspace_id=world.workspace_id, id=seed, score=SCORE
    )
    return perf_counter() - started
