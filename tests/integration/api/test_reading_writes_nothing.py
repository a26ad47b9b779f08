"""No GET writes anything, of the API and of the dashboard, but one that says so."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.dashboard.registry import ROOT
from services.api.dashboard.session import COOKIE
from shared.postgres.api_keys import SCOPES
from tests.integration.api.conftest import Client
from tests.integration.api.letters import client_with
from tests.integration.api.logging_in import logged_in
from tests.integration.api.queue_builders import sample_twice
from tests.integration.api.route_table import methods_of
from tests.integration.api.seeded import PROJECT, Seeded, seed
from tests.integration.api.serving import serving
from tests.integration.api.watched_pool import watched

Conn = AsyncConnection[TupleRow]
WRITES = {"/api/export": "who took all of a workspace's data with them is noted"}
QUERIES = {
    "/api/search": {"q": "cart"},
    "/api/search/memories": {"q": "cart"},
    f"{ROOT}/search": {"q": "cart"},
    f"{ROOT}/search/results.json": {"q": "cart"},
}
REDRIVE = f"{ROOT}/dead-letters/{{kind}}"
LEADING_ELSEWHERE = {"/", ROOT}


@pytest.fixture
async def admin(app: FastAPI, conn: Conn, workspace: str) -> AsyncIterator[Client]:
    async with client_with(app, conn, workspace, *SCOPES) as opened:
        yield opened


async def test_no_get_writes(
    app: FastAPI, admin: Client, conn: Conn, neo4j_driver: AsyncDriver
) -> None:
    seeded = await seed(admin.http, conn, neo4j_driver, admin.workspace_id)
    await sample_twice(conn)
    paths = {route.path for method, route in methods_of(app) if method == "GET"}
    async with logged_in(app, admin.key) as person, serving(app) as url:
        session = {**person.headers, "Cookie": f"{COOKIE}={person.cookies[COOKIE]}"}
        http = httpx.AsyncClient(base_url=url, headers=session, trust_env=False)
        async with http, watched(app):
            found = {path: await status_of(http, path, seeded) for path in sorted(paths)}
    wrong = {path: status for path, status in found.items() if status != expected(path)}
    assert not wrong, "\n".join(map(str, wrong.items()))
    assert WRITES.keys() <= paths


def expected(path: str) -> int:
    if path in WRITES:
        return 500  # Postgres refused it
    return 307 if path in LEADING_ELSEWHERE else 200


async def status_of(http: httpx.AsyncClient, path: str, seeded: Seeded) -> int:
    """Return how a route answers; of a stream without an end the first line is read."""
    params = QUERIES.get(path, {"kind": "memories"} if path in WRITES else {})
    if path == REDRIVE:
        params = {"queue": "memory_ingestion", "ids": str(seeded.letter)}
    async with http.stream("GET", address_of(path, seeded), params=params) as answer:
        if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            await anext(answer.aiter_lines())
        else:
            await answer.aread()
        return answer.status_code


def address_of(path: str, seeded: Seeded) -> str:
    """Return the address of what was seeded."""
    name, kind = "memory_ingestion", "memory"
    if "projects" in path:
        name = PROJECT
    if path.startswith("/problems"):
        name = "not-found"
    if path == REDRIVE:
        kind = "redrive"
    if "." in path:
        kind = "json"
    more = {"name": name, "kind": kind, "chart": "times"}
    return path.replace(":path", "").format_map({**seeded.names, **more})
