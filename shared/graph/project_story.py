"""Reads what the graph tells of a project: its surest patterns and its newest sessions, at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import read
from shared.graph.pattern_statements import LIST_SUREST
from shared.graph.patterns import Pattern, Wanted, page_values, read_patterns
from shared.graph.recent_sessions import LIST_SESSIONS, WorkSession, read_sessions

READ_STORY: Final[LiteralString] = f"""
CALL () {{
    CALL () {{ {LIST_SUREST} }}
    RETURN collect({{pattern: pattern, evidence_count: evidence_count, evidence: evidence}})
           AS patterns
}}
CALL () {{
    CALL () {{ {LIST_SESSIONS} }}
    RETURN collect({{id: id, user_id: user_id, started_at: started_at, ended_at: ended_at,
                     memories: memories, activities: activities, keywords: keywords}}) AS sessions
}}
RETURN patterns, sessions
"""


async def read_story(
    driver: AsyncDriver,
    workspace_id: str,
    project_name: str,
    *,
    patterns: int,
    sessions: int,
    without: Sequence[str] = (),
) -> tuple[list[Pattern], list[WorkSession]]:
    """Return the surest patterns but those of some ids, and the newest sessions, so many of each.

    Each pattern has its oldest evidence alone.
    """
    wanted = Wanted(project_name=project_name, without=without)
    values = page_values(workspace_id, wanted, limit=patterns, evidence=1)

    async def work(tx: AsyncManagedTransaction) -> tuple[list[Pattern], list[WorkSession]]:
        found = await tx.run(READ_STORY, values, sessions=sessions)
        record = await found.single(strict=True)
        return read_patterns(record["patterns"]), read_sessions(record["sessions"])

    surest, newest = await read(driver, work)
    # No list keeps the order of what it is collected from.
    surest.sort(key=lambda one: (-one.confidence, -one.frequency, one.id))
    newest.sort(key=lambda one: one.started_at, reverse=True)
    return surest, newest
