"""The SQL of what handlers say of their progress. Functions take `conn` first and never commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import AsyncConnection

    from faststream_pgmq.delivery import Delivery

# A later delivery of the same message knows better, wherever it runs.
TELL: Final[LiteralString] = """
INSERT INTO faststream_pgmq.progress AS told (queue, msg_id, read_ct, step, done, total)
SELECT %(queue)s, sent.msg_id, sent.read_ct, sent.step, sent.done, sent.total
FROM unnest(%(ids)s::bigint[], %(fences)s::integer[], %(steps)s::text[], %(dones)s::bigint[],
            %(totals)s::bigint[]) AS sent (msg_id, read_ct, step, done, total)
ORDER BY sent.msg_id
ON CONFLICT (queue, msg_id) DO UPDATE
SET read_ct = excluded.read_ct, step = excluded.step, done = excluded.done,
    total = excluded.total, told_at = clock_timestamp()
WHERE told.read_ct <= excluded.read_ct
"""

# And what killed workers left: it was told of for the last time long ago.
FORGET: Final[LiteralString] = """
DELETE FROM faststream_pgmq.progress AS told
WHERE told.queue = %(queue)s
  AND (told.told_at < clock_timestamp() - interval '1 day'
       OR EXISTS (SELECT FROM unnest(%(ids)s::bigint[], %(fences)s::integer[])
                              AS gone (msg_id, read_ct)
                  WHERE gone.msg_id = told.msg_id AND gone.read_ct = told.read_ct))
"""


async def tell_progress(
    conn: AsyncConnection[Any], queue: str, deliveries: Sequence[Delivery]
) -> None:
    """Write how far the handlers of these are, for whoever looks."""
    said = [(one, one.progress) for one in deliveries if one.progress is not None]
    await conn.execute(
        TELL,
        {
            **_named(queue, [one for one, _ in said]),
            "steps": [progress.step for _, progress in said],
            "dones": [progress.done for _, progress in said],
            "totals": [progress.total for _, progress in said],
        },
    )


async def forget_progress(
    conn: AsyncConnection[Any], queue: str, deliveries: Sequence[Delivery]
) -> None:
    """Delete what was told of these."""
    await conn.execute(FORGET, _named(queue, deliveries))


def _named(queue: str, deliveries: Sequence[Delivery]) -> dict[str, object]:
    return {
        "queue": queue.lower(),
        "ids": [one.msg_id for one in deliveries],
        "fences": [one.read_ct for one in deliveries],
    }
