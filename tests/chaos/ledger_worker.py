"""A consumer that enters each delivery in a ledger, then acknowledges; takes DSN, name, lease."""

from __future__ import annotations

import asyncio
import sys
from typing import cast

from faststream import FastStream
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from pydantic import BaseModel

from faststream_pgmq import PgmqBroker
from faststream_pgmq.annotations import PgmqBatchMessage
from faststream_pgmq.subscriber.usecase import PgmqSubscriber

HANDLING_SECONDS = 0.1
ENTER = """
INSERT INTO ledger (n, msg_id, read_ct, worker)
SELECT n, msg_id, read_ct, %s
FROM unnest(%s::int[], %s::bigint[], %s::int[]) AS entry (n, msg_id, read_ct)
"""
REPORT = """
INSERT INTO refused (worker, count) VALUES (%s, %s)
ON CONFLICT (worker) DO UPDATE SET count = excluded.count
"""
dsn, name, lease_seconds = sys.argv[1:]
broker = PgmqBroker(make_conninfo(dsn, application_name=f"consumer {name}"), logger=None)
app = FastStream(broker, logger=None)


class Job(BaseModel):
    n: int


@broker.subscriber("jobs", batch=True, max_messages=50, visibility_timeout=float(lease_seconds))
async def enter(jobs: list[Job], message: PgmqBatchMessage) -> None:
    """The effect, in a transaction of its own; the broker acknowledges a while later."""
    numbers, fences = [job.n for job in jobs], [one.read_ct for one in message.deliveries]
    async with await AsyncConnection.connect(dsn, autocommit=True) as ledger:
        await ledger.execute(ENTER, (name, numbers, message.msg_ids, fences))
    await asyncio.sleep(HANDLING_SECONDS)


async def report(ledger: AsyncConnection[object]) -> None:
    """Tell how many endings were refused, also if this process is killed in a moment."""
    told = 0
    while True:
        await asyncio.sleep(0.05)
        (own,) = cast("list[PgmqSubscriber]", broker.subscribers)
        if (refused := own.refused) != told:
            await ledger.execute(REPORT, (name, refused))
            told = refused


async def main() -> None:
    async with await AsyncConnection.connect(dsn, autocommit=True) as ledger:
        reporting = asyncio.create_task(report(ledger))
        await app.run()
        reporting.cancel()


if __name__ == "__main__":
    asyncio.run(main())
