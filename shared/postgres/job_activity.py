"""Whether anything was done at any job, without looking at one: from Postgres' own counters."""

from __future__ import annotations

from typing import Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.messages import QUEUES

_TABLES: Final[LiteralString] = ", ".join(
    [
        "'public.jobs'",
        "'faststream_pgmq.progress'",
        *[f"'pgmq.q_{queue}', 'pgmq.q_{queue}_dlq'" for queue in QUEUES],
    ]
)
_COUNT: Final[LiteralString] = """
SELECT coalesce(sum(pg_stat_get_tuples_inserted(name) + pg_stat_get_tuples_updated(name)
                    + pg_stat_get_tuples_deleted(name)), 0)::bigint
FROM unnest(ARRAY[{tables}]::regclass[]) AS name
"""
COUNT_CHANGES: Final[LiteralString] = _COUNT.format(tables=_TABLES)


async def count_changes(conn: AsyncConnection[TupleRow]) -> int:
    """Return a number that grows when jobs start or their messages move, within a second or so."""
    row = await (await conn.execute(COUNT_CHANGES)).fetchone()
    return 0 if row is None else int(row[0])
