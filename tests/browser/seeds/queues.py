"""An hour of three queues: one busy, one that stands still, one that is paused."""

from __future__ import annotations

from typing import Final, LiteralString

from tests.browser.world import World

HOSTILE: Final = "<img src=x onerror=alert(1)> & \"'><script>alert(2)</script>"
FILL_MINUTES: Final[LiteralString] = """
INSERT INTO queue_minutes (queue, minute, waiting, running, dead, oldest_seconds, consumers,
                           arrived, done, failed, wait, run)
SELECT queue, date_trunc('minute', now()) - n * interval '1 minute',
       CASE queue WHEN 'pattern_detection' THEN 60 - n ELSE (n * 7) % 23 END, 2, 0,
       CASE queue WHEN 'pattern_detection' THEN (60 - n) * 60 ELSE n % 5 END, 1,
       100 + (n * 13) % 40, CASE queue WHEN 'pattern_detection' THEN 0 ELSE 110 + (n * 11) % 30 END,
       CASE WHEN n = 3 THEN 2 ELSE 0 END,
       CASE queue WHEN 'pattern_detection' THEN NULL
            ELSE array_fill(0, ARRAY[8]) || ARRAY[20, 60 + n, 30, 5] END,
       CASE queue WHEN 'pattern_detection' THEN NULL
            ELSE array_fill(0, ARRAY[14]) || ARRAY[10, 70, 30] END
FROM generate_series(1, 59) AS n,
     unnest(ARRAY['memory_ingestion', 'pattern_detection', 'summary_generation']) AS queue
WHERE n NOT BETWEEN 20 AND 24
"""
SEND_OLD: Final[LiteralString] = """
INSERT INTO pgmq.q_pattern_detection (vt, enqueued_at, message, headers)
SELECT now() - n * interval '1 minute', now() - n * interval '1 minute',
       jsonb_build_object('workspace_id', %(workspace)s::text),
       jsonb_build_object('group', %(workspace)s::text)
FROM generate_series(1, 40) AS n
"""
NOTE_ACTION: Final[LiteralString] = """
INSERT INTO audit_log (workspace_id, key_name, user_id, action, target, count, reason)
VALUES (%s, 'night shift', %s, 'dead_letters.redrive', 'memory_ingestion', 12, %s)
"""


async def seed(world: World) -> None:
    """Fill the tables that the sampler writes, and let it go on from there."""
    await world.conn.execute(FILL_MINUTES)
    await world.conn.execute(SEND_OLD, {"workspace": world.other_workspace_id})
    await world.conn.execute("SELECT pause_queue('summary_generation', %s, 'ops')", (HOSTILE,))
    await world.conn.execute(NOTE_ACTION, (world.workspace_id, world.user_id, HOSTILE))
