"""All that is known of one memory or file: its text, and what it is tied to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import read
from shared.graph.entity_heads import Head, read_head
from shared.graph.entity_words import Kind
from shared.graph.statements import Row
from shared.messages import Metadata

MOST_RELATED: Final = 50
EXCERPT_CHARACTERS: Final = 240

_WHOLE: Final[LiteralString] = """
RETURN n.id AS id, n.chunk_id AS chunk_id, n.content AS content, n.metadata AS metadata,
       n.project_name AS project_name, n.session_id AS session_id, n.user_id AS user_id,
       n.path AS path, n.language AS language, n.type AS type,
       coalesce(n.occurred_at, n.updated_at) AS occurred_at, n.created_at AS created_at,
       n.updated_at AS updated_at,
       COLLECT {
           MATCH (n)<-[:DERIVED_FROM]-(p {workspace_id: $workspace_id})
           WITH p LIMIT $limit
           RETURN p {.id, .type, .name, .period, .confidence} ORDER BY p.confidence DESC, p.id
       } AS patterns
"""
READ_MEMORY: Final[LiteralString] = f"""
MATCH (n:Memory {{workspace_id: $workspace_id, id: $id}})
USING INDEX SEEK n:Memory(workspace_id, id)
{_WHOLE}
"""
READ_CODE: Final[LiteralString] = f"""
MATCH (n:CodeEntity {{workspace_id: $workspace_id, id: $id}})
USING INDEX SEEK n:CodeEntity(workspace_id, id)
{_WHOLE}
"""
# The far ends bear no label: with one, the planner may scan the label while it has few nodes.
_TIED: Final[LiteralString] = """
RETURN tie, methods, names, CASE WHEN n:Memory THEN 'memory' ELSE 'code' END AS kind,
       n.id AS id, n.project_name AS project_name, n.session_id AS session_id,
       n.user_id AS user_id, n.path AS path, n.language AS language,
       toString(coalesce(n.occurred_at, n.updated_at)) AS occurred_at,
       left(n.content, $characters) AS text, size(n.content) <= $characters AS is_whole
"""
READ_TIES_OF_MEMORY: Final[LiteralString] = f"""
CYPHER 25
MATCH (m:Memory {{workspace_id: $workspace_id, id: $id}})
USING INDEX SEEK m:Memory(workspace_id, id)
CALL (m) {{
    MATCH (m)-[:PRECEDED_BY]->(n {{workspace_id: $workspace_id}})
    RETURN n, 'before' AS tie, [] AS methods, [] AS names
  UNION
    MATCH (m)<-[:PRECEDED_BY]-(n {{workspace_id: $workspace_id}})
    RETURN n, 'after' AS tie, [] AS methods, [] AS names
  UNION
    MATCH (m)-[link:REFERENCES_CODE]->(n {{workspace_id: $workspace_id}})
    RETURN n, 'mentions' AS tie, collect(DISTINCT link.detection_method) AS methods,
           collect(link.names) AS names
    LIMIT $limit
}}
{_TIED}
"""
READ_TIES_OF_CODE: Final[LiteralString] = f"""
CYPHER 25
MATCH (c:CodeEntity {{workspace_id: $workspace_id, id: $id}})
USING INDEX SEEK c:CodeEntity(workspace_id, id)
CALL (c) {{
    MATCH (c)-[link:DISCUSSED_IN]->(n {{workspace_id: $workspace_id}})
    RETURN n, 'mentioned_in' AS tie, collect(DISTINCT link.detection_method) AS methods,
           collect(link.names) AS names
    LIMIT $limit
  UNION
    MATCH (c)-[:IMPORTS]->(n {{workspace_id: $workspace_id}})
    RETURN n, 'imports' AS tie, [] AS methods, [] AS names
    LIMIT $limit
  UNION
    MATCH (c)<-[:IMPORTS]-(n {{workspace_id: $workspace_id}})
    RETURN n, 'imported_by' AS tie, [] AS methods, [] AS names
    LIMIT $limit
}}
{_TIED}
"""


@dataclass(frozen=True, slots=True)
class Related:
    """A memory or file, and how it is tied."""

    tie: str
    methods: list[str]
    """How a reference was found: tool_path, name_match, similarity."""
    names: list[str]
    """The names that both have."""
    head: Head


@dataclass(frozen=True, slots=True)
class PatternOf:
    """A pattern that an entity is evidence of."""

    id: str
    type: str
    name: str
    period: str
    """Its time; of topics and discussed files, what it is about."""
    confidence: float


@dataclass(frozen=True, slots=True)
class Details:
    """One memory or file as a whole."""

    kind: Kind
    id: str
    chunk_id: str | None
    content: str
    metadata: Metadata
    project_name: str | None
    session_id: str | None
    user_id: str | None
    path: str | None
    language: str | None
    type: str | None
    occurred_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    related: list[Related]
    """At most 50 of each tie."""
    patterns: list[PatternOf]


async def find_details(
    driver: AsyncDriver, workspace_id: str, kind: Kind, entity_id: str
) -> Details | None:
    """Return one memory or file of the workspace.

    Raises:
        DependencyDownError: Neo4j does not answer.
        TooSlowError: it was not done in time.
    """
    is_memory = kind == "memory"
    values = {
        "workspace_id": workspace_id,
        "id": entity_id,
        "limit": MOST_RELATED,
        "characters": EXCERPT_CHARACTERS,
    }

    async def work(tx: AsyncManagedTransaction) -> tuple[list[Row], list[Row]]:
        async def run(statement: LiteralString) -> list[Row]:
            return await (await tx.run(statement, values)).data()

        found = await run(READ_MEMORY if is_memory else READ_CODE)
        if not found:
            return [], []
        return found, await run(READ_TIES_OF_MEMORY if is_memory else READ_TIES_OF_CODE)

    found, ties = await read(driver, work)
    return _details(kind, found[0], ties) if found else None


def _details(kind: Kind, row: Row, ties: Iterable[Row]) -> Details:
    names = ("occurred_at", "created_at", "updated_at")
    times = {name: row[name] and row[name].to_native() for name in names}
    more: Row = {
        "kind": kind,
        "metadata": json.loads(row["metadata"] or "{}"),
        "related": [_related(dict(tie)) for tie in ties],
        "patterns": [PatternOf(**pattern) for pattern in row["patterns"]],
    }
    return Details(**(row | times | more))


def _related(row: Row) -> Related:
    tie, methods, names = row.pop("tie"), row.pop("methods"), row.pop("names")
    known = dict.fromkeys(name for found in names for name in found)
    return Related(tie, sorted(methods), list(known), read_head(row))
