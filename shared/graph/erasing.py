"""Takes all that a workspace, a project or a user has out of the graph, a thousand at a time.

Safe to repeat and to break off: each step finds what is left. Projects, users and sessions go too,
which the removal of single memories leaves: they bear names.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import LONG_READ_SECONDS, read, write
from shared.graph.removal import remove_entities
from shared.graph.statements import MAX_ROWS

ENTITIES_AT_ONCE: Final = 250
"""Whoever writes to their projects and sessions waits so long."""
_DELETE: Final[LiteralString] = "WITH n LIMIT $limit DETACH DELETE n RETURN count(*) AS n"
# A composite index is used only where a statement says something of each of its properties.
_ALL: Final[tuple[tuple[LiteralString, LiteralString], ...]] = (
    ("Pattern", "id"),
    ("SessionSummary", "id"),
    ("TopicMember", "id"),
    ("SemanticCluster", "id"),
    ("DiscussedFile", "id"),
    ("EntitySummary", "id"),
    ("Memory", "id"),
    ("Function", "parent_id"),
    ("Class", "parent_id"),
    ("ReactComponent", "parent_id"),
    ("CodeEntity", "id"),
    ("Removal", "change"),
    ("Session", "id"),
    ("Project", "name"),
    ("User", "id"),
    # Before the workspace, which counts changes: an old mark would hide what a new count numbers.
    ("DetectionMark", "id"),
)
_NAMED: Final[LiteralString] = "AND n.name IS NOT NULL"
DELETE_ALL: Final[tuple[LiteralString, ...]] = (
    *(
        f"MATCH (n:{label}) WHERE n.workspace_id = $workspace_id AND n.{key} IS NOT NULL "
        f"{_NAMED if key == 'parent_id' else ''} {_DELETE}"
        for label, key in _ALL
    ),
    f"MATCH (n:Workspace) WHERE n.workspace_id = $workspace_id {_DELETE}",
)
FIND_MEMORIES_OF_PROJECT: Final[LiteralString] = """
MATCH (n:Memory) USING INDEX n:Memory(workspace_id, project_name, occurred_at)
WHERE n.workspace_id = $workspace_id AND n.project_name = $project AND n.occurred_at IS NOT NULL
RETURN n.id AS id LIMIT $limit
"""
FIND_CODE_OF_PROJECT: Final[LiteralString] = """
MATCH (n:CodeEntity) USING INDEX n:CodeEntity(workspace_id, project_name, path)
WHERE n.workspace_id = $workspace_id AND n.project_name = $project AND n.path IS NOT NULL
RETURN n.id AS id LIMIT $limit
"""
FIND_MEMORIES_OF_USER: Final[LiteralString] = """
MATCH (u:User {workspace_id: $workspace_id, id: $person})
      <-[:CREATED_BY]-(n {workspace_id: $workspace_id})
WHERE n:Memory
RETURN n.id AS id LIMIT $limit
"""
FIND_CODE_OF_USER: Final[LiteralString] = """
MATCH (u:User {workspace_id: $workspace_id, id: $person})
      <-[:CREATED_BY]-(n {workspace_id: $workspace_id})
WHERE n:CodeEntity
RETURN n.id AS id LIMIT $limit
"""
# Also where other evidence is left: the reason may tell of what goes. Detection finds it again.
DELETE_PATTERNS_OF: Final[LiteralString] = """
UNWIND $summaries AS id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
MATCH (s)<-[:FOUND_IN]-(n {workspace_id: $workspace_id})
WITH DISTINCT n DETACH DELETE n RETURN count(*) AS n
"""
DELETE_SESSIONS_OF: Final[LiteralString] = """
UNWIND $summaries AS id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
MATCH (s)<-[:COVERS]-(n {workspace_id: $workspace_id})
WITH DISTINCT n DETACH DELETE n RETURN count(*) AS n
"""
DELETE_OF_PROJECT: Final[tuple[LiteralString, ...]] = (
    "MATCH (n:Pattern) WHERE n.workspace_id = $workspace_id AND n.project_name = $project "
    + _DELETE,
    "MATCH (n:SessionSummary) WHERE n.workspace_id = $workspace_id AND n.project_name = $project "
    "AND n.start_time IS NOT NULL " + _DELETE,
    "MATCH (c:SemanticCluster) WHERE c.workspace_id = $workspace_id AND c.project_name = $project "
    "MATCH (n {workspace_id: $workspace_id})-[:NEAR]->(c) WITH DISTINCT n " + _DELETE,
    "MATCH (n:SemanticCluster) WHERE n.workspace_id = $workspace_id AND n.project_name = $project "
    + _DELETE,
    "MATCH (n:DiscussedFile) WHERE n.workspace_id = $workspace_id AND n.project_name = $project "
    + _DELETE,
    "MATCH (n:EntitySummary) WHERE n.workspace_id = $workspace_id AND n.project_name = $project "
    "AND n.occurred_at IS NOT NULL " + _DELETE,
    "MATCH (n:Removal) WHERE n.workspace_id = $workspace_id AND n.change IS NOT NULL "
    "AND n.project_name = $project " + _DELETE,
    "MATCH (n:Project {workspace_id: $workspace_id, name: $project}) "
    "WHERE NOT EXISTS { (n)<-[:BELONGS_TO_PROJECT]-() } " + _DELETE,
)
DELETE_OF_USER: Final[tuple[LiteralString, ...]] = (
    "MATCH (n:Pattern) WHERE n.workspace_id = $workspace_id "
    "AND (n.user_id = $person OR n.metadata CONTAINS $person) " + _DELETE,
    "MATCH (n:SessionSummary) WHERE n.workspace_id = $workspace_id AND n.id IS NOT NULL "
    "AND n.user_id = $person " + _DELETE,
    "MATCH (n:Removal) WHERE n.workspace_id = $workspace_id AND n.change IS NOT NULL "
    "AND n.user_id = $person " + _DELETE,
    "MATCH (n:User {workspace_id: $workspace_id, id: $person}) "
    "WHERE NOT EXISTS { (n)<-[:CREATED_BY]-() } " + _DELETE,
)
_IS_EMPTY: Final[LiteralString] = """
NOT EXISTS { MATCH (m:Memory) WHERE m.workspace_id = $workspace_id
             AND m.session_id = n.id AND m.place_in_session IS NOT NULL }
