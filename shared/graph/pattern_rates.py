"""Counts, for each week, the memories that patterns of each type stand on, and tells since when
such patterns are found in another way: a rate may change because that did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import read

# A memory is looked at once for each type, not once for each pattern: many patterns stand on one.
_COUNT_WEEKS: Final[LiteralString] = """
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
RETURN collect({type: type, week: week, memories: memories, patterns: patterns}) AS counts
"""
_LIST_STEPS: Final[LiteralString] = """
MATCH (d:DetectionMark)
WHERE d.workspace_id = $workspace_id AND d.id IS NOT NULL AND size(d.methods) > 1
  AND ($types = [] OR d.type IN $types)
UNWIND range(1, size(d.methods) - 1) AS n
WITH d, n, d.methods_since[n] AS at WHERE at >= $since
ORDER BY at, d.id
RETURN collect({type: d.type, detector: d.id, at: at,
                method: d.methods[n], before: d.methods[n - 1]}) AS steps
"""
READ_RATES: Final[LiteralString] = f"""
CALL () {{ {_COUNT_WEEKS} }}
CALL () {{ {_LIST_STEPS} }}
RETURN counts, steps
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


@dataclass(frozen=True, slots=True)
class Step:
    """From then on a detector looked by something else."""

    type: str
    detector: str
    at: datetime
    method: str
    before: str


async def read_rates(
    driver: AsyncDriver,
    workspace_id: str,
    *,
    types: Sequence[str],
    project_name: str | None,
    without: Sequence[str],
    since: datetime,
    until: datetime,
) -> tuple[list[WeekCount], list[Step]]:
    """Return the counts of each type and week that has any, and the steps, oldest first."""
    values = {
        "workspace_id": workspace_id,
        "types": list(types),
        "project_name": project_name,
        "without": list(without),
        "since": since,
        "until": until,
    }

    async def work(tx: AsyncManagedTransaction) -> tuple[list[WeekCount], list[Step]]:
        found = await (await tx.run(READ_RATES, values)).single(strict=True)
        counts = [WeekCount(**{**row, "week": row["week"].to_native()}) for row in found["counts"]]
        return counts, [Step(**{**row, "at": row["at"].to_native()}) for row in found["steps"]]

    return await read(driver, work)
