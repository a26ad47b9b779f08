"""A consumer whose clock is a day off: leases, delays and retries go by the server's clock."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.integration.faststream_pgmq.skewed_worker import (
    DELAY_SECONDS,
    FAILING,
    FINE,
    LATER,
    LONG,
)
from tests.integration.faststream_pgmq.support import (
    dead_letters,
    eventually,
    fetch_all,
    is_drained,
)

WORKER = Path(__file__).with_name("skewed_worker.py")
DONE = """
    SELECT (message->>'n')::int, read_ct, extract(epoch FROM archived_at - enqueued_at)::float8
    FROM pgmq.a_jobs ORDER BY 1
"""
FAILED_SECONDS_AGO = """
    SELECT extract(epoch FROM now() - (headers->'dead_letter'->>'failed_at')::timestamptz)::float8
    FROM pgmq.q_jobs_dlq
"""


@pytest.fixture(params=["-1d", "+1d"])
async def worker(request: pytest.FixtureRequest, dsn: str) -> AsyncIterator[None]:
    faketime = shutil.which("faketime")
    if faketime is None:
        pytest.skip("nothing can change a process's clock here: apt-get install faketime")
    process = await asyncio.create_subprocess_exec(
        *(faketime, "-f", str(request.param), sys.executable, WORKER, dsn),
        env={**os.environ, "FAKETIME_DONT_FAKE_MONOTONIC": "1"},
        start_new_session=True,
    )
    yield
    os.killpg(process.pid, signal.SIGKILL)  # faketime and what it started
    await process.wait()


@pytest.mark.usefixtures("worker")
async def test_a_wrong_clock_of_a_consumer_changes_nothing(sql: AsyncConnection[Any]) -> None:
    async def is_done() -> bool:
        return len(await dead_letters(sql)) == 1 and await is_drained(sql)

    await eventually(is_done, 20)
    done = {n: (read_ct, seconds) for n, read_ct, seconds in await fetch_all(sql, DONE)}
    # Each was delivered once: the lease of the long one was extended, not lost.
    assert {n: read_ct for n, (read_ct, _) in done.items()} == {FINE: 1, LONG: 1, LATER: 1}
    assert DELAY_SECONDS <= done[LATER][1] < DELAY_SECONDS + 5
    ((message, headers),) = await dead_letters(sql)
    assert (message["n"], headers["attempts"]) == (FAILING, 2)
    assert 0 <= (await fetch_all(sql, FAILED_SECONDS_AGO))[0] < 30
