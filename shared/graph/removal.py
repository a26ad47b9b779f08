"""Takes memories and files out of the graph, so that the next detection takes their evidence away.

Users, projects and sessions stay: they are also the locks that writers wait for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, LiteralString
from uuid import UUID

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.changes import number_changes, read_lost
from shared.graph.driver import write
from shared.graph.imports import relink_importers
from shared.graph.owners import lock_projects, lock_sessions, lock_users
from shared.graph.sessions import relink_sessions
from shared.graph.statements import MAX_ROWS, Row, run_rows

_PLACE: Final[LiteralString] = """
RETURN n.workspace_id AS workspace_id, n.id AS id, n.project_name AS project_name,
       n.session_id AS session_id, n.user_id AS user_id
"""
FIND_MEMORIES: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (n:Memory {{workspace_id: row.workspace_id, id: row.id}})
{_PLACE}
"""
FIND_CODE: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (n:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
{_PLACE}
"""
# A writer that changes them waits here, or was before us: where they are now, they stay.
LOCK_MEMORIES: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (n:Memory {{workspace_id: row.workspace_id, id: row.id}})
SET n.removed_at = datetime()
{_PLACE}
"""
LOCK_CODE: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (n:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
SET n.removed_at = datetime()
{_PLACE}
"""
# The far ends bear no label: with one, the planner may scan the label while it has few nodes.
FIND_FOLLOWING: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:Memory {workspace_id: row.workspace_id, id: row.id})
MATCH (after {workspace_id: row.workspace_id})-[:PRECEDED_BY]->(n)
WHERE after.removed_at IS NULL
RETURN DISTINCT after.workspace_id AS workspace_id, after.id AS id
"""
FIND_IMPORTING: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:CodeEntity {workspace_id: row.workspace_id, id: row.id})
MATCH (importer {workspace_id: row.workspace_id})-[:IMPORTS]->(n)
WHERE importer.removed_at IS NULL
RETURN DISTINCT importer.workspace_id AS workspace_id, importer.id AS id
"""
DELETE_SUMMARIES: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (s:EntitySummary {workspace_id: row.workspace_id, id: row.summary_id})
WITH s, s {.workspace_id, .id, .entity_type, .user_id, .project_name, .occurred_at} AS was
DETACH DELETE s
RETURN was.workspace_id AS workspace_id, was.id AS id, was.entity_type AS entity_type,
       was.user_id AS user_id, was.project_name AS project_name, was.occurred_at AS occurred_at
"""
DELETE_MEMORIES: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:Memory {workspace_id: row.workspace_id, id: row.id})
DETACH DELETE n
"""
DELETE_CODE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (n:CodeEntity {workspace_id: row.workspace_id, id: row.id})
OPTIONAL MATCH (n)-[:DEFINES_FUNCTION|DEFINES_CLASS|DEFINES_COMPONENT]->
               (part {workspace_id: row.workspace_id})
DETACH DELETE part, n
"""


async def remove_entities(
    driver: AsyncDriver,
    workspace_id: str,
    *,
    memory_ids: Sequence[UUID] = (),
    code_ids: Sequence[UUID] = (),
) -> int:
    """Remove any number of memories and files, a thousand in a transaction; return how many.

    Safe to repeat. Ask for detection afterwards: it drops patterns that have no evidence left.

    Raises:
        DependencyDownError: Neo4j does not answer.
    """
    removed = 0
    for batch in _batches(memory_ids):
        removed += await write(driver, lambda tx, ids=batch: remove_memories(tx, workspace_id, ids))
    for batch in _batches(code_ids):
        removed += await write(driver, lambda tx, ids=batch: remove_code(tx, workspace_id, ids))
    return removed


async def remove_memories(
    tx: AsyncManagedTransaction, workspace_id: str, memory_ids: Iterable[UUID]
) -> int:
    """Remove memories with their summaries, and close the gaps in their sessions."""
    rows = _rows("memory", workspace_id, memory_ids)
    if not await _lock(tx, workspace_id, rows, FIND_MEMORIES, LOCK_MEMORIES):
        return 0
    following = await run_rows(tx, FIND_FOLLOWING, rows)
    lost = await run_rows(tx, DELETE_SUMMARIES, rows)
    await run_rows(tx, DELETE_MEMORIES, rows)
    await relink_sessions(tx, following)
    await number_changes(tx, (), map(read_lost, lost))
    return len(lost)


async def remove_code(
    tx: AsyncManagedTransaction, workspace_id: str, code_ids: Iterable[UUID]
) -> int:
    """Remove files with their summaries and what they define; who imported them looks again."""
    rows = _rows("code", workspace_id, code_ids)
    if not await _lock(tx, workspace_id, rows, FIND_CODE, LOCK_CODE):
        return 0
    importing = await run_rows(tx, FIND_IMPORTING, rows)
    lost = await run_rows(tx, DELETE_SUMMARIES, rows)
    await run_rows(tx, DELETE_CODE, rows)
    await relink_importers(tx, importing)
    await number_changes(tx, (), map(read_lost, lost))
    return len(lost)


async def _lock(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    rows: Sequence[Row],
    find: LiteralString,
    lock: LiteralString,
) -> bool:
    """Lock what writers lock, in their order; return whether any of the entities are there."""
    places = await run_rows(tx, find, rows)
    await _lock_places(tx, workspace_id, places)
    moved = await run_rows(tx, lock, rows)
    if moved != places:
        await _lock_places(tx, workspace_id, moved)
    return bool(moved)


async def _lock_places(
    tx: AsyncManagedTransaction, workspace_id: str, places: Sequence[Row]
) -> None:
    await lock_projects(tx, workspace_id, {place["project_name"] or "" for place in places})
    await lock_sessions(tx, workspace_id, {place["session_id"] or "" for place in places})
    await lock_users(tx, workspace_id, {place["user_id"] for place in places})


def _rows(kind: str, workspace_id: str, ids: Iterable[UUID]) -> list[Row]:
    return [
        {"workspace_id": workspace_id, "id": str(one), "summary_id": f"{kind}:{one}"}
        for one in dict.fromkeys(ids)
    ]


def _batches(ids: Sequence[UUID]) -> list[Sequence[UUID]]:
    return [ids[start : start + MAX_ROWS] for start in range(0, len(ids), MAX_ROWS)]
