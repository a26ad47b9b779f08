"""Patterns and their evidence in the graph."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.domain.detector import Detector
from shared.domain.findings import Finding, pattern_id
from shared.graph.driver import read, write

# A rerun must not inflate the frequency; confidence only grows. Evidence that is no longer found
# goes, and what is unchanged keeps its time of change.
MERGE_PATTERNS: Final[LiteralString] = """
UNWIND $findings AS row
MERGE (p:Pattern {workspace_id: $workspace_id, id: row.id})
ON CREATE SET p.first_detected = datetime(), p.confidence = row.confidence
SET p.last_updated =
        CASE WHEN p.metadata = row.properties.metadata THEN p.last_updated ELSE datetime() END,
    p.confidence =
        CASE WHEN p.confidence > row.confidence THEN p.confidence ELSE row.confidence END,
    p.scope = $workspace_id,
    p.last_validated = datetime(),
    p += row.properties
"""
REMOVE_STALE_EVIDENCE: Final[LiteralString] = """
UNWIND $findings AS row
MATCH (p:Pattern {workspace_id: $workspace_id, id: row.id})-[link:FOUND_IN|DERIVED_FROM]->(n)
WHERE NOT (n.id IN row.evidence OR n.id IN row.entities)
DELETE link
"""
LINK_EVIDENCE: Final[LiteralString] = """
UNWIND $findings AS row
MATCH (p:Pattern {workspace_id: $workspace_id, id: row.id})
UNWIND row.evidence AS summary_id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: summary_id})
MERGE (p)-[:FOUND_IN]->(s)
WITH p, s
MATCH (s)-[:SUMMARIZES]->(entity {workspace_id: $workspace_id})
MERGE (p)-[:DERIVED_FROM]->(entity)
"""
DELETE_REPLACED: Final[LiteralString] = """
UNWIND $replaced AS row
MATCH (p:Pattern {workspace_id: $workspace_id, id: row.id})
WHERE p.user_id IS NULL OR p.user_id IN row.users
DETACH DELETE p
"""
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


async def save_findings(
    driver: AsyncDriver, workspace_id: str, detector: Detector, findings: Sequence[Finding]
) -> list[str]:
    """Store findings with their evidence and return their patterns' ids. Safe to repeat.

    Raises:
        DependencyDownError: Neo4j does not answer.
    """
    # In the order of their ids: two workers lock the same patterns in the same order.
    rows = sorted((_row(workspace_id, finding) for finding in findings), key=lambda row: row["id"])
    kept = {row["id"] for row in rows}
    replaced = [row for row in _replaced(workspace_id, detector, findings) if row["id"] not in kept]

    async def work(tx: AsyncManagedTransaction) -> None:
        for statement in (MERGE_PATTERNS, REMOVE_STALE_EVIDENCE, LINK_EVIDENCE):
            await (await tx.run(statement, workspace_id=workspace_id, findings=rows)).consume()
        result = await tx.run(DELETE_REPLACED, workspace_id=workspace_id, replaced=replaced)
        await result.consume()

    if rows:
        await write(driver, work)
    return [row["id"] for row in rows]


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


def _row(workspace_id: str, finding: Finding) -> dict[str, Any]:
    return {
        "id": pattern_id(workspace_id, finding.key),
        "confidence": finding.confidence,
        "evidence": list(finding.evidence),
        "entities": [summary_id.partition(":")[2] for summary_id in finding.evidence],
        "properties": {
            "type": finding.type,
            "name": finding.name,
            "project_name": finding.project_name,
            "period": finding.period,
            "period_type": finding.period_type,
            "user_id": finding.user_id,
            "frequency": finding.frequency,
            "metadata": json.dumps(dict(finding.metadata), ensure_ascii=False, sort_keys=True),
        },
    }


def _replaced(
    workspace_id: str, detector: Detector, findings: Sequence[Finding]
) -> list[dict[str, Any]]:
    return [
        {"id": pattern_id(workspace_id, key), "users": finding.users}
        for finding in findings
        for key in detector.replaced_keys(finding)
    ]


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
