"""Writes the memories and files as ingestion does, looks for links, and reads what stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.links.truth import Pair
from services.ingest.graph_writes import write_batch
from services.ingest.measuring import measure
from services.patterns.handlers import detect_patterns
from shared.domain.entities import Entity
from shared.embedding import Embedder
from shared.messages import DetectPatterns

BATCH: Final = 25
READ_LINKS: Final[LiteralString] = """
MATCH (m:Memory) WHERE m.workspace_id = $workspace_id
MATCH (m)-[link:REFERENCES_CODE]->(c {workspace_id: $workspace_id})
RETURN m.chunk_id AS memory, c.path AS file, link.detection_method AS method,
       link.matched_name AS name, link.similarity AS similarity
ORDER BY memory, file, method
"""
DELETE_WORKSPACE: Final[LiteralString] = """
MATCH (n {workspace_id: $workspace_id}) DETACH DELETE n
"""


@dataclass(frozen=True, slots=True)
class Found:
    """One link that stands in the graph."""

    pair: Pair
    method: str
    name: str | None
    similarity: float | None


async def write_and_detect(
    driver: AsyncDriver, embedder: Embedder, entities: Sequence[Entity], workspace_id: str
) -> list[Found]:
    """Write entities in their order, in batches with a detection after each; return the links."""
    job = DetectPatterns(workspace_id=workspace_id, pattern_types=["memory_code"])
    for start in range(0, len(entities), BATCH):
        await write_batch(driver, await measure(entities[start : start + BATCH], embedder))
        while (await detect_patterns(job, driver=driver, embedder=embedder)).has_more:
            pass
    return await read_links(driver, workspace_id)


async def read_links(driver: AsyncDriver, workspace_id: str) -> list[Found]:
    """Return the links between memories and files."""
    result = await driver.execute_query(READ_LINKS, workspace_id=workspace_id)
    rows = [record.data() for record in result.records]
    return [
        Found((row["memory"], row["file"]), row["method"], row["name"], row["similarity"])
        for row in rows
    ]


async def forget(driver: AsyncDriver, workspace_id: str) -> None:
    """Delete what was written."""
    await driver.execute_query(DELETE_WORKSPACE, workspace_id=workspace_id)
