"""How much was sent, by day, key or project, from the jobs that noted it; and how many searches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, LiteralString, TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

By: TypeAlias = Literal["day", "key", "project"]
MOST_ROWS: Final = 1_000

_SENT: Final[LiteralString] = """
           count(*) AS requests,
           coalesce(sum(submitted) FILTER (WHERE kind = 'memory'), 0)::bigint AS memories,
           coalesce(sum(submitted) FILTER (WHERE kind = 'code'), 0)::bigint AS files,
           coalesce(sum(content_bytes), 0)::bigint AS content_bytes,
           count(*) FILTER (WHERE submitted > 0) AS jobs
    FROM jobs
    WHERE workspace_id = %(workspace_id)s AND created_at >= %(since)s AND created_at < %(until)s
    GROUP BY 1
"""
# A day that is only partly asked for counts as a whole: searches are kept by the day.
_SEARCHED: Final[LiteralString] = """
           sum(searches)::bigint AS searches
    FROM search_counts
    WHERE workspace_id = %(workspace_id)s AND day >= (%(since)s AT TIME ZONE 'UTC')::date
      AND day::timestamp AT TIME ZONE 'UTC' < %(until)s
    GROUP BY 1
"""
_BOTH: Final[LiteralString] = """
SELECT name, coalesce(requests, 0) AS requests, coalesce(memories, 0) AS memories,
       coalesce(files, 0) AS files, coalesce(content_bytes, 0) AS content_bytes,
       coalesce(jobs, 0) AS jobs, coalesce(searches, 0) AS searches
FROM sent FULL JOIN searched USING (name)
ORDER BY name DESC NULLS LAST LIMIT %(limit)s
"""
STATEMENTS: Final[dict[By, LiteralString]] = {
    "day": f"""
WITH sent AS (SELECT (created_at AT TIME ZONE 'UTC')::date::text AS name, {_SENT}),
     searched AS (SELECT day::text AS name, {_SEARCHED})
{_BOTH}""",
    "key": f"""
WITH sent AS (SELECT key_id::text AS name, {_SENT}),
     searched AS (SELECT key_id::text AS name, {_SEARCHED})
{_BOTH}""",
    "project": f"""
WITH sent AS (SELECT project_name AS name, {_SENT})
SELECT *, NULL::bigint AS searches FROM sent ORDER BY name DESC NULLS LAST LIMIT %(limit)s
""",
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What was sent and searched on a day, with a key or for a project."""

    name: str | None
    """None for what names no project, or was sent before keys were noted."""
    requests: int
    memories: int
    """New or changed; what was sent again unchanged is only a request."""
    files: int
    content_bytes: int
    jobs: int
    searches: int | None
    """None where it is added up by project: a search may be over all of them."""


async def read_usage(
    conn: AsyncConnection[TupleRow],
    workspace_id: str,
    *,
    by: By,
    since: datetime,
    until: datetime,
) -> list[Usage]:
    """Return what was sent and searched in a time, in at most a thousand rows."""
    values = {
        "workspace_id": workspace_id,
        "since": since,
        "until": until,
        "limit": MOST_ROWS,
    }
    async with conn.cursor(row_factory=class_row(Usage)) as cursor:
        await cursor.execute(STATEMENTS[by], values)
        return await cursor.fetchall()
