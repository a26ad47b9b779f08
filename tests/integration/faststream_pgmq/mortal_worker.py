"""A worker that one message kills in the middle of its handler; takes a DSN and a kind."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Final

from pydantic import BaseModel

from faststream_pgmq import PgmqBroker, RetryPolicy

CULPRIT: Final = 0
MAX_LOST_DELIVERIES: Final = 5
KINDS: Final[dict[str, dict[str, Any]]] = {
    "batch": {"batch": True},
    "many workers": {"max_workers": 4},
}


class Job(BaseModel):
    n: int


def handle(jobs: list[Job] | Job) -> None:
    """Die as by SIGKILL: no `finally`, no stop, nothing is given back."""
    for job in jobs if isinstance(jobs, list) else [jobs]:
        if job.n == CULPRIT:
            os._exit(9)


async def main(dsn: str, kind: str) -> None:
    """Work until killed."""
    broker = PgmqBroker(dsn, logger=None)
    retry = RetryPolicy(max_lost_deliveries=MAX_LOST_DELIVERIES)
    subscribe = broker.subscriber("jobs", visibility_timeout=0.6, retry=retry, **KINDS[kind])
    subscribe(handle_batch if kind == "batch" else handle_one)
    await broker.start()
    await asyncio.Event().wait()


async def handle_batch(jobs: list[Job]) -> None:
    handle(jobs)


async def handle_one(job: Job) -> None:
    # Long enough for the other workers to have begun theirs.
    await asyncio.sleep(0.1)
    handle(job)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
