"""Measured memories about chosen topics, and how they get into the graph."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import shake_256
from math import sqrt
from typing import Any, LiteralString
from uuid import UUID, uuid5

from neo4j import AsyncDriver, AsyncManagedTransaction

from services.patterns.handlers import detect_patterns
from shared.domain.entities import Memory
from shared.domain.findings import News
from shared.domain.signals import measure_signals
from shared.embedding import WordLlamaEmbedder
from shared.graph.changes import Lost, number_changes
from shared.graph.driver import write
from shared.graph.entity_summaries import summarize
from shared.graph.memories import MeasuredMemory, save_memories
from shared.graph.mentions import mentions_of_memory
from shared.graph.owners import lock_owners, own_memories
from shared.graph.patterns import Pattern, Wanted, page_patterns
from shared.messages import DetectPatterns

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
ANNA = UUID("00000000-0000-4000-8000-00000000000a")
BEN = UUID("00000000-0000-4000-8000-00000000000b")
DELETE_MEMORY: LiteralString = """
MATCH (s:EntitySummary {workspace_id: $workspace, id: $summary})-[:SUMMARIZES]->(m:Memory)
DETACH DELETE s, m
"""
ACTIVITIES = ("debugging", "learning", "refactoring", "problem_solving")
EMBEDDER = WordLlamaEmbedder()


def direction(topic: str, name: str = "", *, spread: float = 0.3) -> list[float]:
    """Return a unit vector near the topic's: two of one topic have a cosine of about 0.92."""
    raw = [
        base + spread * own
        for base, own in zip(_noise(topic), _noise(f"{topic}/{name}"), strict=True)
    ]
    length = sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]


def _noise(seed: str) -> list[float]:
    return [byte - 127.5 for byte in shake_256(seed.encode()).digest(EMBEDDER.dimensions)]


def memory(
    workspace: str,
    name: str,
    content: str = "Fixed an error in the login",
    *,
    hours: float = 0,
    at: datetime | None = None,
    topic: str | None = None,
    user: UUID = ANNA,
    project: str | None = "shop",
) -> MeasuredMemory:
    """Return a memory of `hours` after Monday; without a topic it is like no other."""
    occurred_at = at or MONDAY + timedelta(hours=hours)
    entity = Memory(
        id=uuid5(ANNA, f"{workspace}/{name}"),
        workspace_id=workspace,
        user_id=user,
        chunk_id=name,
        session_id="session",
        project_name=project,
        type="conversation",
        content=content,
        metadata={},
        occurred_at=occurred_at,
        created_at=occurred_at,
        updated_at=occurred_at,
    )
    vector = direction(topic or f"alone/{name}", name)
    return MeasuredMemory(entity, measure_signals(content), vector, mentions_of_memory(entity))


async def save(driver: AsyncDriver, *memories: MeasuredMemory) -> None:
    """Write memories and their summaries, as the ingest service does."""
    entities = [measured.entity for measured in memories]

    async def work(tx: AsyncManagedTransaction) -> None:
        await lock_owners(tx, entities)
        await save_memories(tx, memories)
        await own_memories(tx, entities)
        await summarize(tx, memories)

    await write(driver, work)


async def remove(driver: AsyncDriver, *memories: MeasuredMemory) -> None:
    """Delete memories with their summaries, and number what left its place."""
    lost = [_lost(measured.entity) for measured in memories]

    async def work(tx: AsyncManagedTransaction) -> None:
        for workspace, news in lost:
            gone = {"workspace": workspace, "summary": news.id}
            await (await tx.run(DELETE_MEMORY, gone)).consume()
        await number_changes(tx, [], lost)

    await write(driver, work)


def _lost(entity: Memory) -> Lost:
    return entity.workspace_id, News(
        id=f"memory:{entity.id}",
        entity_type="memory",
        user_id=str(entity.user_id),
        project_name=entity.project_name or "",
        occurred_at=entity.occurred_at,
        is_removed=True,
    )


async def detect(
    driver: AsyncDriver, workspace: str, types: Sequence[str] = ACTIVITIES, *, limit: int = 1000
) -> list[str]:
    """Run detection requests until nothing is new."""
    job = DetectPatterns(workspace_id=workspace, pattern_types=list(types), limit=limit)
    outcome = await detect_patterns(job, driver=driver, embedder=EMBEDDER)
    if outcome.has_more:
        return outcome.patterns + await detect(driver, workspace, types, limit=limit)
    return outcome.patterns


async def query(
    driver: AsyncDriver, cypher: LiteralString, **parameters: Any
) -> list[dict[str, Any]]:
    """Return the rows of a query."""
    result = await driver.execute_query(cypher, parameters)
    return [record.data() for record in result.records]


async def list_patterns(
    driver: AsyncDriver,
    workspace_id: str,
    *,
    types: Sequence[str] = (),
    limit: int = 50,
    **wanted: Any,
) -> list[Pattern]:
    """Return a workspace's patterns, the surest first."""
    return await page_patterns(driver, workspace_id, Wanted(types, **wanted), limit=limit)
