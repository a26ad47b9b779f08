"""`supastate jobs` against a real API: it shows, watches and cancels."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.app import end_streams
from tests.integration.api.conftest import Client
from tests.integration.api.serving import serving
from tests.integration.api.test_job_states import start_job
from tests.integration.api.working import Worker

SUPASTATE = Path(sys.executable).with_name("supastate")
Conn = AsyncConnection[TupleRow]


class CommandLine:
    """Runs `supastate` with a key of the API."""

    def __init__(self, url: str, key: str, home: Path) -> None:
        self._environment = dict(os.environ) | {
            "SUPASTATE_HOME": str(home),
            "SUPASTATE_API_URL": url,
            "SUPASTATE_API_KEY": key,
        }

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            SUPASTATE,
            *arguments,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str) -> str:
        process = await self.start(*arguments)
        stdout, stderr = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, stderr.decode()
        return stdout.decode()


@pytest.fixture
async def command(app: FastAPI, client: Client, tmp_path: Path) -> AsyncIterator[CommandLine]:
    async with serving(app) as url:
        yield CommandLine(url, client.key, tmp_path)
        end_streams(app)


async def test_a_job_is_found_watched_and_cancelled(
    command: CommandLine,
    client: Client,
    conn: Conn,
) -> None:
    job_id = await start_job(client, 2)
    watching = await command.start("jobs", job_id, "--watch", "--json")
    assert watching.stdout is not None
    first = json.loads(await asyncio.wait_for(watching.stdout.readline(), 60))
    worker = Worker(conn)
    (one,) = await worker.take(1)
    await worker.succeed(one)

    assert "Cancelled 1 messages." in await command.run("jobs", "cancel", job_id, "--reason", "x")

    rest, _ = await asyncio.wait_for(watching.communicate(), 60)
    last = json.loads(rest.decode().splitlines()[-1])
    assert (first["state"], last["state"]) == ("waiting", "cancelled")
    assert job_id in await command.run("jobs", "--state", "cancelled", "--search", "type:memory")
    assert "cancelled" in await command.run("jobs", job_id)
