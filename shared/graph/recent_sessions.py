"""Reads the newest work sessions of a project, by an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import read
from shared.graph.statements import still_there

# Naming all of the index's properties lets it take the index's order instead of sorting.
LIST_SESSIONS: Final[LiteralString] = """
MATCH (n:SessionSummary)
USING INDEX SEEK n:SessionSummary(workspace_id, project_name, start_time)
WHERE n.workspace_id = $workspace_id AND n.project_name = $project_name
  AND n.start_time IS NOT NULL
WITH n ORDER BY n.workspace_id DESC, n.project_name DESC, n.start_time DESC LIMIT $limit
RETURN n.id AS id, n.user_id AS user_id, n.start_time AS started_at, n.end_time AS ended_at,
       n.entity_count AS memories, n.dominant_patterns AS activities, n.keywords AS keywords
"""


@dataclass(frozen=True, slots=True)
class WorkSession:
    """Memories with no long break between them."""

    id: str
    user_id: str
    started_at: datetime
    ended_at: datetime
    memories: int
    activities: list[str]
    keywords: list[str]


async def list_sessions(
    driver: AsyncDriver, workspace_id: str, project_name: str, *, limit: int
) -> list[WorkSession]:
    """Return a project's newest sessions, the newest first."""
    values = {"workspace_id": workspace_id, "project_name": project_name, "limit": limit}

    async def work(tx: AsyncManagedTransaction) -> list[WorkSession]:
        rows = await (await tx.run(LIST_SESSIONS, values)).data()
        return [_session(row) for row in still_there(rows, "keywords")]

    return await read(driver, work)


def _session(row: dict[str, Any]) -> WorkSession:
    return WorkSession(
        id=row["id"],
        user_id=row["user_id"],
        started_at=row["started_at"].to_native(),
        ended_at=row["ended_at"].to_native(),
        memories=row["memories"],
        activities=row["activities"],
        keywords=row["keywords"],
    )
