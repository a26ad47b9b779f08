"""Stores what detectors found: patterns with links to their evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import itemgetter
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.findings import Finding, Look, pattern_id
from shared.graph.statements import Row, read_rows

# A rerun must not inflate the frequency; confidence only grows. What is unchanged keeps its time of
# change.
MERGE_PATTERNS: Final[LiteralString] = """
UNWIND $findings AS row
MERGE (p:Pattern {workspace_id: $workspace_id, id: row.id})
SET p.scope = $workspace_id,
    p.first_detected = coalesce(p.first_detected, datetime()),
    p.last_updated =
        CASE WHEN p.metadata = row.properties.metadata THEN p.last_updated ELSE datetime() END,
    p.confidence =
        CASE WHEN p.confidence > row.confidence THEN p.confidence ELSE row.confidence END,
    p.last_validated = datetime(),
    p += row.properties
"""
# The hints matter in a workspace with few patterns: the planner would take the index of all its
# patterns and read them for every id, and go on so when there are thousands.
READ_LINKED: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (p:Pattern {workspace_id: $workspace_id, id: id})
USING INDEX SEEK p:Pattern(workspace_id, id)
RETURN id, COUNT { (p)-[:DERIVED_FROM]->() } AS derived,
       COLLECT { MATCH (p)-[:FOUND_IN]->(s {workspace_id: $workspace_id}) RETURN s.id } AS found
"""
UNLINK_ALL: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (p:Pattern {workspace_id: $workspace_id, id: row.id})
      -[link:FOUND_IN|DERIVED_FROM]->( {workspace_id: $workspace_id})
USING INDEX SEEK p:Pattern(workspace_id, id)
DELETE link
"""
# From the evidence, which has few links: a pattern has hundreds.
UNLINK_STALE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (p:Pattern {workspace_id: $workspace_id, id: row.id})
USING INDEX SEEK p:Pattern(workspace_id, id)
UNWIND row.stale AS summary_id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: summary_id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
OPTIONAL MATCH (s)-[:SUMMARIZES]->(entity {workspace_id: $workspace_id})
OPTIONAL MATCH (p)-[derived:DERIVED_FROM]->(entity)
MATCH (p)-[found:FOUND_IN]->(s)
DELETE derived, found
"""
# A new link locks what it leads to. Entities first, then summaries: so do those who write them.
LINK_ENTITIES: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (p:Pattern {workspace_id: $workspace_id, id: row.id})
USING INDEX SEEK p:Pattern(workspace_id, id)
UNWIND row.new AS summary_id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: summary_id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
MATCH (s)-[:SUMMARIZES]->(entity {workspace_id: $workspace_id})
MERGE (p)-[:DERIVED_FROM]->(entity)
"""
LINK_EVIDENCE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (p:Pattern {workspace_id: $workspace_id, id: row.id})
USING INDEX SEEK p:Pattern(workspace_id, id)
UNWIND row.new AS summary_id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: summary_id})
MERGE (p)-[:FOUND_IN]->(s)
"""
DELETE_LOST: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (p:Pattern {workspace_id: $workspace_id, id: id})
USING INDEX SEEK p:Pattern(workspace_id, id)
DETACH DELETE p
"""


async def save_look(tx: AsyncManagedTransaction, workspace_id: str, look: Look) -> list[str]:
    """Store what was found with its evidence, and delete what was looked for in vain.

    Returns the stored patterns' ids. Safe to repeat.
    """
    found = {pattern_id(workspace_id, finding.key): finding for finding in look.findings}
    gone = {pattern_id(workspace_id, key) for key in look.checked} - found.keys()
    scope = {"workspace_id": workspace_id}
    await (await tx.run(DELETE_LOST, scope, ids=sorted(gone))).consume()
    # In the order of their ids: two workers lock the same patterns in the same order.
    rows = [_row(key, finding) for key, finding in sorted(found.items(), key=itemgetter(0))]
    if rows:
        await (await tx.run(MERGE_PATTERNS, scope, findings=rows)).consume()
        await _link(tx, scope, rows)
    return list(found)


async def _link(tx: AsyncManagedTransaction, scope: Row, rows: Sequence[Row]) -> None:
    """Make patterns' links those to their evidence; what is as it should be is not touched."""
    found = await tx.run(READ_LINKED, scope, ids=[row["id"] for row in rows])
    linked = {row["id"]: row for row in await read_rows(found)}
    changes = [_change(row["id"], row["evidence"], linked[row["id"]]) for row in rows]
    more = [change for change in changes if change["new"]]
    steps: tuple[tuple[LiteralString, list[Row]], ...] = (
        (UNLINK_ALL, [change for change in changes if change["is_broken"]]),
        (UNLINK_STALE, [change for change in changes if change["stale"]]),
        (LINK_ENTITIES, more),
        (LINK_EVIDENCE, more),
    )
    for statement, changed in steps:
        if changed:
            await (await tx.run(statement, scope, rows=changed)).consume()


def _change(key: str, evidence: Sequence[str], linked: Row) -> Row:
    """Return what to link and what no more: all anew where one kind of link lacks any."""
    is_broken = linked["derived"] != len(linked["found"])
    kept = set[str]() if is_broken else set(linked["found"])
    return {
        "id": key,
        "is_broken": is_broken,
        "stale": sorted(kept.difference(evidence)),
        "new": [one for one in evidence if one not in kept],
    }


def _row(key: str, finding: Finding) -> Row:
    return {
        "id": key,
        "confidence": finding.confidence,
        "evidence": list(finding.evidence),
        "properties": {
            "type": finding.type,
            "name": finding.name,
            "project_name": finding.project_name,
            "period": finding.period,
            "period_type": finding.period_type,
            "user_id": finding.user_id,
            "frequency": finding.frequency,
            "first_at": finding.first_at,
            "last_at": finding.last_at,
            "metadata": json.dumps(dict(finding.metadata), ensure_ascii=False, sort_keys=True),
        },
    }
