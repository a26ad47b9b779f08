"""The newest work sessions of a project, read by an index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from shared.graph.statements import Row, still_there

# Naming all of the index's properties lets it take the index's order instead of sorting.
LIST_SESSIONS: Final[LiteralString] = """
MATCH (n:SessionSummary)
USING INDEX SEEK n:SessionSummary(workspace_id, project_name, start_time)
WHERE n.workspace_id = $workspace_id AND n.project_name = $project_name
  AND n.start_time IS NOT NULL
WITH n ORDER BY n.workspace_id DESC, n.project_name DESC, n.start_time DESC LIMIT $sessions
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


def read_sessions(rows: Iterable[Row]) -> list[WorkSession]:
    """Return the sessions of the statement's rows."""
    return [_session(row) for row in still_there(rows, "keywords")]


def _session(row: Row) -> WorkSession:
    return WorkSession(
        id=row["id"],
        user_id=row["user_id"],
        started_at=row["started_at"].to_native(),
        ended_at=row["ended_at"].to_native(),
        memories=row["memories"],
        activities=row["activities"],
        keywords=row["keywords"],
    )
