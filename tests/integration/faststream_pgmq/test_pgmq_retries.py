"""How long messages of one batch wait, when each asks for something else."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection

from faststream_pgmq import BatchError, PgmqBroker, Retry, RetryPolicy
from tests.integration.faststream_pgmq.support import eventually, fetch_all


async def test_delays_in_whole_seconds_and_in_parts_of_them_are_written_together(
    broker: PgmqBroker, sql: AsyncConnection[Any]
) -> None:
    @broker.subscriber(
        "jobs", batch=True, retry=RetryPolicy(initial_delay=1000.5, max_delay=2000, jitter=0)
    )
    async def handle(jobs: list[int]) -> None:
        raise BatchError({0: Retry(delay=600), 1: ValueError("by the policy")})

    await broker.connect()
    await broker.publish_batch(1, 2, queue="jobs")
    await broker.start()
    waits = """
        SELECT round(extract(epoch FROM vt - now()))::int FROM pgmq.q_jobs
        WHERE last_read_at IS NULL AND vt > now() ORDER BY msg_id
    """

    async def both_wait() -> list[Any] | None:
        found = await fetch_all(sql, waits)
        return found if len(found) == 2 else None

    first, second = await eventually(both_wait)
    assert 590 < first <= 600
    assert 990 < second <= 1001
