"""`faststream run`: several workers share a queue, stop in peace, and are reloaded."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from faststream_pgmq import PgmqBroker
from tests.integration.faststream_pgmq.support import eventually, fetch_all, is_drained

APP = Path(__file__).with_name("runner_app.py")
MESSAGES = 60


@pytest.fixture
async def done(sql: AsyncConnection[Any]) -> AsyncConnection[Any]:
    """The connection, with tables for what handlers did, and which processes are ready."""
    await sql.execute("CREATE TABLE done (n int, pid int, version int)")
    await sql.execute("CREATE TABLE ready (pid int)")
    return sql


@asynccontextmanager
async def running(
    folder: Path, dsn: str, *options: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """`faststream run` as a user would start it; nothing of it outlives the case."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "faststream", "run", "runner_app:app", *options,
        cwd=folder,
        env={**os.environ, "RUNNER_DSN": dsn},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def stop(process: asyncio.subprocess.Process) -> str:
    """Send what a deploy sends; return what the application printed."""
    process.send_signal(signal.SIGTERM)
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def pids(sql: AsyncConnection[Any]) -> list[int]:
    return await fetch_all(sql, "SELECT DISTINCT pid FROM done")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_workers_share_the_messages_and_a_sigterm_loses_none(
    broker: PgmqBroker, done: AsyncConnection[Any], dsn: str, tmp_path: Path
) -> None:
    shutil.copy(APP, tmp_path)
    await broker.connect()
    await broker.publish_batch(*({"n": n} for n in range(MESSAGES)), queue="jobs")
    # So that none works before both can.
    await broker.pause_queue("jobs")

    async def both_are_ready() -> bool:
        return await fetch_all(done, "SELECT count(*) FROM ready") == [2]

    async def both_work() -> bool:
        return len(await pids(done)) == 2

    async with running(tmp_path, dsn, "--workers", "2") as process:
        await eventually(both_are_ready, 60)
        await broker.resume_queue("jobs")
        await eventually(both_work, 30)
        assert not await is_drained(done)
        await stop(process)
        workers = await pids(done)
        assert not any(is_alive(pid) for pid in workers)

    # What they had claimed and not begun is back at once, and what they had begun is finished.
    waiting = "SELECT count(*) FROM pgmq.q_jobs WHERE vt <= now()"
    (left,) = await fetch_all(done, waiting)
    (finished,) = await fetch_all(done, "SELECT count(*) FROM done")
    assert (left + finished, left > 0) == (MESSAGES, True)

    async with running(tmp_path, dsn, "--workers", "2") as process:
        await eventually(lambda: is_drained(done), 30)
        await stop(process)
    assert await fetch_all(done, "SELECT n FROM done ORDER BY n") == list(range(MESSAGES))
    assert await fetch_all(done, "SELECT 1 FROM pgmq.q_jobs_dlq") == []
    results = "SELECT message::text::int FROM pgmq.q_results ORDER BY 1"
    assert await fetch_all(done, results) == list(range(MESSAGES))


async def test_one_worker_stops_on_sigint_too(
    broker: PgmqBroker, done: AsyncConnection[Any], dsn: str, tmp_path: Path
) -> None:
    shutil.copy(APP, tmp_path)
    await broker.connect()
    await broker.publish({"n": 1}, "jobs")
    async with running(tmp_path, dsn) as process:
        await eventually(lambda: pids(done), 30)
        await eventually(lambda: is_drained(done))
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_a_changed_file_reloads_the_workers(
    broker: PgmqBroker, done: AsyncConnection[Any], dsn: str, tmp_path: Path
) -> None:
    shutil.copy(APP, tmp_path)
    app = tmp_path / APP.name
    await broker.connect()

    async def done_by(version: int) -> bool:
        return bool(await fetch_all(done, "SELECT 1 FROM done WHERE version = %s", version))

    async with running(tmp_path, dsn, "--reload") as process:
        await broker.publish({"n": 1}, "jobs")
        await eventually(lambda: done_by(1), 30)
        app.write_text(app.read_text().replace("VERSION = 1", "VERSION = 2"))
        for n in range(2, 200):
            await broker.publish({"n": n}, "jobs")
            await asyncio.sleep(0.05)
            if await done_by(2):
                break
        assert await done_by(2)
        await eventually(lambda: is_drained(done))
        await stop(process)
    (lost,) = await fetch_all(done, "SELECT max(n) - count(DISTINCT n) FROM done")
    assert lost == 0
