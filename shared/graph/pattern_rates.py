"""Counts, for each week, the memories that patterns of each type stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import read

# A memory is looked at once for each type, not once for each pattern: many patterns stand on one.
COUNT_WEEKS: Final[LiteralString] = """
MATCH (p:Pattern)
WHERE p.workspace_id = $workspace_id
  AND ($types = [] OR p.type IN $types)
  AND ($project_name IS NULL OR p.project_name = $project_name)
  AND NOT p.id IN $without
  AND p.last_at >= $since AND p.first_at < $until
WITH p.type AS type, collect(p) AS found
CALL (type, found) {
    UNWIND found AS p
    MATCH (p)-[:FOUND_IN]->(s)
    WITH s, collect(p) AS patterns
    WITH s, patterns, s.occurred_at AS at
    WHERE s.workspace_id = $workspace_id AND s.entity_type = 'memory'
      AND at >= $since AND at < $until
    WITH date.truncate('week', at) AS week, count(s) AS memories, collect(patterns) AS lists
    CALL (lists) { UNWIND lists AS some UNWIND some AS p RETURN count(DISTINCT p) AS patterns }
    RETURN week, memories, patterns
}
RETURN type, week, memories, patterns
"""


@dataclass(frozen=True, slots=True)
class WeekCount:
    """Of one type in one week."""

    type: str
    week: date
    """Its Monday, by UTC."""
    memories: int
    """That a pattern of the type stands on."""
    patterns: int


async def count_weeks(
    driver: AsyncDriver,
    workspace_id: str,
    *,
    types: Sequence[str],
    project_name: str | None,
    without: Sequence[str],
    since: datetime,
    until: datetime,
) -> list[WeekCount]:
    """Return the counts of each type and week that has any."""
    values = {
        "workspace_id": workspace_id,
        "types": list(types),
        "project_name": project_name,
        "without": list(without),
        "since": since,
        "until": until,
    }

    async def work(tx: AsyncManagedTransaction) -> list[WeekCount]:
        rows = await (await tx.run(COUNT_WEEKS, values)).data()
        return [WeekCount(**{**row, "week": row["week"].to_native()}) for row in rows]

    return await read(driver, work)
