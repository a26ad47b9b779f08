"""Writes what the queues hold, and what they did, into the tables that pages read.

One process samples at a time: the one that sampled last, until it has not done so for a while.
The cost of a sample does not depend on how long a queue or an archive is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final, LiteralString
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from shared.domain.histograms import BOUNDS
from shared.domain.queue_flow import silent_below
from shared.messages import QUEUES
from shared.postgres.live import tell
from shared.postgres.queue_counting import ADD_COUNTS, BEGIN_MARK, read_fences
from shared.postgres.queues import COUNT_CAP, COUNT_QUEUES

TIMEOUT_MS: Final = "5000"
"""A sample that takes longer is given up: the next one may do better, and a page says how old
its figures are."""
KEPT_DAYS: Final = 14

BEGIN_SAMPLE: Final[LiteralString] = """
SELECT set_config('statement_timeout', %(timeout)s, true),
       set_config('synchronous_commit', 'off', true),
       pg_try_advisory_xact_lock(hashtextextended('supastate.queue_sampler', 0))
"""
# Asked for once the lock is held: what another one wrote before is seen then.
HAS_OTHER_SAMPLER: Final[LiteralString] = """
SELECT EXISTS (SELECT FROM queue_samples
               WHERE sampled_by <> %(me)s AND sampled_at > now() - %(lease)s * interval '1 second')
"""
# A subscriber's listener connection bears the name of its queue's bell. While idle it holds, or
# waits for, one of two locks that are made of that name; see faststream_pgmq/doorbell.py.
# What is in hand has an index of its own: few rows, however long the queue is.
LOOK_AT_QUEUE: Final[LiteralString] = """
SELECT '{queue}' AS queue,
       (SELECT count(*) FROM (
            SELECT FROM pgmq.q_{queue}
            WHERE last_read_at IS NOT NULL
              AND timezone('UTC', vt)
                  < timezone('UTC', now() + %(silent_below)s * interval '1 second')
            LIMIT %(limit)s
        ) AS held) AS silent,
       (SELECT max(archived_at) FROM pgmq.a_{queue}) AS last_done_at,
       (SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database()
          AND (' ' || application_name) LIKE '%% pgmq\\_bell.{queue}') AS consumers,
       (SELECT count(DISTINCT pid) FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (classid::bigint << 32) | objid::bigint
              IN (hashtextextended('pgmq_bell.{queue}', 0),
                  hashtextextended('pgmq_bell.{queue}.bed', 0))) AS idle,
       EXISTS (SELECT FROM pg_trigger
               WHERE tgrelid = 'pgmq.q_{queue}'::regclass
                 AND tgname = 'faststream_pgmq_doorbell' AND tgenabled IN ('O', 'A')) AS doorbell,
       pg_stat_get_dead_tuples('pgmq.q_{queue}'::regclass) AS dead_tuples,
       greatest(pg_stat_get_last_vacuum_time('pgmq.q_{queue}'::regclass),
                pg_stat_get_last_autovacuum_time('pgmq.q_{queue}'::regclass)) AS last_vacuum,
       pg_table_size('pgmq.q_{queue}') AS table_bytes,
       pg_indexes_size('pgmq.q_{queue}') AS index_bytes,
       pg_total_relation_size('pgmq.a_{queue}') AS archive_bytes
"""
SAVE_SAMPLES: Final[LiteralString] = """
WITH counted AS (
    {counts}
), seen AS (
    {looks}
)
INSERT INTO queue_samples AS s
       (queue, sampled_at, sampled_by, waiting, delayed, running, retrying, dead, due_since,
        last_done_at, consumers, idle, doorbell, dead_tuples, last_vacuum, table_bytes, index_bytes,
        archive_bytes, snapshot_holder, snapshot_seconds, snapshot_transactions, silent, release,
        release_since)
SELECT queue, now(), %(me)s, waiting, delayed, running, retrying, dead, due_since, last_done_at,
       consumers, idle, doorbell, dead_tuples, last_vacuum, table_bytes, index_bytes,
       archive_bytes, holder, seconds, transactions, silent,
       nullif(current_setting('supastate.release', true), ''), now()
