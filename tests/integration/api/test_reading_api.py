"""Search, patterns and summaries, of the caller's workspace only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from cli.api_client import ApiClient
from cli.connection import ApiAddress
from cli.views.summaries import find_summaries, read_summaries
from services.api.parts import ApiParts
from services.api.value_cursors import write_values
from tests.conftest import DELETE_WORKSPACE
from tests.integration.api.conftest import Client
from tests.integration.api.serving import serving

Conn = AsyncConnection[TupleRow]
CREATE_MEMORY = """
CREATE (m:Memory {id: randomUUID(), workspace_id: $workspace_id, chunk_id: $chunk_id,
    content: $content, metadata: $metadata, session_id: 's1', project_name: $project_name,
    embedding: $embedding, occurred_at: datetime('2026-01-31T09:30:00Z')})
CREATE (m)<-[:SUMMARIZES]-(:EntitySummary {id: 'memory:' + m.id, entity_id: m.id,
    entity_type: 'memory', workspace_id: $workspace_id, project_name: $project_name,
    embedding: $embedding, occurred_at: m.occurred_at})
"""
CREATE_PATTERN = """
CREATE (p:Pattern {id: randomUUID(), workspace_id: $workspace_id, type: $type, name: $name,
    project_name: $project_name, period: '2026-01-31', period_type: 'day',
    confidence: $confidence, frequency: 7, metadata: '{}', first_detected: datetime(),
    last_validated: datetime(), last_updated: datetime()})
CREATE (m:Memory {id: randomUUID(), workspace_id: $workspace_id, chunk_id: randomUUID(),
    content: $content, session_id: 's1', occurred_at: datetime('2026-01-31T09:30:00Z')})
