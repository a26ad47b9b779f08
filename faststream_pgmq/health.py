"""How the tables of the queues do, and what keeps dead rows in them; counts no rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import AsyncConnection

HEALTH: Final[LiteralString] = """
SELECT queue, dead_tuples, last_vacuum, table_bytes, index_bytes, archive_bytes, oldest, doorbell,
       partitioned
FROM faststream_pgmq.health()
"""
OLDEST_SNAPSHOT: Final[LiteralString] = """
SELECT holder, pid, application, usename, state, seconds, transactions
FROM faststream_pgmq.oldest_snapshot()
"""


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """The tables of one queue; a dead letter queue is a queue of its own here."""

    queue: str
    dead_tuples: int
    """Dead rows that are not yet removed, as Postgres' statistics say."""
    last_vacuum: datetime | None
    table_bytes: int
    index_bytes: int
    archive_bytes: int | None
    """With its indexes."""
    oldest_seconds: float | None
    """Since the message that is next was sent; None when none is ready, or without the right."""
    doorbell: bool
    """Whether senders wake who sleeps; else consumers poll each second."""
    partitioned: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Who keeps rows that died since: they stay in every queue, and make reads slower."""

    holder: str
    """`session`, `prepared transaction`, `replication slot`, or a kind of server process."""
    pid: int | None
    application: str | None
    """The session's `application_name`, or the name of the transaction or slot."""
    user: str | None
    state: str | None
    """Such as `idle in transaction`; None for a session that the caller may not look into."""
    seconds: float | None
    """Since its transaction began; None where the caller may not see it."""
    transactions: int
    """How many transactions have begun since."""


@dataclass(frozen=True, slots=True)
class Health:
    """All queues, and the oldest snapshot in their database."""

    queues: list[QueueHealth]
    oldest_snapshot: Snapshot | None


async def check_health(conn: AsyncConnection[Any]) -> Health:
    """Return how the tables of all queues do, by name; see sql/82_health.sql."""
    queues = await (await conn.execute(HEALTH)).fetchall()
    snapshot = await (await conn.execute(OLDEST_SNAPSHOT)).fetchone()
    return Health(
        [QueueHealth(*row) for row in queues], None if snapshot is None else Snapshot(*snapshot)
    )