FROM counted JOIN seen USING (queue) LEFT JOIN queue_obstacle() ON true
ON CONFLICT (queue) DO UPDATE
SET (sampled_at, sampled_by, waiting, delayed, running, retrying, dead, due_since, last_done_at,
     consumers, idle, doorbell, dead_tuples, last_vacuum, table_bytes, index_bytes,
     archive_bytes, snapshot_holder, snapshot_seconds, snapshot_transactions,
     silent, release, release_since)
  = (excluded.sampled_at, excluded.sampled_by, excluded.waiting, excluded.delayed,
     excluded.running, excluded.retrying, excluded.dead, excluded.due_since,
     excluded.last_done_at, excluded.consumers, excluded.idle, excluded.doorbell,
     excluded.dead_tuples, excluded.last_vacuum, excluded.table_bytes, excluded.index_bytes,
     excluded.archive_bytes, excluded.snapshot_holder, excluded.snapshot_seconds,
     excluded.snapshot_transactions, excluded.silent, excluded.release,
     CASE WHEN s.release IS DISTINCT FROM excluded.release THEN excluded.release_since
          ELSE s.release_since END)
""".format(
    counts=COUNT_QUEUES,
    looks="\nUNION ALL\n".join([LOOK_AT_QUEUE.format(queue=queue) for queue in QUEUES]),
)
NOTE_MINUTE: Final[LiteralString] = """
INSERT INTO queue_minutes AS m (queue, minute, waiting, running, dead, oldest_seconds, consumers)
SELECT queue, date_trunc('minute', sampled_at), waiting, running, dead,
       greatest(0, extract(epoch FROM sampled_at - due_since)), consumers
FROM queue_samples
ON CONFLICT (queue, minute) DO UPDATE
SET waiting = greatest(m.waiting, excluded.waiting),
    running = greatest(m.running, excluded.running),
    oldest_seconds = greatest(m.oldest_seconds, excluded.oldest_seconds),
    dead = excluded.dead, consumers = excluded.consumers
"""
FORGET_OLD_MINUTES: Final[LiteralString] = """
DELETE FROM queue_minutes WHERE minute < now() - %(days)s * interval '1 day'
"""


@dataclass(frozen=True, slots=True)
class SamplingRules:
    """How one process samples."""

    sampler: UUID
    """Tells processes apart."""
    interval_seconds: float = 10.0
    lease_seconds: float = 60.0
    """Of the workers."""
    slack_seconds: float = 2.0
    """The longest that a transaction may take from its beginning to its first write: what it
    archives bears the time of the beginning."""
    patience_seconds: float = 300.0
    """A writer that is older does not hold up the counting; what it archives may be left out."""
    most_rows: int = 50_000
    """Counted of one queue in one sample; the rest is counted next time."""


async def take_sample(conn: AsyncConnection[TupleRow], rules: SamplingRules) -> bool:
    """Write one sample of every queue; return False where another process is the sampler."""
    async with conn.transaction():
        if not await _is_sampler(conn, rules):
            return False
        fences = await read_fences(conn, rules.slack_seconds)
        await conn.execute(SAVE_SAMPLES, _watching(rules))
        await conn.execute(NOTE_MINUTE)
        for fence, statement in zip(fences, ADD_COUNTS, strict=True):
            values = asdict(fence) | _counting(rules)
            await conn.execute(BEGIN_MARK, values)
            await conn.execute(statement, values)
        await conn.execute(FORGET_OLD_MINUTES, {"days": KEPT_DAYS})
        await tell(conn, "queues")
    return True


def _watching(rules: SamplingRules) -> dict[str, object]:
    silence = silent_below(rules.lease_seconds)
    return {"me": rules.sampler, "limit": COUNT_CAP + 1, "silent_below": silence}


def _counting(rules: SamplingRules) -> dict[str, object]:
    return {
        "patience": rules.patience_seconds,
        "most": rules.most_rows,
        "bounds": list(BOUNDS),
    }


async def _is_sampler(conn: AsyncConnection[TupleRow], rules: SamplingRules) -> bool:
    begun = await (await conn.execute(BEGIN_SAMPLE, {"timeout": TIMEOUT_MS})).fetchone()
    if begun is None or not begun[2]:
        return False
    lease = {"me": rules.sampler, "lease": 2 * rules.interval_seconds}
    other = await (await conn.execute(HAS_OTHER_SAMPLER, lease)).fetchone()
    return other == (False,)
