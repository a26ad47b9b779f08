"""Messages at each place of a queue, as the broker leaves them, and samples of them."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.postgres.queue_sampling import SamplingRules, take_sample

Conn = AsyncConnection[TupleRow]
US, OTHERS = UUID(int=1), UUID(int=2)
EAGER = SamplingRules(US, slack_seconds=0.0)
"""Counts at once what has happened before the sample before."""

SEND: LiteralString = "SELECT pgmq.send('memory_ingestion', '{}') FROM generate_series(1, %s)"
# Numbers far from those of other messages; the times are those of one finished delivery.
ARCHIVE: LiteralString = """
INSERT INTO pgmq.a_memory_ingestion
    (msg_id, read_ct, enqueued_at, last_read_at, archived_at, vt, message, headers)
SELECT 1000000 + (SELECT count(*) FROM pgmq.a_memory_ingestion) + n, %(reads)s,
       clock_timestamp() - (%(wait)s + %(run)s) * interval '1 second',
       clock_timestamp() - %(run)s * interval '1 second',
       clock_timestamp(), now(), '{}', %(headers)s::jsonb
FROM generate_series(1, %(count)s) AS n
"""
BURY: LiteralString = """
INSERT INTO pgmq.q_memory_ingestion_dlq (vt, message, headers) VALUES (now(), '{}', '{}')
"""


async def archive(
    conn: Conn, count: int, *, wait: float, run: float, reads: int = 1, headers: str | None = None
) -> None:
    """Let messages have waited and run so many seconds, and be finished now."""
    values = {"count": count, "wait": wait, "run": run, "reads": reads, "headers": headers}
    await conn.execute(ARCHIVE, values)


async def sample_twice(conn: Conn, rules: SamplingRules = EAGER) -> None:
    """Set a fence, and count what is below it."""
    for _ in range(2):
        assert await take_sample(conn, rules)
