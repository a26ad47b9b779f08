"""Stores what detectors found: patterns with links to their evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.domain.detector import Detector
from shared.domain.evidence import merge_users
from shared.domain.findings import Finding, pattern_id
from shared.graph.driver import write
from shared.graph.owners import lock_projects
from shared.graph.statements import Row

FIND_COVERING: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (p:Pattern {workspace_id: $workspace_id, id: id})
RETURN id, p.user_id AS user_id, p.metadata AS metadata
"""
# A rerun must not inflate the frequency; confidence only grows. What is unchanged keeps its time of
# change. A run that read earlier than the one that wrote last changes nothing.
MERGE_PATTERNS: Final[LiteralString] = """
UNWIND $findings AS row
MERGE (p:Pattern {workspace_id: $workspace_id, id: row.id})
SET p.scope = $workspace_id
WITH p, row WHERE p.read_at IS NULL OR p.read_at <= $read_at
SET p.first_detected = coalesce(p.first_detected, datetime()),
    p.last_updated =
        CASE WHEN p.metadata = row.properties.metadata THEN p.last_updated ELSE datetime() END,
    p.confidence =
        CASE WHEN p.confidence > row.confidence THEN p.confidence ELSE row.confidence END,
    p.last_validated = datetime(),
    p.read_at = $read_at,
    p += row.properties
RETURN row.id AS id
"""
REMOVE_STALE_EVIDENCE: Final[LiteralString] = """
UNWIND $findings AS row
MATCH (p:Pattern {workspace_id: $workspace_id, id: row.id})
      -[link:FOUND_IN|DERIVED_FROM]->(n {workspace_id: $workspace_id})
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
WHERE (p.user_id IS NULL OR p.user_id IN row.users)
  AND (p.read_at IS NULL OR p.read_at <= $read_at)
DETACH DELETE p
"""


async def save_findings(
    driver: AsyncDriver,
    workspace_id: str,
    detector: Detector,
    findings: Sequence[Finding],
    *,
    read_at: datetime,
) -> list[str]:
    """Store findings with their evidence and return the written patterns' ids. Safe to repeat.

    Not written: a keyword finding of a user whose semantic pattern of that week is stored, and
    what a run has already written that read later than `read_at`.

    Raises:
        DependencyDownError: Neo4j does not answer.
    """

    async def work(tx: AsyncManagedTransaction) -> list[str]:
        # Two runs on one project take turns: the second sees the semantic patterns of the first.
        await lock_projects(tx, workspace_id, {finding.project_name for finding in findings})
        kept, covered = await _split(tx, workspace_id, detector, findings)
        written = await _write(tx, workspace_id, merge_users(kept), read_at)
        replaced = _replaced(workspace_id, detector, kept, covered)
        scope = {"workspace_id": workspace_id, "read_at": read_at}
        await (await tx.run(DELETE_REPLACED, scope, replaced=replaced)).consume()
        return written

    return await write(driver, work) if findings else []


async def _split(
    tx: AsyncManagedTransaction, workspace_id: str, detector: Detector, findings: Sequence[Finding]
) -> tuple[list[Finding], list[Finding]]:
    """Return the findings to write, and those that a stored semantic pattern covers.

    A run looks for likeness around fewer and newer memories than it counts: the semantic patterns
    of earlier runs still hold where it has not looked.
    """
    wanted = [_covering_id(workspace_id, detector, finding) for finding in findings]
    result = await tx.run(FIND_COVERING, workspace_id=workspace_id, ids=sorted({*wanted} - {""}))
    users = {row["id"]: _users(row) for row in await result.data()}
    kept: list[Finding] = []
    covered: list[Finding] = []
    for finding, covering in zip(findings, wanted, strict=True):
        (covered if finding.user_id in users.get(covering, ()) else kept).append(finding)
    return kept, covered


def _covering_id(workspace_id: str, detector: Detector, finding: Finding) -> str:
    key = detector.covering_key(finding)
    return pattern_id(workspace_id, key) if key else ""


def _users(pattern: Row) -> list[str]:
    """Return whose a stored pattern is: one's own, or that of several."""
    return json.loads(pattern["metadata"]).get("users", [pattern["user_id"]])


async def _write(
    tx: AsyncManagedTransaction, workspace_id: str, findings: Iterable[Finding], read_at: datetime
) -> list[str]:
    # In the order of their ids: two workers lock the same patterns in the same order.
    rows = sorted((_row(workspace_id, finding) for finding in findings), key=lambda row: row["id"])
    scope = {"workspace_id": workspace_id, "read_at": read_at}
    result = await tx.run(MERGE_PATTERNS, scope, findings=rows)
    ids = [row["id"] for row in await result.data()]
    written = [row for row in rows if row["id"] in ids]
    for statement in (REMOVE_STALE_EVIDENCE, LINK_EVIDENCE):
        await (await tx.run(statement, scope, findings=written)).consume()
    return ids


def _row(workspace_id: str, finding: Finding) -> Row:
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
    workspace_id: str, detector: Detector, kept: list[Finding], covered: list[Finding]
) -> list[Row]:
    """Return the keyword patterns that semantic ones, found now or stored, take the place of."""
    found = [(key, one.users) for one in kept for key in detector.replaced_keys(one)]
    stored = [(one.key, one.users) for one in covered]
    taken = {one.key for one in kept}
    return [
        {"id": pattern_id(workspace_id, key), "users": users}
        for key, users in [*found, *stored]
        if key not in taken
    ]
