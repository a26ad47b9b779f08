"""Takes memories and files out of the graph, so that the next detection takes their evidence away.

Users, projects and sessions stay: they are also the locks that writers wait for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, LiteralString
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


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of entity is taken out."""

    name: Literal["memory", "code"]
    find: LiteralString
    lock: LiteralString
    find_touched: LiteralString
    """Who is linked anew once these are gone."""
    delete: LiteralString
    relink: Callable[[AsyncManagedTransaction, Sequence[Row]], Awaitable[None]]


_MEMORIES: Final = _Kind(
    "memory", FIND_MEMORIES, LOCK_MEMORIES, FIND_FOLLOWING, DELETE_MEMORIES, relink_sessions
)
_CODE: Final = _Kind("code", FIND_CODE, LOCK_CODE, FIND_IMPORTING, DELETE_CODE, relink_importers)


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
    for kind, ids in ((_MEMORIES, memory_ids), (_CODE, code_ids)):
        for start in range(0, len(ids), MAX_ROWS):
            rows = _rows(kind.name, workspace_id, ids[start : start + MAX_ROWS])
            removed += await write(driver, partial(_remove, kind, workspace_id, rows))
    return removed


async def _remove(
    kind: _Kind, workspace_id: str, rows: Sequence[Row], tx: AsyncManagedTransaction
) -> int:
    """Remove entities with their summaries and what they define; close the gaps they leave."""
    if not await _lock(tx, kind, workspace_id, rows):
        return 0
    touched = await run_rows(tx, kind.find_touched, rows)
    lost = await run_rows(tx, DELETE_SUMMARIES, rows)
    await run_rows(tx, kind.delete, rows)
    await kind.relink(tx, touched)
    await number_changes(tx, (), map(read_lost, lost))
    return len(lost)


async def _lock(
    tx: AsyncManagedTransaction, kind: _Kind, workspace_id: str, rows: Sequence[Row]
) -> bool:
    """Lock what writers lock, in their order; return whether any of the entities are there."""
    places = await run_rows(tx, kind.find, rows)
    await _lock_places(tx, workspace_id, places)
    moved = await run_rows(tx, kind.lock, rows)
    if moved != places:
        await _lock_places(tx, workspace_id, moved)
    return bool(moved)


async def _lock_places(
    tx: AsyncManagedTransaction, workspace_id: str, places: Sequence[Row]
) -> None:
    await lock_projects(tx, workspace_id, {place["project_name"] for place in places})
    await lock_sessions(tx, workspace_id, {place["session_id"] for place in places})
    await lock_users(tx, workspace_id, {place["user_id"] for place in places})


def _rows(kind: str, workspace_id: str, ids: Sequence[UUID]) -> list[Row]:
    return [
        {"workspace_id": workspace_id, "id": str(one), "summary_id": f"{kind}:{one}"}
        for one in dict.fromkeys(ids)
    ]
