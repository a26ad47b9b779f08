"""Reads patterns with their evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import read

LIST_PATTERNS: Final[LiteralString] = """
MATCH (p:Pattern)
WHERE p.workspace_id = $workspace_id
  AND ($types = [] OR p.type IN $types)
  AND ($project_name IS NULL OR p.project_name = $project_name)
  AND p.confidence >= $minimum_confidence
WITH p ORDER BY p.confidence DESC, p.frequency DESC, p.id LIMIT $limit
CALL (p) {
    OPTIONAL MATCH (p)-[:DERIVED_FROM]->(e {workspace_id: $workspace_id})
    WITH e ORDER BY e.occurred_at, e.id
    RETURN collect(
        e {.id, kind: labels(e)[0], .session_id, .occurred_at, excerpt: left(e.content, $excerpt)}
    ) AS evidence
}
RETURN p {.*} AS pattern, evidence
ORDER BY p.confidence DESC, p.frequency DESC, p.id
"""
EXCERPT_CHARACTERS: Final = 240


@dataclass(frozen=True, slots=True)
class Evidence:
    """A memory or source file that a pattern was derived from."""

    id: str
    kind: str
    session_id: str | None
    occurred_at: datetime | None
    excerpt: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A stored pattern with its evidence, oldest first."""

    id: str
    type: str
    name: str
    workspace_id: str
    user_id: str | None
    project_name: str
    period: str
    period_type: str
    confidence: float
    frequency: int
    first_detected: datetime
    last_validated: datetime
    last_updated: datetime
    metadata: dict[str, Any]
    evidence: list[Evidence]


async def list_patterns(
    driver: AsyncDriver,
    workspace_id: str,
    *,
    types: Sequence[str] = (),
    project_name: str | None = None,
    minimum_confidence: float = 0.0,
    limit: int = 50,
) -> list[Pattern]:
    """Return a workspace's patterns, the surest first."""

    async def work(tx: AsyncManagedTransaction) -> list[Pattern]:
        result = await tx.run(
            LIST_PATTERNS,
            workspace_id=workspace_id,
            types=list(types),
            project_name=project_name,
            minimum_confidence=minimum_confidence,
            limit=limit,
            excerpt=EXCERPT_CHARACTERS,
        )
        return [_pattern(row["pattern"], row["evidence"]) for row in await result.data()]

    return await read(driver, work)


def _pattern(found: dict[str, Any], evidence: list[dict[str, Any]]) -> Pattern:
    return Pattern(
        id=found["id"],
        type=found["type"],
        name=found["name"],
        workspace_id=found["workspace_id"],
        user_id=found.get("user_id"),
        project_name=found["project_name"],
        period=found["period"],
        period_type=found["period_type"],
        confidence=found["confidence"],
        frequency=found["frequency"],
        first_detected=found["first_detected"].to_native(),
        last_validated=found["last_validated"].to_native(),
        last_updated=found["last_updated"].to_native(),
        metadata=json.loads(found["metadata"]),
        evidence=[_evidence(row) for row in evidence],
    )


def _evidence(row: dict[str, Any]) -> Evidence:
    occurred_at = row["occurred_at"]
    return Evidence(
        id=row["id"],
        kind=row["kind"],
        session_id=row["session_id"],
        occurred_at=occurred_at.to_native() if occurred_at else None,
        excerpt=row["excerpt"],
    )
