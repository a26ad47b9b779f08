"""What `supastate doctor` asks Postgres; reads only, and no statement counts a long table."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import uuid4

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL, Identifier

from shared.messages import QUEUES

ROLES: Final = ("supastate_api", "supastate_worker", "supastate_readonly")
BELL_SECONDS: Final = 5.0

SERVER: Final[LiteralString] = """
SELECT current_setting('server_version_num')::int AS version_number,
       current_setting('server_version') AS version,
       to_regnamespace('pgmq') IS NOT NULL AS has_pgmq,
       (SELECT extversion FROM pg_extension WHERE extname = 'pgmq') AS pgmq_version,
       clock_timestamp() AS now,
       current_setting('max_connections')::int AS max_connections,
       (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend')
           AS connections,
       pg_database_size(current_database()) AS database_bytes,
       pg_is_in_recovery() AS is_replica
"""
MISSING_ROLES: Final[LiteralString] = """
SELECT name FROM unnest(%(roles)s::text[]) AS name
WHERE to_regrole(name) IS NULL OR NOT pg_has_role(current_user, name::name, 'MEMBER')
ORDER BY name
"""
MISSING_QUEUES: Final[LiteralString] = """
SELECT name FROM unnest(%(queues)s::text[]) AS name
WHERE to_regclass('pgmq.q_' || name) IS NULL OR to_regclass('pgmq.q_' || name || '_dlq') IS NULL
ORDER BY name
"""
PAUSED_QUEUES: Final[LiteralString] = "SELECT queue FROM faststream_pgmq.queue_state ORDER BY queue"
HAS_DEAD_LETTERS: Final[LiteralString] = (
    "SELECT '{queue}' AS queue WHERE EXISTS (SELECT FROM pgmq.q_{queue}_dlq)"
)
QUEUES_WITH_DEAD_LETTERS: Final[LiteralString] = " UNION ALL ".join(
    [HAS_DEAD_LETTERS.format(queue=queue) for queue in QUEUES]
)


@dataclass(frozen=True, slots=True)
class Server:
    """A Postgres server and the database of these settings."""

    version_number: int
    """180004 for 18.4."""
    version: str
    has_pgmq: bool
    pgmq_version: str | None
    """None where pgmq was installed from its SQL, without the extension."""
    now: datetime
    max_connections: int
    connections: int
    database_bytes: int
    is_replica: bool


async def read_server(conn: AsyncConnection[TupleRow]) -> Server:
    """Return what the server says of itself."""
    async with conn.cursor(row_factory=class_row(Server)) as cursor:
        await cursor.execute(SERVER)
        found = await cursor.fetchone()
    assert found is not None  # a SELECT without FROM has one row
    return found


async def missing_roles(conn: AsyncConnection[TupleRow]) -> list[str]:
    """Return the roles that are not there, or that this login may not act as."""
    return await _names(conn, MISSING_ROLES, {"roles": list(ROLES)})


async def missing_queues(conn: AsyncConnection[TupleRow]) -> list[str]:
    """Return the queues that lack their table or that of their dead letters."""
    return await _names(conn, MISSING_QUEUES, {"queues": list(QUEUES)})


async def paused_queues(conn: AsyncConnection[TupleRow]) -> list[str]:
    """Return the queues from which nobody may claim."""
    return await _names(conn, PAUSED_QUEUES, {})


async def queues_with_dead_letters(conn: AsyncConnection[TupleRow]) -> list[str]:
    """Return the queues that gave messages up."""
    return await _names(conn, QUEUES_WITH_DEAD_LETTERS, {})


async def hears_notifications(
    listener: AsyncConnection[TupleRow], sender: AsyncConnection[TupleRow]
) -> bool:
    """Return whether a NOTIFY reaches the listener; none does through a transaction pooler."""
    channel = f"supastate_doctor_{uuid4().hex}"
    await listener.execute(SQL("LISTEN {}").format(Identifier(channel)))
    await sender.execute("SELECT pg_notify(%s, '')", (channel,))
    try:
        async with asyncio.timeout(BELL_SECONDS):
            async for _ in listener.notifies(timeout=BELL_SECONDS, stop_after=1):
                return True
    except TimeoutError:
        pass
    return False


async def _names(
    conn: AsyncConnection[TupleRow], query: LiteralString, values: dict[str, list[str]]
) -> list[str]:
    return [str(row[0]) for row in await (await conn.execute(query, values)).fetchall()]
