"""Topics in the graph: clusters grow, join, shrink and end, and their patterns with them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.domain.findings import News
from shared.graph.changes import number_changes
from shared.graph.driver import write
from shared.graph.memories import MeasuredMemory
from shared.graph.patterns import Pattern, list_patterns
from tests.integration.patterns.pattern_builders import (
    BEN,
    detect,
    memory,
    query,
    save,
)

TEXT = "The login page keeps asking for a session token"
CLUSTERS = """
MATCH (c:SemanticCluster {workspace_id: $workspace})<-[link:IN_CLUSTER]-(s:EntitySummary)
WITH c, s, link ORDER BY s.id
RETURN c {.*} AS cluster, collect(s.id) AS members, min(link.similarity) AS least ORDER BY cluster.id
"""


@dataclass(frozen=True)
class Topics:
    """A workspace whose topics are looked at."""

    driver: AsyncDriver
    workspace: str

    async def add(self, *memories: MeasuredMemory) -> None:
        await save(self.driver, *memories)
        await detect(self.driver, self.workspace, ["semantic"])

    async def patterns(self) -> list[Pattern]:
        return await list_patterns(self.driver, self.workspace, types=["semantic"])


@pytest.fixture
def topics(neo4j_driver: AsyncDriver, workspace: str) -> Topics:
    return Topics(neo4j_driver, workspace)


def about(topics: Topics, topic: str, names: Iterable[int], text: str = TEXT) -> list[MeasuredMemory]:
    """Return memories of one topic, an hour apart."""
    return [
        memory(topics.workspace, f"{topic}{n}", text, hours=n, topic=topic) for n in names
    ]


async def test_five_alike_memories_are_a_topic_with_its_evidence(topics: Topics) -> None:
    await topics.add(*about(topics, "login", range(5)), memory(topics.workspace, "other"))
    (pattern,) = await topics.patterns()
    print(pattern)
    (row,) = await query(topics.driver, CLUSTERS, workspace=topics.workspace)
    row["cluster"].pop("seed_embedding"), row["cluster"].pop("centroid_embedding")
    print(row)
    assert (pattern.frequency, pattern.period_type) == (5, "all")


async def test_2000(topics: Topics) -> None:
    import time
    alike = [memory(topics.workspace, f"{n}", TEXT, hours=n, topic="login") for n in range(2000)]
    alike = [replace(one, embedding=alike[0].embedding) for one in alike]
    await save(topics.driver, *alike)
    t=time.time()
    job = await detect(topics.driver, topics.workspace, ["semantic"], limit=1000)
    print('detect', time.time()-t)
    (pattern,) = await topics.patterns()
    assert pattern.frequency == 2000
    print(pattern.metadata)
