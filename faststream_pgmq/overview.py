"""What the queues hold, without counting long ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import AsyncConnection

MOST: Final = 10_000
"""Messages of one kind that are counted; beyond it a count only says "more"."""

OVERVIEW: Final[LiteralString] = """
SELECT queue, ready, delayed, in_flight, dead,
       extract(epoch FROM clock_timestamp() - oldest)::float8, paused_at, reason
FROM faststream_pgmq.overview(%s)
"""


@dataclass(frozen=True, slots=True)
class QueueOverview:
    """One queue now. A count above the `most` that was asked for means "more"; None, no access."""

    queue: str
    ready: int | None
    delayed: int | None
    """Sent with a delay, or waiting for its next attempt."""
    in_flight: int | None
    dead: int | None
    oldest_seconds: float | None
    """Since the message that is next was sent; None when none is ready."""
    paused_at: datetime | None
    reason: str | None


async def overview(conn: AsyncConnection[Any], *, most: int = MOST) -> list[QueueOverview]:
    """Return all queues by name, dead letter queues with their queue; see sql/75_overview.sql."""
    cursor = await conn.execute(OVERVIEW, (most,))
    return [QueueOverview(*row) for row in await cursor.fetchall()]