CREATE (p)-[:DERIVED_FROM]->(m)
"""


@pytest.fixture(autouse=True)
async def clean_graph(client: Client, neo4j_driver: AsyncDriver) -> AsyncIterator[None]:
    """All tests share one graph: what this one wrote is deleted."""
    yield
    await neo4j_driver.execute_query(DELETE_WORKSPACE, workspace_id=client.workspace_id)


async def remember(
    app: FastAPI, driver: AsyncDriver, workspace_id: str, content: str, project: str = "engine"
) -> None:
    parts: ApiParts = app.state.parts
    (embedding,) = await parts.shared.embedder.embed([content])
    await driver.execute_query(
        CREATE_MEMORY,
        workspace_id=workspace_id,
        chunk_id=content[:5],
        content=content,
        metadata=json.dumps({"topics": ["a"]}),
        project_name=project,
        embedding=embedding,
    )


async def note_pattern(driver: AsyncDriver, workspace_id: str, **changes: Any) -> None:
    values = {
        "type": "debugging",
        "name": "debugging-session",
        "project_name": "engine",
        "confidence": 0.8,
        "content": "the parser crashes with an error on empty input",
    }
    await driver.execute_query(CREATE_PATTERN, {**values, **changes, "workspace_id": workspace_id})


async def found(client: Client, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/search/memories", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def test_search_returns_the_nearest_memories_first(
    app: FastAPI, client: Client, neo4j_driver: AsyncDriver
) -> None:
    for content in ("parser crashes on empty input", "deploy the website to production"):
        await remember(app, neo4j_driver, client.workspace_id, content)
    await neo4j_driver.execute_query("CALL db.awaitIndexes(60)")

    results = await found(client, q="why does the parser crash?")

    assert [one["content"].split()[0] for one in results] == ["parser", "deploy"]
    first = results[0]
    assert first["similarity"] > results[1]["similarity"]
    assert (first["chunkId"], first["sessionId"], first["projectName"]) == ("parse", "s1", "engine")
    assert first["metadata"] == {"topics": ["a"]}


async def test_search_is_limited_and_filtered_by_project(
    app: FastAPI, client: Client, neo4j_driver: AsyncDriver
) -> None:
    for number in range(4):
        project = "motor" if number == 3 else "engine"
        content = f"{number} parser crashes on empty input"
        await remember(app, neo4j_driver, client.workspace_id, content, project)

    assert len(await found(client, q="parser", limit=2)) == 2
    assert [one["chunkId"] for one in await found(client, q="parser", project="motor")] == ["3 par"]
    assert await found(client, q="parser", project="unknown") == []


async def test_search_never_leaves_the_workspace(
    app: FastAPI, client: Client, other_client: Client, neo4j_driver: AsyncDriver
) -> None:
    await remember(app, neo4j_driver, client.workspace_id, "parser crashes on empty input")

    assert await found(other_client, q="parser crashes on empty input") == []


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "q"),
        ({"q": ""}, "q"),
        ({"q": "x" * 1001}, "q"),
        ({"q": "a\x00"}, "q"),
        ({"q": "x", "limit": 0}, "limit"),
        ({"q": "x", "limit": "many"}, "limit"),
        ({"q": "x", "project": "\x00"}, "project"),
    ],
)
async def test_a_wrong_search_is_refused_with_its_field(
    client: Client, params: dict[str, Any], field: str
) -> None:
    answer = await client.get("/api/search/memories", **params)

    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["details"]] == [field]


async def test_patterns_are_listed_with_their_evidence(
    client: Client, other_client: Client, neo4j_driver: AsyncDriver
) -> None:
    await note_pattern(neo4j_driver, client.workspace_id)
    await note_pattern(neo4j_driver, client.workspace_id, type="learning", confidence=0.3)

    listed = (await client.get("/api/patterns")).json()
    sure = (await client.get("/api/patterns", minConfidence=0.5)).json()["patterns"]
    learning = (await client.get("/api/patterns", type="learning")).json()["patterns"]
    others = (await other_client.get("/api/patterns")).json()

    assert listed["count"] == 2
    assert [(one["type"], one["frequency"]) for one in sure] == [("debugging", 7)]
    assert sure[0]["evidence"][0]["excerpt"].startswith("the parser crashes")
    assert [one["type"] for one in learning] == ["learning"]
    assert (others["patterns"], others["count"]) == ([], 0)


async def test_an_unknown_pattern_type_is_refused(client: Client) -> None:
    answer = await client.get("/api/patterns", type="debuging")

    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "type[0]"


async def test_patterns_are_searched_by_their_words(
    client: Client, neo4j_driver: AsyncDriver
) -> None:
    await note_pattern(neo4j_driver, client.workspace_id)
    await note_pattern(
        neo4j_driver,
        client.workspace_id,
        type="learning",
        name="research-session",
        content="read about vector indexes and embeddings",
    )

    answer = await client.post("/api/patterns/search", {"query": "learning about embeddings"})

    assert answer.status_code == 200
    assert [one["type"] for one in answer.json()["patterns"]] == ["learning", "debugging"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": ""},
        {"query": "a\x00"},
        {"query": "x", "minConfidence": 2},
        {"query": "x", "limit": 0},
        {"query": "x", "patternTypes": ["other"]},
    ],
)
async def test_a_wrong_pattern_search_is_refused(client: Client, body: dict[str, Any]) -> None:
    assert (await client.post("/api/patterns/search", body)).status_code == 400


async def test_searching_another_workspaces_patterns_is_forbidden(client: Client) -> None:
    body = {"query": "x", "workspaceId": f"team:{uuid4()}"}

    assert (await client.post("/api/patterns/search", body)).status_code == 403


async def test_all_summaries_of_one_moment_are_found_page_by_page(
    app: FastAPI, client: Client, conn: Conn
) -> None:
    await conn.execute(
        """INSERT INTO project_summaries (workspace_id, project_name, summary, model,
                                          memories_included, last_memory_timestamp, updated_at)
           SELECT %s, 'p_' || n, 'It parses.', 'extractive', 3, now(), '2026-01-05Z'
           FROM generate_series(1, 101) AS n""",
        (client.workspace_id,),
    )
    async with serving(app) as url:
        with ApiClient(ApiAddress(url, client.key)) as api:
            found = read_summaries(await asyncio.to_thread(find_summaries, api))

    assert {one.project_name for one in found} == {f"p_{n}" for n in range(1, 102)}
    assert len(found) == 101
    assert len((await client.get("/api/summaries")).json()["summaries"]) == 100
    for nonsense in ("nonsense", write_values("2026-01-05T12:00:00", "p"), write_values("x")):
        assert (await client.get("/api/summaries", after=nonsense)).status_code == 400


async def test_summaries_are_listed_by_project(
    client: Client, other_client: Client, conn: Conn
) -> None:
    for project in ("engine", "motor"):
        await conn.execute(
            """INSERT INTO project_summaries (workspace_id, project_name, summary, model,
                                              memories_included, last_memory_timestamp)
               VALUES (%s, %s, 'It parses.', 'extractive', 3, now())""",
            [client.workspace_id, project],
        )

    everything = (await client.get("/api/summaries")).json()
    one = (await client.get("/api/summaries", project="motor")).json()

    assert everything["count"] == 2
    assert [(found["projectName"], found["summary"]) for found in one["summaries"]] == [
        ("motor", "It parses.")
    ]
    assert (await other_client.get("/api/summaries")).json()["count"] == 0
