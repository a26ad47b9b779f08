"""The floor: what somebody writes by hand with psycopg over pgmq, and no framework."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg.types.json import Jsonb

from benchmarks.queue.server import QUEUE, connection, install_pgmq
from benchmarks.queue.settings import BATCH, PAYLOAD_TEXT, payload

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from psycopg import AsyncConnection

    from benchmarks.queue.contestants.contestant import Send, Tally

READ: Final[LiteralString] = "SELECT msg_id, message FROM pgmq.read(%s, 30, %s)"
DELETE: Final[LiteralString] = "SELECT pgmq.delete(%s, %s::bigint[])"
SEND: Final[LiteralString] = "SELECT pgmq.send(%s, %s)"
FILL: Final = 10_000
"""Messages of one transaction."""
FILL_QUEUE: Final[LiteralString] = """
SELECT count(*) FROM pgmq.send_batch(%s, ARRAY(
    SELECT jsonb_build_object('n', n, 'text', %s::text)
    FROM generate_series(%s::integer, %s::integer) AS n))
"""
LISTEN: Final[LiteralString] = "LISTEN floor"
ADD_TRIGGER: Final[LiteralString] = """
CREATE FUNCTION tell_floor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('floor', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_floor AFTER INSERT ON pgmq.q_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION tell_floor();
"""
REMAINING: Final[LiteralString] = "SELECT count(*) FROM pgmq.q_jobs"


class Floor:
    """Reads, handles, deletes, one after the other; listens when there is nothing."""

    name = "floor"
    remaining: LiteralString = REMAINING

    async def create(self, dsn: str) -> None:
        await install_pgmq(dsn)
        async with connection(dsn) as conn:
            await conn.execute("SELECT pgmq.create('jobs')")
            await conn.execute(ADD_TRIGGER)

    async def fill(self, dsn: str, count: int) -> None:
        await fill_pgmq(dsn, count)

    @asynccontextmanager
    async def consuming(self, dsn: str, tally: Tally) -> AsyncGenerator[None]:
        async with connection(dsn) as conn:
            await conn.execute(LISTEN)
            task = asyncio.create_task(_consume(conn, tally))
            try:
                yield
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    @asynccontextmanager
    async def sending(self, dsn: str) -> AsyncGenerator[Send]:
        async with connection(dsn) as conn:

            async def send(n: int) -> None:
                await conn.execute(SEND, (QUEUE, Jsonb(payload(n))))

            yield send


async def _consume(conn: AsyncConnection[Any], tally: Tally) -> None:
    while True:
        rows = await (await conn.execute(READ, (QUEUE, BATCH))).fetchall()
        if not rows:
            async for _ in conn.notifies(stop_after=1):
                pass
            continue
        _handle([row[1] for row in rows], tally)
        await conn.execute(DELETE, (QUEUE, [row[0] for row in rows]))


def _handle(messages: Sequence[dict[str, Any]], tally: Tally) -> None:
    tally.add(len(messages))


async def fill_pgmq(dsn: str, count: int, queue: str = QUEUE) -> None:
    """Let `count` messages wait in a queue of pgmq."""
    async with connection(dsn) as conn:
        for first in range(0, count, FILL):
            last = min(first + FILL, count) - 1
            await conn.execute(FILL_QUEUE, (queue, PAYLOAD_TEXT, first, last))
