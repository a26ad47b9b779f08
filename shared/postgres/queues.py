"""How much stands in each queue, counted up to a cap: a poll must not read a long queue.

A message is due (`waiting`), hidden until a time it was sent with (`delayed`), held by a worker
(`running`), or hidden until its next attempt (`retrying`). One that a worker gave back because a
server is down is waiting too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row

from shared.messages import QUEUES

COUNT_CAP: Final = 10_000
"""Counts stop one above it: 10,001 means "more than 10,000"."""

# A delivery that nobody has ended yet: each failure and each give-back ended one. Anybody may
# write headers, so what is no number counts as none.
MESSAGE_STATE: Final[LiteralString] = """
CASE
    WHEN vt <= now() THEN 'waiting'
    WHEN read_ct = 0 THEN 'delayed'
    WHEN read_ct > CASE jsonb_typeof(headers->'attempts')
                       WHEN 'number' THEN (headers->>'attempts')::numeric ELSE 0 END
                 + CASE jsonb_typeof(headers->'released')
                       WHEN 'number' THEN (headers->>'released')::numeric ELSE 0 END
        THEN 'running'
    WHEN headers ? 'attempts' THEN 'retrying'
    ELSE 'waiting'
END
"""
# Of `message`, and only where somebody has it: a job may have a hundred thousand that wait.
STEP_IN_HAND: Final[LiteralString] = """
CASE WHEN read_ct > 0 AND vt > now() THEN (
    SELECT jsonb_build_object('queue', told.queue, 'step', told.step, 'done', told.done,
                              'total', told.total, 'told_at', told.told_at)
    FROM faststream_pgmq.progress AS told
    WHERE told.queue = '{queue}' AND told.msg_id = message.msg_id
      AND told.read_ct = message.read_ct
) END
"""
# `cancel_job` marks what it takes out; what was in hand meanwhile and succeeded is done.
ARCHIVED_STATE: Final[LiteralString] = (
    "CASE WHEN headers ? 'cancelled' THEN 'cancelled' ELSE 'done' END"
)
# Only ranges of the index on `vt` are read. What is delayed is counted apart: it may be long, and
# must not hide what is held. What was sent for later waits from then on, and not from its sending.
COUNT_ONE_QUEUE: Final[LiteralString] = """
SELECT '{queue}' AS queue,
       due.n + held.waiting AS waiting,
       (SELECT count(*) FROM (
            SELECT FROM pgmq.q_{queue} WHERE vt > now() AND read_ct = 0 LIMIT %(limit)s
        ) AS delayed) AS delayed,
       held.running,
       held.retrying,
       (SELECT count(*) FROM (
            SELECT FROM pgmq.q_{queue}_dlq LIMIT %(limit)s
        ) AS dead) AS dead,
       least(due.since, held.since) AS due_since
FROM (
    SELECT count(*) AS n, min(CASE WHEN read_ct = 0 THEN vt ELSE enqueued_at END) AS since
    FROM (
        SELECT vt, read_ct, enqueued_at FROM pgmq.q_{queue}
        WHERE vt <= now() ORDER BY vt LIMIT %(limit)s
    ) AS visible
) AS due, (
    SELECT count(*) FILTER (WHERE state = 'waiting') AS waiting,
           count(*) FILTER (WHERE state = 'running') AS running,
           count(*) FILTER (WHERE state = 'retrying') AS retrying,
           min(enqueued_at) FILTER (WHERE state = 'waiting') AS since
    FROM (
        SELECT {state} AS state, enqueued_at
        FROM pgmq.q_{queue} WHERE vt > now() AND read_ct > 0 LIMIT %(limit)s
    ) AS hidden
) AS held
"""
COUNT_QUEUES: Final[LiteralString] = "\nUNION ALL\n".join(
    [COUNT_ONE_QUEUE.format(queue=queue, state=MESSAGE_STATE) for queue in QUEUES]
)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """One queue at one moment; each count is at most `COUNT_CAP` + 1."""

    queue: str
    waiting: int
    delayed: int
    running: int
    retrying: int
    dead: int
    due_since: datetime | None
    """Since when the message that waits longest could have been read."""

    @property
    def is_drained(self) -> bool:
        """Nothing is due, held or to be retried; what was only sent for later does not count."""
        return self.waiting == self.running == self.retrying == 0


async def count_queues(conn: AsyncConnection[TupleRow]) -> list[QueueCounts]:
    """Return the counts of all queues, of all workspaces, from one snapshot."""
    async with conn.cursor(row_factory=class_row(QueueCounts)) as cursor:
        await cursor.execute(COUNT_QUEUES, {"limit": COUNT_CAP + 1})
        return await cursor.fetchall()
