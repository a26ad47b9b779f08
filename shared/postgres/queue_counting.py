"""Counts each message once: as it was sent, done, and given up, minute by minute.

A message's number and times are older than its commit. So a fence is set: a moment, the newest
numbers then, and the first transaction that had not begun to write. Once every transaction before
that one has ended, all that there will ever be up to the fence is there. It is counted, and a new
fence is set. So what commits late is neither missed nor counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.messages import DELAYED_HEADER, QUEUES

_NUMBERS: Final[LiteralString] = """
coalesce(pg_sequence_last_value('pgmq.q_{queue}_msg_id_seq'), 0),
coalesce(pg_sequence_last_value('pgmq.q_{queue}_dlq_msg_id_seq'), 0)
"""
# In this order: whoever has one of the numbers began to write before this transaction, which does
# so here. A snapshot does not tell: it ends with what has ended, and others may have begun since.
READ_FENCES: Final[LiteralString] = """
SELECT clock_timestamp() - %(slack)s * interval '1 second', {numbers}, pg_current_xact_id()::text
""".format(numbers=", ".join([_NUMBERS.format(queue=queue) for queue in QUEUES]))
# Counting begins with the first sample.
BEGIN_MARK: Final[LiteralString] = """
INSERT INTO queue_marks (queue, done_until, number, dead_number,
                         fence_at, fence_xid, fence_number, fence_dead_number)
VALUES (%(queue)s, %(at)s, %(number)s, %(dead_number)s,
        %(at)s, %(xid)s::xid8, %(number)s, %(dead_number)s)
ON CONFLICT (queue) DO NOTHING
"""
# The wait of a message that was read twice is not known: its first read was overwritten. That of
# one that was sent for later is not the queue's doing.
ADD_COUNTS_OF_QUEUE: Final[LiteralString] = """
WITH mark AS (
    SELECT *, least(fence_number, number + %(most)s) AS last_number
    FROM queue_marks
    WHERE queue = '{queue}'
      AND (pg_snapshot_xmin(pg_current_snapshot()) >= fence_xid
           OR fence_at < now() - %(patience)s * interval '1 second')
), finished AS MATERIALIZED (
    SELECT archived_at,
           CASE WHEN read_ct = 1 AND (headers ? '{delayed}') IS NOT TRUE THEN
               width_bucket(extract(epoch FROM last_read_at - enqueued_at)::float8, %(bounds)s)
           END AS wait,
           width_bucket(extract(epoch FROM archived_at - last_read_at)::float8, %(bounds)s) AS run
    FROM pgmq.a_{queue}
    WHERE archived_at >= (SELECT done_until FROM mark) AND archived_at < (SELECT fence_at FROM mark)
    ORDER BY archived_at
    FETCH FIRST (%(most)s) ROWS WITH TIES
), reached AS (
    SELECT count(*) >= %(most)s AS is_full, max(archived_at) AS last_at FROM finished
), sent AS (
    SELECT enqueued_at FROM pgmq.q_{queue}
    WHERE msg_id > (SELECT number FROM mark) AND msg_id <= (SELECT last_number FROM mark)
    UNION ALL
    SELECT enqueued_at FROM pgmq.a_{queue}
    WHERE msg_id > (SELECT number FROM mark) AND msg_id <= (SELECT last_number FROM mark)
    UNION ALL
    SELECT enqueued_at FROM pgmq.q_{queue}_dlq
    WHERE msg_id > (SELECT dead_number FROM mark)
      AND CASE jsonb_typeof(headers->'dead_letter'->'msg_id') WHEN 'number' THEN
          (headers->'dead_letter'->>'msg_id')::numeric > (SELECT number FROM mark)
          AND (headers->'dead_letter'->>'msg_id')::numeric <= (SELECT last_number FROM mark) END
), buried AS (
    SELECT enqueued_at FROM pgmq.q_{queue}_dlq
    WHERE msg_id > (SELECT dead_number FROM mark)
      AND msg_id <= (SELECT fence_dead_number FROM mark)
), added AS (
    INSERT INTO queue_minutes AS m (queue, minute, arrived, done, failed, wait, run)
    SELECT '{queue}', minute, sum(arrived), sum(done), sum(failed),
           sum_histograms(wait), sum_histograms(run)
    FROM (
        SELECT date_trunc('minute', enqueued_at) AS minute, count(*) AS arrived, 0 AS done,
               0 AS failed, NULL::integer[] AS wait, NULL::integer[] AS run
        FROM sent GROUP BY 1
        UNION ALL
        SELECT date_trunc('minute', archived_at), 0, count(*), 0,
               count_buckets(array_agg(wait)), count_buckets(array_agg(run))
        FROM finished GROUP BY 1
        UNION ALL
        SELECT date_trunc('minute', enqueued_at), 0, 0, count(*), NULL, NULL
        FROM buried GROUP BY 1
    ) AS part
    GROUP BY minute
    ON CONFLICT (queue, minute) DO UPDATE
    SET arrived = m.arrived + excluded.arrived, done = m.done + excluded.done,
        failed = m.failed + excluded.failed, wait = add_histograms(m.wait, excluded.wait),
        run = add_histograms(m.run, excluded.run)
), next AS (
    SELECT NOT is_full AND last_number = fence_number AS is_at_fence,
           CASE WHEN is_full THEN last_at + interval '1 microsecond'
                ELSE greatest(done_until, fence_at) END AS done_until,
           last_number, fence_dead_number
    FROM mark, reached
)
UPDATE queue_marks AS m
SET done_until = next.done_until, number = next.last_number, dead_number = next.fence_dead_number,
    (fence_at, fence_xid, fence_number, fence_dead_number) = (
        SELECT kept.* FROM (SELECT m.fence_at, m.fence_xid, m.fence_number, m.fence_dead_number)
            AS kept WHERE NOT next.is_at_fence
        UNION ALL
        SELECT %(at)s, %(xid)s::xid8, %(number)s, %(dead_number)s WHERE next.is_at_fence
    )
FROM next
WHERE m.queue = '{queue}'
"""
ADD_COUNTS: Final[tuple[LiteralString, ...]] = tuple(
    [ADD_COUNTS_OF_QUEUE.format(queue=queue, delayed=DELAYED_HEADER) for queue in QUEUES]
)
"""One statement a queue; belongs in the transaction that holds the sampler's lock."""


@dataclass(frozen=True, slots=True)
class Fence:
    """Up to where a queue may be counted once every transaction before `xid` has ended."""

    queue: str
    at: datetime
    xid: str
    number: int
    dead_number: int


async def read_fences(conn: AsyncConnection[TupleRow], slack_seconds: float) -> list[Fence]:
    """Return new fences, in the order of the queues; call before anything is written."""
    asked = await conn.execute(READ_FENCES, {"slack": slack_seconds})
    [(at, *numbers, xid)] = await asked.fetchall()
    pairs = zip(QUEUES, numbers[::2], numbers[1::2], strict=True)
    return [Fence(queue, at, xid, number, dead) for queue, number, dead in pairs]
