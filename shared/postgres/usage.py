"""How much was sent, by day, key or project: added up from the jobs that noted it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, LiteralString, TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

By: TypeAlias = Literal["day", "key", "project"]
MOST_ROWS: Final = 1_000

_SUMS: Final[LiteralString] = """
       count(*) AS requests,
       coalesce(sum(submitted) FILTER (WHERE kind = 'memory'), 0)::bigint AS memories,
       coalesce(sum(submitted) FILTER (WHERE kind = 'code'), 0)::bigint AS files,
       coalesce(sum(content_bytes), 0)::bigint AS content_bytes,
       count(*) FILTER (WHERE submitted > 0) AS jobs
FROM jobs
WHERE workspace_id = %(workspace_id)s AND created_at >= %(since)s AND created_at < %(until)s
GROUP BY 1
ORDER BY 1 DESC NULLS LAST
LIMIT %(limit)s
"""
STATEMENTS: Final[dict[By, LiteralString]] = {
    "day": "SELECT (created_at AT TIME ZONE 'UTC')::date::text AS name," + _SUMS,
    "key": "SELECT key_id::text AS name," + _SUMS,
    "project": "SELECT project_name AS name," + _SUMS,
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What was sent on a day, with a key or for a project."""

    name: str | None
    """None for what names no project, or was sent before keys were noted."""
    requests: int
    memories: int
    """New or changed; what was sent again unchanged is only a request."""
    files: int
    content_bytes: int
    jobs: int


async def read_usage(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    *,
    by: By,
    since: datetime,
    until: datetime,
) -> list[Usage]:
    """Return what was sent in a time, in at most a thousand rows."""
    values = {
        "workspace_id": workspace_id,
        "since": since,
        "until": until,
        "limit": MOST_ROWS,
    }
    async with conn.cursor(row_factory=class_row(Usage)) as cursor:
        await cursor.execute(STATEMENTS[by], values)
        return await cursor.fetchall()
