"""`supastate dlq` against a real API: what a person reads, and what is really moved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from typer.testing import CliRunner, Result

from cli.main import app as supastate
from shared.postgres.audit import list_entries
from tests.integration.api.conftest import Client
from tests.integration.api.letters import count_letters, file_letters
from tests.integration.api.serving import serving

Conn = AsyncConnection[TupleRow]
Run = Callable[..., Awaitable[Result]]
QUEUE = "memory_ingestion"


@pytest.fixture
async def run(app: FastAPI, client: Client) -> AsyncIterator[Run]:
    """Runs the command as its user does; `answers` is what they type."""
    async with serving(app) as url:
        names = {"SUPASTATE_API_URL": url, "SUPASTATE_API_KEY": client.key, "COLUMNS": "200"}
        runner = CliRunner(env=names)

        async def run(*arguments: str, answers: str = "") -> Result:
            return await asyncio.to_thread(
                runner.invoke, supastate, ["dlq", *arguments], input=answers
            )

        yield run


async def test_a_group_is_found_looked_into_and_redriven(
    run: Run, client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, 3, message="the model 'm1' is away")
    await file_letters(conn, client.workspace_id, 1, error="KeyError")
    [group] = [
        one
        for one in json.loads((await run("groups", "--json")).stdout)["groups"]
        if one["count"] > 1
    ]
    listed = json.loads((await run("list", "--group", group["fingerprint"], "--json")).stdout)
    shown = await run("show", QUEUE, str(listed["letters"][0]["id"]))

    redriven = await run(
        "redrive", QUEUE, "--group", group["fingerprint"], "--reason", "m1 is back", answers="y\n"
    )

    assert "the model <text> is away" in (await run("groups")).stdout + group["title"]
    assert "services/ingest/handlers.py:31 in ingest" in shown.stdout
    assert "redrive 3 dead letters?" in redriven.stderr
    assert "3/3" in redriven.stdout
    assert await count_letters(conn) == (3, 1)
    [entry] = await list_entries(conn, client.workspace_id, limit=5)
    assert (entry.reason, entry.count) == ("m1 is back", 3)
    assert "m1 is back" in (await run("operations")).stdout


async def test_above_a_hundred_the_number_must_be_typed(
    run: Run, client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, 101)
    discard = ("discard", QUEUE, "--all", "--reason", "old")

    hasty = await run(*discard, answers="y\n")
    assert (hasty.exit_code, await count_letters(conn)) == (1, (0, 101))
    tried = await run(*discard, "--dry-run")
    assert ("101 dead letters" in tried.stdout, await count_letters(conn)) == (True, (0, 101))
    careful = await run(*discard, answers="101\n")

    assert careful.exit_code == 0, careful.output
    assert await count_letters(conn) == (0, 0)


async def test_an_operation_is_left_running_and_cancelled(
    run: Run, client: Client, conn: Conn
) -> None:
    ids = await file_letters(conn, client.workspace_id, 5)
    slow = ("--rate", "0.1", "--no-wait", "--yes", "--reason", "x", "--json")

    started = json.loads((await run("redrive", QUEUE, *map(str, ids), *slow)).stdout)
    cancelled = json.loads((await run("cancel", started["id"], "--json")).stdout)

    assert (started["total"], cancelled["state"]) == (5, "cancelled")
    assert cancelled["done"] + cancelled["left"] == 5


WRONG = [
    (("redrive", QUEUE, "--reason", "x"), "say which"),
    (("redrive", QUEUE, "1", "--all", "--reason", "x"), "say which"),
    (("list", "--since", "yesterday"), "is no time"),
    (("show", QUEUE, "1"), "no such dead letter"),
    (("redrive", QUEUE, "1", "--yes", "--reason", "x"), "no such dead letters"),
    (("list", "--queue", "other"), "queue"),
]


async def test_what_cannot_be_is_explained(run: Run) -> None:
    for arguments, said in WRONG:
        result = await run(*arguments)
        assert result.exit_code in (1, 2), arguments
        assert said in result.stderr, arguments
        assert "Traceback" not in result.output
