"""Finds memories by meaning, in one workspace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import read
from shared.graph.statements import Row, still_there
from shared.messages import Metadata

# An index of such vectors finds most of the nearest, not all: ask for more. It is filtered inside,
# so however many memories other workspaces have, none of ours is pushed out.
CANDIDATES_PER_RESULT: Final = 5
MIN_CANDIDATES: Final = 100
_SEARCH: Final[LiteralString] = """
CYPHER 25
MATCH (s:EntitySummary) SEARCH s IN (
    VECTOR INDEX entity_summary_neighbours FOR $vector
    WHERE s.workspace_id = $workspace_id AND s.entity_type = $kind
"""
_RANK: Final[LiteralString] = """
    LIMIT $candidates
) SCORE AS score
WITH s, 2 * score - 1 AS similarity
ORDER BY similarity DESC, s.entity_id LIMIT $limit
MATCH (s)-[:SUMMARIZES]->(m {workspace_id: $workspace_id})
RETURN m.id AS id, m.chunk_id AS chunk_id, m.content AS content, m.metadata AS metadata,
       m.session_id AS session_id, m.project_name AS project_name, m.occurred_at AS occurred_at,
       similarity
ORDER BY similarity DESC, id
"""
SEARCH_WORKSPACE: Final[LiteralString] = _SEARCH + _RANK
SEARCH_PROJECT: Final[LiteralString] = f"{_SEARCH} AND s.project_name = $project_name {_RANK}"


@dataclass(frozen=True, slots=True)
class FoundMemory:
    """A memory and how near it is to what was asked."""

    id: str
    chunk_id: str
    content: str
    similarity: float
    """Cosine, -1.0 to 1.0."""
    metadata: Metadata
    session_id: str | None
    project_name: str | None
    occurred_at: datetime


async def search_memories(
    driver: AsyncDriver,
    workspace_id: str,
    vector: Sequence[float],
    *,
    limit: int = 20,
    project_name: str | None = None,
) -> list[FoundMemory]:
    """Return the nearest memories, nearest first.

    Raises:
        DependencyDownError: Neo4j does not answer.
    """
    parameters: dict[str, Any] = {
        "workspace_id": workspace_id,
        "kind": "memory",
        "vector": list(vector),
        "limit": limit,
        "candidates": max(MIN_CANDIDATES, limit * CANDIDATES_PER_RESULT),
    }

    async def work(tx: AsyncManagedTransaction) -> list[Row]:
        if project_name is None:
            return await (await tx.run(SEARCH_WORKSPACE, parameters)).data()
        return await (await tx.run(SEARCH_PROJECT, parameters, project_name=project_name)).data()

    return [_found(row) for row in still_there(await read(driver, work))]


def _found(row: Row) -> FoundMemory:
    own: Row = {
        "metadata": json.loads(row["metadata"]),
        "occurred_at": row["occurred_at"].to_native(),
        "similarity": min(row["similarity"], 1.0),
    }
    return FoundMemory(**row | own)
