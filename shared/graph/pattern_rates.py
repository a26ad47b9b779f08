"""Counts, for each week, the memories that patterns of each type stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import read

COUNT_WEEKS: Final[LiteralString] = """
MATCH (p:Pattern)
WHERE p.workspace_id = $workspace_id
  AND ($types = [] OR p.type IN $types)
  AND ($project_name IS NULL OR p.project_name = $project_name)
  AND NOT p.id IN $without
  AND p.last_at >= $since AND p.first_at < $until
MATCH (p)-[:FOUND_IN]->(s {workspace_id: $workspace_id})
WHERE s.entity_type = 'memory' AND s.occurred_at >= $since AND s.occurred_at < $until
RETURN p.type AS type, date.truncate('week', s.occurred_at) AS week,
       count(DISTINCT s) AS memories, count(DISTINCT p) AS patterns
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
