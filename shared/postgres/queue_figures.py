"""Reads what was sampled of the queues: the same cost however long they and their archives are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from shared.domain.queue_flow import Flow, Standing
from shared.domain.queue_problems import Watched

WINDOW_MINUTES: Final = 5
"""What rates and times are taken over, and the begun minute before it."""
LATELY_MINUTES: Final = 60
MOST_POINTS: Final = 360
LONGEST_RANGE: Final = timedelta(days=14)

# The pause is looked up where it stands, so that whoever pauses sees it at once.
FIND_FIGURES: Final[LiteralString] = """
SELECT s.*, now() AS read_at, coalesce(m.done_until, s.sampled_at) AS counted_until,
       state.paused_at, state.reason AS pause_reason, state.paused_by,
       greatest(0, extract(epoch FROM m.done_until - w.since))::float8 AS window_seconds,
       w.arrived, w.done, w.failed, w.wait, w.run,
       l.minutes, l.arrived AS arrived_lately, l.done AS done_lately, l.failed AS failed_lately
FROM queue_samples AS s
LEFT JOIN queue_marks AS m USING (queue)
LEFT JOIN faststream_pgmq.queue_state AS state ON state.queue = s.queue
CROSS JOIN LATERAL (
    SELECT date_trunc('minute', m.done_until) - %(minutes)s * interval '1 minute' AS since,
           coalesce(sum(arrived), 0) AS arrived, coalesce(sum(done), 0) AS done,
           coalesce(sum(failed), 0) AS failed,
           sum_histograms(wait) AS wait, sum_histograms(run) AS run
    FROM queue_minutes
    WHERE queue = s.queue
      AND minute >= date_trunc('minute', m.done_until) - %(minutes)s * interval '1 minute'
) AS w
CROSS JOIN LATERAL (
    SELECT array_agg(minute ORDER BY minute) AS minutes,
           array_agg(arrived ORDER BY minute) AS arrived, array_agg(done ORDER BY minute) AS done,
           (SELECT coalesce(sum(failed), 0) FROM queue_minutes WHERE queue = s.queue
            AND minute > now() - %(lately)s * interval '1 minute') AS failed
    FROM generate_series(
             date_trunc('minute', m.done_until) - %(lately)s * interval '1 minute',
             date_trunc('minute', m.done_until) - interval '1 minute', interval '1 minute'
         ) AS minute
    LEFT JOIN (SELECT minute, arrived, done, failed FROM queue_minutes WHERE queue = s.queue
               AND minute >= date_trunc('minute', m.done_until)
                             - %(lately)s * interval '1 minute') AS one USING (minute)
) AS l
WHERE %(queue)s::text IS NULL OR s.queue = %(queue)s
ORDER BY s.queue
"""
# One sum for each bucket: a third of the cost of taking the arrays apart and together again.
BUCKETS: Final[LiteralString] = (
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 "
    "35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61"
)
SUM_OF_BUCKETS: Final[LiteralString] = "ARRAY[{sums}]".format(
    sums=", ".join([f"coalesce(sum({{times}}[{bucket}]), 0)" for bucket in BUCKETS.split()])
)
# Points of several minutes hold the highest of what was seen, and the sum of what was done.
FIND_SERIES: Final[LiteralString] = """
SELECT date_bin(%(step)s, minute, %(since)s) AS at,
       max(waiting) AS waiting, max(running) AS running, max(dead) AS dead,
       max(oldest_seconds) AS oldest_seconds, min(consumers) AS consumers,
       sum(arrived)::bigint AS arrived, sum(done)::bigint AS done, sum(failed)::bigint AS failed,
       {wait} AS wait, {run} AS run
FROM queue_minutes
WHERE queue = %(queue)s AND minute >= %(since)s AND minute < %(until)s
GROUP BY 1
ORDER BY 1
""".format(wait=SUM_OF_BUCKETS.format(times="wait"), run=SUM_OF_BUCKETS.format(times="run"))


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue as it was last seen, and what went through it lately."""

    queue: str
    sampled_at: datetime
    sampled_by: object
    waiting: int
    delayed: int
    running: int
    retrying: int
    dead: int
    due_since: datetime | None
    last_done_at: datetime | None
    consumers: int
    idle: int
    doorbell: bool
    dead_tuples: int | None
    last_vacuum: datetime | None
    table_bytes: int | None
    index_bytes: int | None
    archive_bytes: int | None
    snapshot_holder: str | None
    snapshot_seconds: float | None
    snapshot_transactions: int | None
    silent: int
    """Messages in hand whose lease was not renewed at two heartbeats, or has run out."""
    release: str | None
    release_since: datetime | None
    read_at: datetime
    counted_until: datetime
    """Rates and times reach up to here."""
    paused_at: datetime | None
    pause_reason: str | None
    paused_by: str | None
    window_seconds: float | None
    arrived: int
    done: int
    failed: int
    wait: list[int] | None
    run: list[int] | None
    minutes: list[datetime] | None
    """The whole ones of the last hour; the next two say what each saw, or None."""
    arrived_lately: list[int | None] | None
    done_lately: list[int | None] | None
    failed_lately: int
    """What became a dead letter in the last hour."""

    @property
    def flow(self) -> Flow:
        return Flow(
            self.window_seconds or 0.0, self.arrived, self.done, self.failed, self.wait, self.run
        )

    @property
    def standing(self) -> Standing:
        return Standing(
            at=self.sampled_at,
            waiting=self.waiting,
            running=self.running,
            retrying=self.retrying,
            due_since=self.due_since,
            last_done_at=self.last_done_at,
            consumers=self.consumers,
            is_paused=self.paused_at is not None,
        )

    @property
    def watched(self) -> Watched:
        return Watched(
            queue=self.queue,
            standing=self.standing,
            failed_lately=self.failed_lately,
            doorbell=self.doorbell,
            snapshot_holder=self.snapshot_holder,
            snapshot_seconds=self.snapshot_seconds,
            silent=self.silent,
        )


@dataclass(frozen=True, slots=True)
class QueuePoint:
    """What a queue held and did in one step of a series."""

    at: datetime
    waiting: int | None
    running: int | None
    dead: int | None
    oldest_seconds: float | None
    consumers: int | None
    arrived: int
    done: int
    failed: int
    wait: list[int]
    run: list[int]


@dataclass(frozen=True, slots=True)
class Range:
    """Minutes from `since` on, before `until`."""

    since: datetime
    until: datetime

    @property
    def step(self) -> timedelta:
        """How much one point holds: whole minutes, so that there are `MOST_POINTS` at most."""
        minutes = (self.until - self.since) / timedelta(minutes=1)
        return timedelta(minutes=max(1, -(-minutes // MOST_POINTS)))


async def find_figures(
    conn: AsyncConnection[TupleRow], queue: str | None = None
) -> list[QueueFigures]:
    """Return the last sample of every queue by name, or of one; none before the first sample."""
    async with conn.cursor(row_factory=class_row(QueueFigures)) as cursor:
        values = {"queue": queue, "minutes": WINDOW_MINUTES, "lately": LATELY_MINUTES}
        await cursor.execute(FIND_FIGURES, values)
        return await cursor.fetchall()


async def find_series(
    conn: AsyncConnection[TupleRow], queue: str, within: Range
) -> list[QueuePoint]:
    """Return what a queue held and did over time; nothing for what nobody sampled."""
    values = {"queue": queue, "since": within.since, "until": within.until, "step": within.step}
    async with conn.cursor(row_factory=class_row(QueuePoint)) as cursor:
        await cursor.execute(FIND_SERIES, values)
        return await cursor.fetchall()
