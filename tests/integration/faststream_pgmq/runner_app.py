"""An application for `faststream run`: notes what it did, by which process; slow enough to meet."""

from __future__ import annotations

import asyncio
import os

from faststream import FastStream
from psycopg import AsyncConnection
from pydantic import BaseModel

from faststream_pgmq import PgmqBroker

DSN = os.environ["RUNNER_DSN"]
VERSION = 1

broker = PgmqBroker(DSN, poll_interval=3600)
app = FastStream(broker)


class Job(BaseModel):
    n: int


@app.after_startup
async def tell() -> None:
    """Say that this process is ready."""
    async with await AsyncConnection.connect(DSN, autocommit=True) as conn:
        await conn.execute("INSERT INTO ready (pid) VALUES (%s)", [os.getpid()])


@broker.subscriber("jobs", max_messages=4)
@broker.publisher("results")
async def note(job: Job) -> int:
    """Its effect is a row; a message that was lost has none, one that ran twice has two."""
    await asyncio.sleep(0.05)
    async with await AsyncConnection.connect(DSN, autocommit=True) as conn:
        values = (job.n, os.getpid(), VERSION)
        await conn.execute("INSERT INTO done (n, pid, version) VALUES (%s, %s, %s)", values)
    return job.n
