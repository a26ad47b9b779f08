"""Memories and source files about chosen topics, and what ties them in the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from neo4j import AsyncDriver, AsyncManagedTransaction

from services.ingest.graph_writes import write_batch
from services.ingest.measuring import Measured
from shared.domain.code_parsing import parse_code
from shared.domain.entities import CodeEntity
from shared.domain.findings import News
from shared.domain.signals import Signals
from shared.graph.changes import number_changes
from shared.graph.code import MeasuredCode
from shared.graph.driver import write
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import mentions_of_memory
from tests.integration.patterns.pattern_builders import ANNA, MONDAY, direction, memory, query

LINKS = """
MATCH (m:Memory {workspace_id: $workspace})-[r:REFERENCES_CODE]->(c:CodeEntity)
MATCH (c)-[back:DISCUSSED_IN {detection_method: r.detection_method}]->(m)
RETURN m.chunk_id AS memory, c.path AS path, r.detection_method AS method,
       r.similarity = back.similarity AS whole, r.detected_at IS NOT NULL AS dated,
       r.similarity AS similarity, c.workspace_id AS owner
ORDER BY memory, path, method
"""
PATTERNS = """
MATCH (p:Pattern {workspace_id: $workspace, type: 'memory_code'})
RETURN p.period AS file, p.frequency AS memories, p.confidence AS confidence,
       p.period_type AS kind, p.metadata AS metadata,
       COUNT { (p)-[:FOUND_IN]->() } AS evidence
ORDER BY file
"""
TAKE_OUT = """
MATCH (s:EntitySummary {workspace_id: $workspace, id: $id})-[:SUMMARIZES]->(n)
DETACH DELETE s, n
"""


def said(
    workspace: str,
    name: str,
    content: str = "the `login` again",
    *,
    topic: str = "login",
    paths: Sequence[str] = (),
    project: str = "shop",
    user: UUID = ANNA,
    version: int = 0,
    hours: float = 0,
) -> MeasuredMemory:
    """Return a memory about a topic, whose tool calls named the paths."""
    plain = memory(workspace, name, content, hours=hours, topic=topic, user=user, project=project)
    entity = replace(
        plain.entity,
        metadata={"filePaths": [*paths]},
        updated_at=MONDAY + timedelta(seconds=version),
    )
    return replace(plain, entity=entity, mentions=mentions_of_memory(entity))


def file(
    workspace: str,
    path: str = "src/login.py",
    content: str = "",
    *,
    topic: str = "login",
    project: str = "shop",
    version: int = 0,
) -> MeasuredCode:
    """Return a source file about a topic."""
    entity = CodeEntity(
        id=uuid5(ANNA, f"{workspace}/{project}/{path}"),
        workspace_id=workspace,
        user_id=ANNA,
        project_name=project,
        path=path,
        name=path.rpartition("/")[2],
        type="file",
        language="python",
        content=content,
        metadata={},
        created_at=MONDAY,
        updated_at=MONDAY + timedelta(seconds=version),
    )
    parsed = parse_code(content, "python", path)
    return MeasuredCode(entity, parsed, Signals({}, {}), direction(topic, path))


async def ingest(driver: AsyncDriver, *entities: MeasuredMemory | MeasuredCode) -> None:
    """Write entities as one batch, as the ingest service does."""
    memories = [one for one in entities if isinstance(one, MeasuredMemory)]
    files = [one for one in entities if isinstance(one, MeasuredCode)]
    await write_batch(driver, Measured(memories, files))


async def take_out(driver: AsyncDriver, entity: MeasuredMemory | MeasuredCode) -> None:
    """Remove an entity with its summary, and note the removal."""
    kind = "memory" if isinstance(entity, MeasuredMemory) else "code"
    own = entity.entity
    news = News(f"{kind}:{own.id}", kind, str(own.user_id), own.project_name or "", MONDAY)

    async def work(tx: AsyncManagedTransaction) -> None:
        await (await tx.run(TAKE_OUT, workspace=own.workspace_id, id=news.id)).consume()
        await number_changes(tx, (), [(own.workspace_id, news)])

    await write(driver, work)


async def links(driver: AsyncDriver, workspace: str, method: str = "similarity") -> list[Any]:
    """Return memory and path of the links of a method."""
    found = await query(driver, LINKS, workspace=workspace)
    return [(row["memory"], row["path"]) for row in found if row["method"] == method]


async def patterns(driver: AsyncDriver, workspace: str) -> list[dict[str, Any]]:
    """Return the patterns of discussed files."""
    return await query(driver, PATTERNS, workspace=workspace)
