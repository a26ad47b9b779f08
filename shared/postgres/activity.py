"""How many memories a workspace or a project has in each week; by an index alone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

_PERIOD: Final[LiteralString] = """
  AND occurred_at >= %(since)s AND occurred_at < %(until)s
GROUP BY 1
ORDER BY 1
"""
_COUNT_WEEKS: Final[LiteralString] = """
SELECT date_trunc('week', occurred_at AT TIME ZONE 'UTC')::date AS start, count(*)
FROM memories
WHERE workspace_id = %(workspace_id)s
"""
COUNT_WEEKS: Final[LiteralString] = f"{_COUNT_WEEKS} {_PERIOD}"
COUNT_WEEKS_OF_PROJECT: Final[LiteralString] = f"""
{_COUNT_WEEKS} AND project_name = %(project_name)s {_PERIOD}
"""


async def count_weeks(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    project_name: str | None,
    *,
    since: datetime,
    until: datetime,
) -> dict[date, int]:
    """Return how many memories happened in each week that has any, by its Monday in UTC."""
    statement = COUNT_WEEKS if project_name is None else COUNT_WEEKS_OF_PROJECT
    values = {
        "workspace_id": workspace_id,
        "project_name": project_name,
        "since": since,
        "until": until,
    }
    return dict(await (await conn.execute(statement, values)).fetchall())
