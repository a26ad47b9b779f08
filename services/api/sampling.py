"""Samples the queues all the time, in one of the API's processes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from uuid import uuid4

from psycopg import Error
from psycopg_pool import PoolTimeout

from services.api.beside import beside
from shared.postgres.queue_sampling import SamplingRules, take_sample
from shared.runtime import Pool

CONNECTION_SECONDS: Final = 5.0
log = logging.getLogger(__name__)


@asynccontextmanager
async def sampling(
    pool: Pool, interval_seconds: float, lease_seconds: float = 60.0
) -> AsyncGenerator[None]:
    """Sample meanwhile, unless the interval is 0."""
    if not interval_seconds:
        yield
        return
    slack = min(2.0, interval_seconds)
    rules = SamplingRules(uuid4(), interval_seconds, lease_seconds, slack_seconds=slack)
    async with beside(partial(sample_for_ever, pool, rules)):
        yield


async def sample_for_ever(pool: Pool, rules: SamplingRules) -> None:
    """Take a sample at each interval; a failed one is logged, and the next one may do better."""
    is_failing = False
    while True:
        try:
            async with pool.connection(timeout=CONNECTION_SECONDS) as conn:
                await take_sample(conn, rules)
            is_failing = False
        except (Error, PoolTimeout) as error:
            # Once: a database that is away for an hour must not fill the log.
            level = logging.DEBUG if is_failing else logging.WARNING
            log.log(level, "the queues cannot be sampled: %s: %s", type(error).__name__, error)
            is_failing = True
        await asyncio.sleep(rules.interval_seconds)