"""
# Asked again under the lock, which writers to a session hold: one may be filling it.
DELETE_EMPTY_SESSIONS: Final[LiteralString] = f"""
MATCH (n:Session) WHERE n.workspace_id = $workspace_id AND n.id IS NOT NULL AND {_IS_EMPTY}
WITH n LIMIT $limit SET n.written_at = datetime()
WITH n WHERE {_IS_EMPTY}
DETACH DELETE n RETURN count(*) AS n
"""


async def erase_workspace(driver: AsyncDriver, workspace_id: str) -> AsyncIterator[int]:
    """Delete every node of a workspace; yield how many, after each step."""
    scope = {"workspace_id": workspace_id}
    for statement in DELETE_ALL:
        async for deleted in _drain(driver, statement, scope):
            yield deleted


async def erase_entities(
    driver: AsyncDriver, workspace_id: str, memory_ids: Sequence[str], code_ids: Sequence[str]
) -> int:
    """Remove a few memories or files, and what was found in them; return how many."""
    scope = {"workspace_id": workspace_id}
    summaries = [f"memory:{one}" for one in memory_ids] + [f"code:{one}" for one in code_ids]
    told = 0
    for statement in (DELETE_PATTERNS_OF, DELETE_SESSIONS_OF):
        told += await _delete(driver, statement, scope | {"summaries": summaries})
    removed = await remove_entities(
        driver,
        workspace_id,
        memory_ids=[UUID(one) for one in memory_ids],
        code_ids=[UUID(one) for one in code_ids],
    )
    return told + removed


async def erase_project(driver: AsyncDriver, workspace_id: str, project: str) -> AsyncIterator[int]:
    """Delete all that a project has, and its name; yield how many, after each step."""
    scope = {"workspace_id": workspace_id, "project": project}
    finders = (FIND_MEMORIES_OF_PROJECT, FIND_CODE_OF_PROJECT)
    async for erased in _erase_found(driver, workspace_id, finders, scope):
        yield erased
    for statement in (*DELETE_OF_PROJECT, DELETE_EMPTY_SESSIONS):
        async for erased in _drain(driver, statement, scope):
            yield erased


async def erase_user(driver: AsyncDriver, workspace_id: str, person: UUID) -> AsyncIterator[int]:
    """Delete all that a user wrote; what was found in it goes, or is found again without it."""
    scope = {"workspace_id": workspace_id, "person": str(person)}
    finders = (FIND_MEMORIES_OF_USER, FIND_CODE_OF_USER)
    async for erased in _erase_found(driver, workspace_id, finders, scope):
        yield erased


async def forget_user(driver: AsyncDriver, workspace_id: str, person: UUID) -> AsyncIterator[int]:
    """Delete what still names a user; call when detection has seen that the memories are gone."""
    scope = {"workspace_id": workspace_id, "person": str(person)}
    for statement in (*DELETE_OF_USER, DELETE_EMPTY_SESSIONS):
        async for erased in _drain(driver, statement, scope):
            yield erased


async def _erase_found(
    driver: AsyncDriver,
    workspace_id: str,
    finders: tuple[LiteralString, LiteralString],
    scope: dict[str, Any],
) -> AsyncIterator[int]:
    of_memories, of_code = finders
    while ids := await _find(driver, of_memories, scope):
        yield await erase_entities(driver, workspace_id, ids, ())
    while ids := await _find(driver, of_code, scope):
        yield await erase_entities(driver, workspace_id, (), ids)


async def _find(driver: AsyncDriver, statement: LiteralString, scope: dict[str, Any]) -> list[str]:
    async def work(tx: AsyncManagedTransaction) -> list[str]:
        rows = await (await tx.run(statement, scope, limit=ENTITIES_AT_ONCE)).data()
        return [row["id"] for row in rows]

    return await read(driver, work, seconds=LONG_READ_SECONDS)


async def _drain(
    driver: AsyncDriver, statement: LiteralString, scope: dict[str, Any]
) -> AsyncIterator[int]:
    """Run a statement that deletes at most a thousand nodes until it finds none."""
    while deleted := await _delete(driver, statement, scope):
        yield deleted


async def _delete(driver: AsyncDriver, statement: LiteralString, scope: dict[str, Any]) -> int:
    async def work(tx: AsyncManagedTransaction) -> int:
        found = await tx.run(statement, scope, limit=MAX_ROWS)
        return int((await found.single(strict=True))["n"])

    return await write(driver, work)
