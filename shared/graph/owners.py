"""Who wrote an entity and which project it belongs to; these nodes are also the writers' locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, LiteralString
from uuid import UUID

from neo4j import AsyncManagedTransaction

from shared.domain.entities import CodeEntity, Entity, Memory
from shared.graph.statements import Row, run_rows

# The SET takes the node's lock, which a MERGE of an existing node does not. Held until commit, it
# makes writers of one project, and of one session, take turns: each sees what it has to link to.
MERGE_USERS: Final[LiteralString] = """
UNWIND $rows AS row
MERGE (u:User {workspace_id: row.workspace_id, id: row.id})
"""
LOCK_USERS: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (u:User {workspace_id: row.workspace_id, id: row.id})
SET u.written_at = datetime()
"""
LOCK_PROJECTS: Final[LiteralString] = """
UNWIND $rows AS row
MERGE (p:Project {workspace_id: row.workspace_id, name: row.id})
SET p.written_at = datetime()
"""
LOCK_SESSIONS: Final[LiteralString] = """
UNWIND $rows AS row
MERGE (s:Session {workspace_id: row.workspace_id, id: row.id})
SET s.written_at = datetime()
"""
# A new version may have moved: the session that it leaves is linked anew as well, and its links to
# the project and the user that it leaves are deleted, which locks them.
FIND_LEFT: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (m:Memory {workspace_id: row.workspace_id, id: row.id})
RETURN DISTINCT m.workspace_id AS workspace_id, m.session_id AS session_id,
       m.project_name AS project_name, m.user_id AS user_id
"""
_OWN: Final[LiteralString] = """
OPTIONAL MATCH (n)-[created:CREATED_BY]->(u:User) WHERE u.id <> row.user_id
DELETE created
WITH DISTINCT n, row
OPTIONAL MATCH (n)-[belongs:BELONGS_TO_PROJECT]->(p:Project)
WHERE row.project_name IS NULL OR p.name <> row.project_name
DELETE belongs
WITH DISTINCT n, row
MERGE (u:User {workspace_id: row.workspace_id, id: row.user_id})
MERGE (n)-[:CREATED_BY]->(u)
WITH n, row
MATCH (p:Project {workspace_id: row.workspace_id, name: row.project_name})
MERGE (n)-[:BELONGS_TO_PROJECT]->(p)
"""
OWN_MEMORIES: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (n:Memory {{workspace_id: row.workspace_id, id: row.id}})
{_OWN}
"""
OWN_CODE: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (n:CodeEntity {{workspace_id: row.workspace_id, id: row.id}})
{_OWN}
"""


async def lock_owners(tx: AsyncManagedTransaction, entities: Sequence[Entity]) -> None:
    """Merge users, projects and sessions of `entities`; projects and sessions stay locked.

    Call first in a transaction: whoever comes second waits here, before it holds anything.
    """
    memories = [entity for entity in entities if isinstance(entity, Memory)]
    rows = [_row(memory.workspace_id, memory.id) for memory in memories]
    left = await run_rows(tx, FIND_LEFT, rows)
    users = _distinct(_row(e.workspace_id, e.user_id) for e in entities)
    await run_rows(tx, MERGE_USERS, users)
    projects = [_row(e.workspace_id, e.project_name) for e in entities]
    await run_rows(tx, LOCK_PROJECTS, _distinct([*projects, *_left(left, "project_name")]))
    sessions = [_row(m.workspace_id, m.session_id) for m in memories]
    await run_rows(tx, LOCK_SESSIONS, _distinct([*sessions, *_left(left, "session_id")]))
    users = _distinct([*users, *_left(left, "user_id")])
    if len(users) > 1:  # one is locked by the first link to it, and only where it must be
        await run_rows(tx, LOCK_USERS, users)


def _left(places: Sequence[Row], name: str) -> list[Row]:
    return [_row(place["workspace_id"], place[name]) for place in places]


async def lock_projects(
    tx: AsyncManagedTransaction, workspace_id: str, names: Iterable[str | None]
) -> None:
    """Lock projects by name, as `lock_owners` does: None is none, an empty name is one."""
    rows = (_row(workspace_id, name) for name in names)
    await run_rows(tx, LOCK_PROJECTS, _distinct(rows))


async def lock_sessions(
    tx: AsyncManagedTransaction, workspace_id: str, names: Iterable[str | None]
) -> None:
    """Lock sessions by id; None is none. Call after `lock_projects`."""
    rows = (_row(workspace_id, name) for name in names)
    await run_rows(tx, LOCK_SESSIONS, _distinct(rows))


async def lock_users(
    tx: AsyncManagedTransaction, workspace_id: str, user_ids: Iterable[str]
) -> None:
    """Lock users, as writing or deleting their links does. Call after `lock_sessions`."""
    await run_rows(tx, LOCK_USERS, _distinct(_row(workspace_id, one) for one in user_ids))


async def own_memories(tx: AsyncManagedTransaction, memories: Sequence[Memory]) -> None:
    """Link memories to their user and project, and to no other."""
    await run_rows(tx, OWN_MEMORIES, [_owner(memory) for memory in memories])


async def own_code(tx: AsyncManagedTransaction, files: Sequence[CodeEntity]) -> None:
    """Link files to their user and project, and to no other."""
    await run_rows(tx, OWN_CODE, [_owner(file) for file in files])


def _owner(entity: Entity) -> Row:
    return {
        **_row(entity.workspace_id, entity.id),
        "user_id": str(entity.user_id),
        "project_name": entity.project_name,
    }


def _row(workspace_id: str, key: UUID | str | None) -> Row:
    return {"workspace_id": workspace_id, "id": None if key is None else str(key)}


def _distinct(rows: Iterable[Row]) -> list[Row]:
    found = {(row["workspace_id"], row["id"]): row for row in rows if row["id"] is not None}
    return list(found.values())
