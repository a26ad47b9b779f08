"""Writes a world to the graph, much faster than the ingestion does, and exactly what it would.

The rows are the ingestion's own. What links them is known beforehand, so nothing is looked for and
nothing is merged; a test compares both graphs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from benchmarks.detection.world import World
from benchmarks.progress import say
from shared.graph.code import MeasuredCode, classes_of, code_row, functions_of
from shared.graph.driver import write
from shared.graph.entity_summaries import summary_row
from shared.graph.memories import MeasuredMemory, memory_row
from shared.graph.references import NAME_MATCH
from shared.graph.statements import Row

BATCH: Final = 1_000
REPORT_EVERY: Final = 50_000
_SUMMARIZE: Final[LiteralString] = """
CREATE (s:EntitySummary)
SET s = row.summary, s.embedding = n.embedding, s.processed_at = datetime(),
    s.created_at = n.created_at, s.updated_at = n.updated_at,
    s.occurred_at = coalesce(n.occurred_at, n.updated_at)
CREATE (s)-[:SUMMARIZES]->(n), (n)-[:HAS_SUMMARY]->(s)
WITH n, row
MATCH (u:User {workspace_id: $workspace_id, id: n.user_id})
MATCH (p:Project {workspace_id: $workspace_id, name: n.project_name})
CREATE (n)-[:CREATED_BY]->(u), (n)-[:BELONGS_TO_PROJECT]->(p)
"""
CREATE_CODE: Final[LiteralString] = f"""
UNWIND $rows AS row
CREATE (n:CodeEntity) SET n = row.properties
FOREACH (own IN row.functions |
    CREATE (n)-[:DEFINES_FUNCTION]->(d:Function {{
        workspace_id: $workspace_id, parent_id: row.id, name: own.name
    }}) SET d += own)
FOREACH (own IN row.classes |
    CREATE (n)-[:DEFINES_CLASS]->(d:Class {{
        workspace_id: $workspace_id, parent_id: row.id, name: own.name
    }}) SET d += own)
WITH n, row
{_SUMMARIZE}
"""
CREATE_MEMORIES: Final[LiteralString] = f"""
UNWIND $rows AS row
CREATE (n:Memory) SET n = row.properties
WITH n, row
{_SUMMARIZE}
"""
LINK_MEMORIES: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (m:Memory {workspace_id: $workspace_id, id: row.id})
MATCH (before:Memory {workspace_id: $workspace_id, id: row.before})
CREATE (m)-[:PRECEDED_BY {
    gap: duration.inSeconds(before.occurred_at, m.occurred_at).milliseconds / 1000.0
}]->(before)
"""
REFER_TO_CODE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (m:Memory {workspace_id: $workspace_id, id: row.id})
MATCH (c:CodeEntity {workspace_id: $workspace_id, id: row.code_id})
CREATE (m)-[link:REFERENCES_CODE {
    detection_method: $method, matched_name: row.name, names: [row.name],
    detected_at: datetime()
}]->(c)
CREATE (c)-[:DISCUSSED_IN {
    detection_method: $method, matched_name: row.name, names: [row.name],
    detected_at: datetime()
}]->(m)
"""
CREATE_OWNERS: Final[LiteralString] = """
UNWIND $users AS id MERGE (:User {workspace_id: $workspace_id, id: id})
WITH DISTINCT 1 AS one
UNWIND $projects AS name
MERGE (p:Project {workspace_id: $workspace_id, name: name}) SET p.written_at = datetime()
WITH DISTINCT 1 AS one
UNWIND $sessions AS id
MERGE (s:Session {workspace_id: $workspace_id, id: id}) SET s.written_at = datetime()
"""
COUNT_CHANGES: Final[LiteralString] = """
MERGE (w:Workspace {workspace_id: $workspace_id})
SET w.changes = $changes, w.changed_at = datetime()
"""


@dataclass(slots=True)
class Piece:
    """The rows of one transaction."""

    owners: dict[str, list[str]]
    code: list[Row]
    memories: list[Row]
    chains: list[Row]
    references: list[Row]


async def load(driver: AsyncDriver, world: World) -> None:
    """Write the whole world into a graph that holds nothing of it."""
    scope = {"workspace_id": world.workspace_id, "method": NAME_MATCH}
    following = asyncio.create_task(asyncio.to_thread(_piece, world, 0))
    for start in range(0, world.size, BATCH):
        piece = await following
        following = asyncio.create_task(asyncio.to_thread(_piece, world, start + BATCH))
        await write(driver, lambda tx, piece=piece: _create(tx, scope, piece))
        if start % REPORT_EVERY == 0:
            say(f"{world.name}: {start:,} written")
    await following
    await driver.execute_query(COUNT_CHANGES, scope, changes=world.size)


async def _create(tx: AsyncManagedTransaction, scope: Row, piece: Piece) -> None:
    await (await tx.run(CREATE_OWNERS, scope, **piece.owners)).consume()
    steps: tuple[tuple[LiteralString, list[Row]], ...] = (
        (CREATE_CODE, piece.code),
        (CREATE_MEMORIES, piece.memories),
        (LINK_MEMORIES, piece.chains),
        (REFER_TO_CODE, piece.references),
    )
    for statement, rows in steps:
        await (await tx.run(statement, scope, rows=rows)).consume()


def _piece(world: World, start: int) -> Piece:
    measured = world.batch(start, start + BATCH)
    entities = [*(m.entity for m in measured.memories), *(f.entity for f in measured.files)]
    sessions = {str(memory.entity.session_id) for memory in measured.memories}
    ties = world.ties(start, start + BATCH)
    first_file = start + 1 + len(measured.memories)
    return Piece(
        owners={
            "users": sorted({str(entity.user_id) for entity in entities}),
            "projects": sorted({str(entity.project_name) for entity in entities}),
            "sessions": sorted(sessions),
        },
        code=[_code(file, change) for change, file in enumerate(measured.files, first_file)],
        memories=[_memory(one, change) for change, one in enumerate(measured.memories, start + 1)],
        chains=[{"id": str(tie.id), "before": str(tie.before)} for tie in ties if tie.before],
        references=[
            {"id": str(tie.id), "code_id": str(tie.code), "name": tie.code_name}
            for tie in ties
            if tie.code
        ],
    )


def _code(file: MeasuredCode, change: int) -> Row:
    functions = functions_of(file.parsed).items()
    classes = classes_of(file.parsed).items()
    return code_row(file) | {
        "summary": _summary(summary_row("code", file.entity, file.signals), change),
        "functions": [{"name": name, **own} for name, own in functions],
        "classes": [{"name": name, **own} for name, own in classes],
    }


def _memory(memory: MeasuredMemory, change: int) -> Row:
    summary = summary_row("memory", memory.entity, memory.signals)
    return memory_row(memory) | {"summary": _summary(summary, change)}


def _summary(row: Row, change: int) -> Row:
    key = {"workspace_id": row["workspace_id"], "id": row["id"]}
    return {**key, **row["properties"], "change": change}
