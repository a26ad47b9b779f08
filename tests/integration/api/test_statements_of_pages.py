"""How many statements each page of the dashboard runs, in Postgres and in Neo4j together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from psycopg.types.json import Jsonb
from starlette.routing import BaseRoute

from services.api.dashboard.registry import ROOT, find_pages
from services.ingest.graph_writes import write_batch
from services.ingest.measuring import Measured
from tests.browser.seeds.traces import IMPORT, make_import
from tests.conftest import DELETE_WORKSPACE, Servers
from tests.integration.api.conftest import Client
from tests.integration.api.letters import file_letters
from tests.integration.api.logging_in import logged_in
from tests.integration.api.queue_builders import Conn, sample_twice
from tests.integration.api.watched_pool import watched, watched_graph
from tests.integration.graph.builders import code, memory

DEGREE = 5_000
MOST_NODES = 300
MOST_STATEMENTS = 3
QUERIES = {
    f"{ROOT}/search": "q=login",
    f"{ROOT}/search/results.json": "q=login",
    f"{ROOT}/graph": "q=login",
    f"{ROOT}/dead-letters/letters/newer": "since=2026-01-01T00:00Z",
    f"{ROOT}/dead-letters/{{kind}}": "queue=memory_ingestion",
}
PATTERN = str(uuid4())
NOTE: Any = """
MATCH (m:Memory {workspace_id: $workspace_id, id: $id})
CREATE (p:Pattern {workspace_id: $workspace_id, id: $pattern, type: 'debugging',
    name: 'debugging-session', project_name: 'shop', period: '2026-W19', period_type: 'week',
    confidence: 0.8, frequency: 3, metadata: '{"reason": "three memories"}',
    first_detected: datetime(), last_validated: datetime(), last_updated: datetime()})
CREATE (p)-[:DERIVED_FROM]->(m)
"""
HUB: Any = """
CREATE (c:CodeEntity {workspace_id: $workspace_id, id: 'hub', path: 'hub.py', content: 'x'})
WITH c UNWIND range(1, $degree) AS n
CREATE (m:Memory {workspace_id: $workspace_id, id: toString(n), content: 'memory ' + n,
                  occurred_at: datetime({epochSeconds: n})})
CREATE (c)-[:DISCUSSED_IN {detection_method: 'name_match'}]->(m)
"""


def reading_paths(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """Yield the paths of what is read, those of included routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            if "GET" in (route.methods or ()):
                yield route.path
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from reading_paths(included.routes)


@pytest.fixture
async def places(
    app: FastAPI, client: Client, conn: Conn, graph_server: Servers
) -> AsyncIterator[dict[str, str]]:
    """A workspace with one of everything, and what addresses call each."""
    driver, workspace = app.state.parts.shared.driver, client.workspace_id
    sent = await client.send_chunks({"chunkId": "a", "content": "text"}, projectName="shop")
    [letter] = await file_letters(conn, workspace)
    started = await client.post(
        "/api/dead-letters/redrive",
        {"queue": "memory_ingestion", "ids": [letter], "reason": "x", "rate": 0.001},
    )
    [left] = await file_letters(conn, workspace)
    await conn.execute("SELECT save_spans(%s)", (Jsonb(make_import(workspace, messages=1)),))
    await sample_twice(conn)
    said = memory(workspace)
    await write_batch(driver, Measured([said], [code(workspace, "login.py")]))
    known = {"workspace_id": workspace, "id": str(said.entity.id), "pattern": PATTERN}
    await driver.execute_query(NOTE, known)
    yield {
        "job_id": sent.json()["jobId"],
        "operation_id": started.json()["id"],
        "queue": "memory_ingestion",
        "letter_id": str(left),
        "trace_id": IMPORT,
        "pattern_id": PATTERN,
        "kind": "memory",
        "entity_id": known["id"],
        "node_id:path": known["id"],
        "name:path": "shop",
        "name": "memory_ingestion",
        "chart": "times",
    }
    await driver.execute_query(DELETE_WORKSPACE, workspace_id=workspace)


def write_address(route: str, places: dict[str, str]) -> str:
    """Return a route's address; one with a parameter that nobody seeded fails."""
    path = route.replace(".{kind}", ".csv").replace("letters/{kind}", "letters/redrive")
    for name, value in places.items():
        path = path.replace(f"{{{name}}}", value)
    assert "{" not in path, f"{route}: seed what it shows"
    return f"{path}?{QUERIES.get(route, '')}".removesuffix("?")


async def test_no_page_runs_more_than_three_statements(
    app: FastAPI, client: Client, places: dict[str, str]
) -> None:
    routes = [path for found in find_pages() for path in reading_paths(found.router.routes)]
    asked: dict[str, list[str]] = {}
    async with logged_in(app, client.key) as http:
        for route in routes:
            async with watched(app) as rows:
                with watched_graph() as nodes:
                    answer = await http.get(write_address(route, places))
            assert answer.status_code == 200, (route, answer.text)
            asked[route] = [one for one in rows if "supastate.workspaces" not in one] + nodes
    too_many = {
        route: statements
        for route, statements in asked.items()
        if len(statements) > MOST_STATEMENTS
    }
    assert {route: len(statements) for route, statements in too_many.items()} == {}
    assert len(asked) > 35
    assert all(asked[f"{ROOT}/{page}"] for page in ("jobs", "patterns", "projects", "search"))


async def test_a_hub_of_5000_neighbours_is_drawn_with_at_most_300_nodes(
    app: FastAPI, client: Client, graph_server: Servers
) -> None:
    driver, scope = app.state.parts.shared.driver, {"workspace_id": client.workspace_id}
    await driver.execute_query(HUB, scope, degree=DEGREE)
    async with logged_in(app, client.key) as http:
        page = await http.get(f"{ROOT}/graph/code/hub")
        drawn = (await http.get(f"{ROOT}/graph/data/code/hub")).json()
    await driver.execute_query(DELETE_WORKSPACE, scope)

    assert 1 < page.text.count("data-node=") <= MOST_NODES
    assert 1 < 1 + len(drawn["neighbours"]) <= MOST_NODES
    assert f"+{DEGREE - len(drawn['neighbours']):,} more" in page.text
