"""Tells the processes of the API that something changed which a page shows; never what.

Only operators' actions, keys and the sampler tell: a notifying commit takes a lock on the whole
database cluster, so a memory that comes in tells nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final, Literal, LiteralString, TypeAlias, get_args

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from faststream_pgmq.connecting import CONNECT_TIMEOUT, KEEPALIVE, with_defaults

Topic: TypeAlias = Literal["queues", "jobs", "dead_letters", "patterns", "operations"]
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)
APPLICATION_NAME: Final = "supastate-live"
PROBE_SECONDS: Final = 20.0
PROBE_TIMEOUT_SECONDS: Final = 5.0
LISTEN: Final[LiteralString] = "LISTEN supastate_live"
PROBE: Final[LiteralString] = "SELECT 1"
TELL: Final[LiteralString] = "SELECT pg_notify('supastate_live', %s)"


async def tell(conn: AsyncConnection[TupleRow], topic: Topic) -> None:
    """Tell all processes that this changed, once the transaction is committed."""
    await conn.execute(TELL, (topic,))


async def open_listener(dsn: str) -> AsyncConnection[TupleRow]:
    """Return a session that listens; it notices by itself when the network went silent."""
    kept_alive = with_defaults(
        dsn, application_name=APPLICATION_NAME, connect_timeout=CONNECT_TIMEOUT, **KEEPALIVE
    )
    conn = await AsyncConnection.connect(kept_alive, autocommit=True)
    try:
        await conn.execute(LISTEN)
    except BaseException:
        await conn.close()
        raise
    return conn


async def hear(conn: AsyncConnection[TupleRow]) -> AsyncGenerator[str]:
    """Yield what is told, as long as the server answers.

    Raises:
        psycopg.OperationalError, TimeoutError: it does not any more.
    """
    while True:
        async for told in conn.notifies(timeout=PROBE_SECONDS):
            yield told.payload
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            await conn.execute(PROBE)
