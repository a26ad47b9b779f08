"""Looks for patterns of time in the weeks that the news touched, and keeps their sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.findings import Look, News
from shared.domain.margins import Part, with_margins
from shared.domain.places import LATEST, Place, places_of
from shared.domain.temporal import TemporalReading, find_temporal, sessions_in
from shared.domain.temporal_keys import keys_to_check
from shared.domain.work_sessions import REACH, Moment, timelines_of
from shared.graph.looking import Detector, Task
from shared.graph.session_summaries import save_sessions
from shared.graph.statements import Row, run_rows

VERSION: Final = 1
MOST_MEMORIES: Final = 10_000
"""The most memories that count in one week of one project, the newest."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# All properties of the index are named, so that it gives the order and no memory is sorted. Columns
# instead of rows: ten thousand rows take the driver ten times as long.
FIND_MOMENTS: Final[LiteralString] = """
CYPHER 25
UNWIND $rows AS row
CALL (row) {
    MATCH (s:EntitySummary)
    USING INDEX SEEK s:EntitySummary(
        workspace_id, project_name, entity_type, occurred_at, id
    )
    WHERE s.workspace_id = row.workspace_id AND s.project_name = row.project_name
      AND s.entity_type = 'memory'
      AND s.occurred_at >= row.from AND s.occurred_at < row.to AND s.id IS NOT NULL
    WITH s
    ORDER BY s.workspace_id DESC, s.project_name DESC, s.entity_type DESC, s.occurred_at DESC,
             s.id DESC
    LIMIT $limit
    RETURN s
}
// What is removed meanwhile has nulls, which collect() would leave out of some columns.
WITH row, s, s.user_id AS user_id, s.id AS id, s.occurred_at AS at
WHERE at >= row.since AND at < row.until AND id IS NOT NULL AND user_id IS NOT NULL
RETURN user_id, row.project_name AS project_name, collect(id) AS ids,
       collect(at.epochSeconds * 1000000 + at.nanosecond / 1000) AS times,
       collect(coalesce(s.change, 0)) AS changes
"""


async def look(tx: AsyncManagedTransaction, task: Task, news: Sequence[News]) -> Look:
    """Return the patterns of the weeks that the news touched, and store their sessions."""
    places = places_of(news, now=task.now, spill=REACH)
    parts = with_margins(places, REACH)
    moments = await find_moments(tx, task.workspace_id, parts, now=task.now)
    # In a thread: many thousands of moments must not keep the heartbeat from running.
    reading = await asyncio.to_thread(_reading, news, places, moments)
    await save_sessions(tx, task.workspace_id, places, sessions_in(reading))
    return await asyncio.to_thread(find_temporal, reading)


def _reading(
    news: Sequence[News], places: Sequence[Place], moments: Sequence[Moment]
) -> TemporalReading:
    checked = keys_to_check(news, places, moments, most=MOST_MEMORIES)
    return TemporalReading(places, timelines_of(moments), checked)


async def find_moments(
    tx: AsyncManagedTransaction, workspace_id: str, parts: Iterable[Part], *, now: datetime
) -> list[Moment]:
    """Return the memories in parts of weeks, of each week those among its newest."""
    rows = [_row(workspace_id, part, now) for part in parts]
    found = await run_rows(tx, FIND_MOMENTS, rows, limit=MOST_MEMORIES)
    return [moment for row in found for moment in _moments(row)]


def _moments(row: Row) -> list[Moment]:
    columns = zip(row["ids"], row["times"], row["changes"], strict=True)
    return [
        Moment(
            summary_id,
            row["user_id"],
            row["project_name"],
            _EPOCH + timedelta(microseconds=microseconds),
            change,
        )
        for summary_id, microseconds, change in columns
    ]


def _row(workspace_id: str, part: Part, now: datetime) -> Row:
    return {
        "workspace_id": workspace_id,
        "id": f"{part.week.project_name} {part.week.since}",
        "project_name": part.week.project_name,
        "from": part.week.since,
        "to": min(part.week.until, now + LATEST),
        "since": part.since,
        "until": part.until,
    }


TEMPORAL: Final = Detector("temporal", "temporal", VERSION, look)
