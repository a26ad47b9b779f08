"""A consumer and sender whose clock is wrong; takes a DSN and works until it is killed."""

from __future__ import annotations

import asyncio
import sys

from pydantic import BaseModel

from faststream_pgmq import PgmqBroker, RetryPolicy

LEASE_SECONDS = 1.0
DELAY_SECONDS = 1.0
FINE, LONG, FAILING, LATER = range(4)


class Job(BaseModel):
    n: int


async def main(dsn: str) -> None:
    """Send one job of each kind, and handle them."""
    broker = PgmqBroker(dsn, logger=None)
    retry = RetryPolicy(max_attempts=2, initial_delay=DELAY_SECONDS, jitter=0.0)

    @broker.subscriber("jobs", max_workers=4, visibility_timeout=LEASE_SECONDS, retry=retry)
    async def handle(job: Job) -> None:
        if job.n == LONG:
            await asyncio.sleep(2.5 * LEASE_SECONDS)
        if job.n == FAILING:
            raise RuntimeError("as it should")

    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in (FINE, LONG, FAILING)), queue="jobs")
    await broker.publish(Job(n=LATER), "jobs", delay=DELAY_SECONDS)
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
