"""The page Overview tells what this process of the API cannot reach, and who did what."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import cast

import httpx
from fastapi import FastAPI

from services.api.parts import ApiParts
from shared.graph.driver import connect
from shared.postgres.queue_sampling import take_sample
from tests.integration.api.conftest import Client
from tests.integration.api.letters import file_letters
from tests.integration.api.logging_in import logged_in
from tests.integration.api.queue_builders import EAGER, Conn

OVERVIEW = "/dashboard/overview"
DEAD_END = "bolt://127.0.0.1:9"
NEO4J_IS_DOWN = "Neo4j does not answer"
LISTEN_IS_DOWN = "LISTEN is down"


async def test_before_the_first_sample_the_page_says_so(app: FastAPI, client: Client) -> None:
    async with logged_in(app, client.key) as http:
        page = (await http.get(OVERVIEW)).text

    assert "have not been sampled yet" in page
    assert "No figures yet" in page


async def test_servers_that_do_not_answer_are_named(
    app: FastAPI, client: Client, conn: Conn
) -> None:
    assert await take_sample(conn, EAGER)
    parts = cast(ApiParts, app.state.parts)
    async with logged_in(app, client.key) as http:
        await until_shown(http, "has no consumers")
        assert NEO4J_IS_DOWN not in (await http.get(OVERVIEW)).text
        parts.live.tell_connection(is_up=False)
        async with connect(DEAD_END, "neo4j", "x") as dead:
            app.state.parts = replace(parts, shared=replace(parts.shared, driver=dead))
            await until_shown(http, NEO4J_IS_DOWN)
            assert LISTEN_IS_DOWN in (await http.get(OVERVIEW)).text
            app.state.parts = parts


async def until_shown(http: httpx.AsyncClient, text: str) -> None:
    async with asyncio.timeout(10):
        while True:
            if text in (await http.get(OVERVIEW)).text:
                return
            await asyncio.sleep(0.05)


async def test_a_worker_without_heartbeat_and_the_release_are_told_by_page_and_api(
    app: FastAPI, client: Client, conn: Conn
) -> None:
    await conn.execute("SELECT set_config('supastate.release', '1.4.2+g1', false)")
    assert await take_sample(conn, EAGER)
    await conn.execute("UPDATE queue_samples SET silent = 3 WHERE queue = 'memory_ingestion'")
    answer = (await client.get("/api/queues")).json()
    async with logged_in(app, client.key) as http:
        page = (await http.get(OVERVIEW)).text

    (problem,) = [one for one in answer["problems"] if one["kind"] == "silent"]
    said = "3 messages of memory_ingestion are held by a worker that gives no heartbeat"
    assert problem["text"].startswith(said)
    assert problem["text"] in page
    assert "Release <strong>1.4.2+g1</strong> of the API since <time" in page
    assert answer["release"]["name"] == "1.4.2+g1"


async def test_actions_of_other_workspaces_are_not_shown(
    app: FastAPI, client: Client, other_client: Client
) -> None:
    await other_client.post("/api/queues/memory_ingestion/pause", {"reason": "of the others"})
    await client.post("/api/queues/memory_ingestion/resume", {})
    async with logged_in(app, client.key) as http:
        page = (await http.get(OVERVIEW)).text

    assert "queue.resume" in page
    assert "of the others" not in page


async def test_what_failed_for_the_first_time_is_told_to_its_workspace(
    app: FastAPI, client: Client, other_client: Client, conn: Conn
) -> None:
    await file_letters(conn, client.workspace_id, 3, error="NewError", message="<b>broken</b>")
    await file_letters(conn, client.workspace_id, error="OldError", ago="3 days")
    await file_letters(conn, other_client.workspace_id, error="TheirError")
    async with logged_in(app, client.key) as http:
        page = (await http.get(OVERVIEW)).text

    assert "memory_ingestion failed 3 times of NewError: &lt;b&gt;broken" in page
    assert "/dashboard/dead-letters/letters?group=" in page
    assert "OldError" not in page
    assert "TheirError" not in page
