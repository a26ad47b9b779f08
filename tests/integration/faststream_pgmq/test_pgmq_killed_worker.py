"""A message that really kills its process, again and again."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker
from tests.integration.faststream_pgmq.mortal_worker import CULPRIT, KINDS, MAX_LOST_DELIVERIES
from tests.integration.faststream_pgmq.support import (
    Job,
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
)

WORKER = Path(__file__).with_name("mortal_worker.py")
KILLED = 9


async def _run_until_killed_or_done(dsn: str, kind: str, sql: AsyncConnection[Any]) -> int | None:
    worker = await asyncio.create_subprocess_exec(sys.executable, WORKER, dsn, kind)

    async def is_over() -> bool:
        return worker.returncode is not None or await is_drained(sql)

    try:
        await eventually(is_over, 30)
        return worker.returncode
    finally:
        await _end(worker)


async def _end(worker: Process) -> None:
    with suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()


@pytest.mark.parametrize("kind", KINDS)
async def test_only_the_message_that_kills_its_worker_becomes_a_dead_letter(
    broker: PgmqBroker, sql: AsyncConnection[Any], dsn: str, kind: str
) -> None:
    await broker.connect()
    await broker.publish_batch(*(Job(n=n) for n in range(6)), queue="jobs")
    kills = 0
    while not await is_drained(sql):
        kills += await _run_until_killed_or_done(dsn, kind, sql) == KILLED

    assert kills == MAX_LOST_DELIVERIES + 1
    assert [message["n"] for message, _ in await dead_letters(sql)] == [CULPRIT]
    done = await fetch_all(sql, "SELECT (message->'n')::int FROM pgmq.a_jobs ORDER BY 1")
    assert done == [1, 2, 3, 4, 5]
