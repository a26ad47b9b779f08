"""The graphs that `make bench-detection` measures in are what the ingestion would have written."""

from __future__ import annotations

from typing import Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.detection.loading import load
from benchmarks.detection.topics import save_topics
from benchmarks.detection.world import World
from services.ingest.graph_writes import write_batch
from tests.integration.patterns.pattern_builders import detect, query
from tests.integration.patterns.topic_builders import find_topics

NODES: Final[LiteralString] = """
MATCH (n {workspace_id: $workspace})
RETURN labels(n) AS labels, properties(n) AS properties
"""
LINKS: Final[LiteralString] = """
MATCH (a {workspace_id: $workspace})-[r]->(b)
RETURN labels(a) AS source, coalesce(a.id, a.name) AS from, type(r) AS type,
       labels(b) AS target, coalesce(b.id, b.name) AS to, properties(r) AS properties
"""
DELETE: Final[LiteralString] = "MATCH (n {workspace_id: $workspace}) DETACH DELETE n"
OWN: Final = frozenset({"change", "changed_at", "processed_at", "detected_at"})
"""What differs from one writing to the next."""
FORGET_TOPICS: Final[LiteralString] = """
MATCH (n {workspace_id: $workspace}) WHERE n:TopicMember OR n:SemanticCluster DETACH DELETE n
"""
LOCK: Final = "written_at"
"""Whether a node was locked depends on who else was written in the same transaction."""


async def graph(driver: AsyncDriver, workspace: str) -> tuple[list[str], list[str]]:
    nodes = await query(driver, NODES, workspace=workspace)
    links = await query(driver, LINKS, workspace=workspace)
    for row in [*nodes, *links]:
        row["properties"] = sorted(
            (name, "" if name in OWN else str(value))
            for name, value in row["properties"].items()
            if name != LOCK
        )
    return sorted(map(str, nodes)), sorted(map(str, links))


async def test_the_loader_writes_what_the_ingestion_writes(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    world = World(300, workspace_id=workspace)
    await load(neo4j_driver, world)
    loaded = await graph(neo4j_driver, workspace)
    await query(neo4j_driver, DELETE, workspace=workspace)
    await write_batch(neo4j_driver, world.batch(0, world.size))
    nodes, links = await graph(neo4j_driver, workspace)

    assert loaded[0] == nodes
    assert loaded[1] == links
    for kind in ("PRECEDED_BY", "REFERENCES_CODE", "DISCUSSED_IN", "DEFINES_FUNCTION"):
        assert any(kind in link for link in links)


async def test_the_topics_of_a_measured_graph_are_those_that_the_detector_makes(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    world = World(300, workspace_id=workspace)
    await load(neo4j_driver, world)
    await save_topics(neo4j_driver, world)
    saved = await find_topics(neo4j_driver, workspace)
    await query(neo4j_driver, FORGET_TOPICS, workspace=workspace)
    await detect(neo4j_driver, workspace, ["semantic"])

    assert saved == await find_topics(neo4j_driver, workspace)
    assert len(saved) > 1
