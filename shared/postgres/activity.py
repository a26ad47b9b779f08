"""What rates of patterns are told from: the memories of each week, counted by an index alone, and
what people said of the patterns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from pydantic import TypeAdapter

from shared.postgres.reviews import LIST_REVIEWS, Review

_ACTIVITY: Final[LiteralString] = """
SELECT (SELECT coalesce(jsonb_object_agg(start, memories), '{{}}') FROM (
            SELECT date_trunc('week', occurred_at AT TIME ZONE 'UTC')::date AS start,
                   count(*) AS memories
            FROM memories
            WHERE workspace_id = %(workspace_id)s {of_project}
              AND occurred_at >= %(since)s AND occurred_at < %(until)s
            GROUP BY 1) AS week),
       (SELECT coalesce(jsonb_agg(review), '[]') FROM ({reviews}) AS review)
"""
READ_ACTIVITY: Final[LiteralString] = _ACTIVITY.format(of_project="", reviews=LIST_REVIEWS)
READ_ACTIVITY_OF_PROJECT: Final[LiteralString] = _ACTIVITY.format(
    of_project="AND project_name = %(project_name)s", reviews=LIST_REVIEWS
)
_WEEKS_FOUND: Final = TypeAdapter(dict[date, int])
_REVIEWS_FOUND: Final = TypeAdapter(list[Review])


@dataclass(frozen=True, slots=True)
class Activity:
    """Of a workspace, or its memories of one project."""

    memories: Mapping[date, int]
    """How many happened in each week that has any, by its Monday in UTC."""
    reviews: Mapping[str, Review]
    """Of all the workspace's patterns, by their ids."""


async def read_activity(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    project_name: str | None,
    *,
    since: datetime,
    until: datetime,
) -> Activity:
    """Return both, from one statement."""
    values = {
        "workspace_id": workspace_id,
        "project_name": project_name,
        "since": since,
        "until": until,
    }
    statement = READ_ACTIVITY if project_name is None else READ_ACTIVITY_OF_PROJECT
    [(weeks, reviews)] = await (await conn.execute(statement, values)).fetchall()
    said = _REVIEWS_FOUND.validate_python(reviews)
    return Activity(_WEEKS_FOUND.validate_python(weeks), {str(one.pattern_id): one for one in said})
