"""A batch of messages ends in the graph, once, whatever is in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from neo4j import AsyncDriver
from psycopg_pool import AsyncConnectionPool

from services.ingest.handlers import ingest
from shared.embedding import Embedder
from shared.errors import DeadLetterError, DependencyDownError
from shared.graph.driver import connect
from shared.messages import DetectPatterns, IngestCode, IngestMemory, SummarizeProject
from tests.integration.ingest.conftest import USER, Conn, Handle, store_code, store_memory

GITHUB_TOKEN = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
CONTENTS = """
MATCH (s:EntitySummary)-[:SUMMARIZES]->(m:Memory {workspace_id: $workspace})
RETURN m.content AS content ORDER BY content
"""

INCOMPRESSIBLE = "".join(chr(0x4E00 + n * 7919 % 20000) for n in range(2000))
"""Postgres compresses an id before it finds it too long for its index; not this one."""


async def contents(driver: AsyncDriver, workspace: str) -> list[str]:
    """Return what the workspace's memories say."""
    records, _, _ = await driver.execute_query(CONTENTS, workspace=workspace)
    return [record["content"] for record in records]


async def test_a_stored_memory_reaches_the_graph_and_asks_for_detection_and_a_summary(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    outcome = await handle([await store_memory(conn, workspace, content="hello")])

    assert await contents(neo4j_driver, workspace) == ["hello"]
    assert outcome.errors == {}
    [detection], [summary] = outcome.detections, outcome.summaries
    assert isinstance(detection.body, DetectPatterns)
    assert detection.body.workspace_id == workspace
    assert detection.caused_by == (0,)
    assert isinstance(summary.body, SummarizeProject)
    assert summary.body.project_name == "shop"


async def test_postgres_holds_the_truth_not_the_message(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    early = await store_memory(conn, workspace, content="first")
    late = await store_memory(conn, workspace, content="second", key=early.memory_id)
    for batch in ([late], [early], [early, late, early]):
        outcome = await handle(batch)
        assert outcome.errors == {}

    assert await contents(neo4j_driver, workspace) == ["second"]


async def test_a_batch_asks_once_for_each_workspace_and_project(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    other = f"user:{uuid4()}"
    jobs = [
        await store_memory(conn, workspace),
        await store_memory(conn, other),
        await store_memory(conn, workspace, project_name="tools"),
        await store_memory(conn, workspace),
        await store_code(conn, workspace, "a.py", "def f(): ..."),
    ]
    try:
        outcome = await handle(jobs)
    finally:
        await neo4j_driver.execute_query("MATCH (n {workspace_id: $w}) DETACH DELETE n", w=other)

    causes = {reply.body.workspace_id: reply.caused_by for reply in outcome.detections}
    assert causes == {workspace: (0, 2, 3, 4), other: (1,)}
    projects = {
        (reply.body.workspace_id, reply.body.project_name): reply.caused_by
        for reply in outcome.summaries
    }
    assert projects == {
        (workspace, "shop"): (0, 3),
        (other, "shop"): (1,),
        (workspace, "tools"): (2,),
    }


async def test_a_message_that_an_old_client_sent_without_a_row_is_stored_first(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    job = IngestMemory(
        user_id=USER,
        workspace_id=workspace,
        memory_id=uuid4(),
        content="sent by pgmq.send",
        metadata={"sessionId": "s9", "projectName": "shop"},
    )
    outcome = await handle([job, job])

    assert outcome.errors == {}
    assert await contents(neo4j_driver, workspace) == ["sent by pgmq.send"]
    rows = await (await conn.execute("SELECT id, content, session_id FROM memories")).fetchall()
    assert rows == [(job.memory_id, "sent by pgmq.send", "s9")]


async def test_bad_messages_fail_alone_and_say_why(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    good = [await store_memory(conn, workspace, content=f"good {i}") for i in range(9)]
    strange = await store_memory(conn, f"team:{uuid4()}")
    jobs = [
        *good[:4],
        IngestCode(user_id=USER, workspace_id=workspace, code_entity_id=uuid4()),
        strange.model_copy(update={"workspace_id": workspace}),
        good[0].model_copy(update={"memory_id": uuid4(), "content": "a \0 character"}),
        good[0].model_copy(update={"memory_id": uuid4(), "metadata": {"chunkId": INCOMPRESSIBLE}}),
        await store_memory(conn, workspace, content="too long", session_id="s" * 40_000),
        *good[4:],
    ]
    outcome = await handle(jobs)

    assert await contents(neo4j_driver, workspace) == [f"good {i}" for i in range(9)]
    assert sorted(outcome.errors) == [4, 5, 6, 7, 8]
    assert all(isinstance(outcome.errors[index], DeadLetterError) for index in (4, 5, 6, 7))
    assert "is not stored" in str(outcome.errors[4])
    assert "does not belong to workspace" in str(outcome.errors[5])
    assert "too large to index" in str(outcome.errors[8])
    assert outcome.detections[0].caused_by == (0, 1, 2, 3, 9, 10, 11, 12, 13)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metadata": {"chunkId": "c" * 513}}, "513 characters; the limit is 512"),
        ({"metadata": {"projectName": "p" * 256}}, "256 characters; the limit is 255"),
        ({"metadata": {"chunkId": {"no": INCOMPRESSIBLE}}}, "index row size"),
        ({"content": "a" * 262_145}, "the limit is 262144"),
    ],
)
async def test_an_unstored_memory_that_is_too_long_fails_alone(
    conn: Conn, handle: Handle, workspace: str, changes: dict[str, Any], reason: str
) -> None:
    good = await store_memory(conn, workspace)
    bad = good.model_copy(update={"memory_id": uuid4(), **changes})
    later = good.model_copy(update={"memory_id": uuid4(), "content": "sent after it"})

    outcome = await handle([good, bad, later])

    assert list(outcome.errors) == [1]
    assert isinstance(outcome.errors[1], DeadLetterError)
    assert reason in str(outcome.errors[1])
    rows = await (await conn.execute("SELECT id FROM memories")).fetchall()
    assert {row[0] for row in rows} == {good.memory_id, later.memory_id}


@pytest.mark.parametrize("sent", [1_767_225_600, 1_767_225_600_000, "2026-01-01T00:00:00"])
async def test_an_unstored_memory_happened_when_the_api_would_say(
    conn: Conn, handle: Handle, workspace: str, sent: Any
) -> None:
    metadata = {"startTime": sent, "sessionId": 9}
    job = IngestMemory(
        user_id=USER,
        workspace_id=workspace,
        memory_id=uuid4(),
        content="hello",
        metadata=metadata,
    )
    outcome = await handle([job])

    assert outcome.errors == {}
    rows = await (await conn.execute("SELECT occurred_at, session_id FROM memories")).fetchall()
    assert rows == [(datetime(2026, 1, 1, tzinfo=UTC), "9")]


async def test_a_secret_that_came_by_sql_does_not_reach_the_graph(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    secret = f"export GITHUB_TOKEN={GITHUB_TOKEN}"
    jobs = [
        await store_memory(conn, workspace, content=secret, metadata={"calls": [secret]}),
        await store_code(conn, workspace, "a.py", f'def f():\n    return "{GITHUB_TOKEN}"\n'),
    ]
    outcome = await handle(jobs)

    assert outcome.errors == {}
    records, _, _ = await neo4j_driver.execute_query(
        "MATCH (n {workspace_id: $w}) RETURN properties(n) AS properties", w=workspace
    )
    written = repr([record["properties"] for record in records])
    assert GITHUB_TOKEN not in written
    assert written.count("[redacted:github-token]") >= 3


async def test_code_and_a_memory_of_it_in_one_batch_are_linked(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    paths = {"filePaths": ["shop/prices.py"]}
    outcome = await handle(
        [
            await store_memory(conn, workspace, content="parse_price is slow", metadata=paths),
            await store_code(
                conn, workspace, "shop/prices.py", "import os\ndef parse_price(): ..."
            ),
        ]
    )
    records, _, _ = await neo4j_driver.execute_query(
        """MATCH (:Memory {workspace_id: $workspace})-[r:REFERENCES_CODE]->(c:CodeEntity)
        MATCH (c)-[:HAS_SUMMARY]->(s) MATCH (c)-[:DEFINES_FUNCTION]->(f)
        RETURN r.detection_method AS method, s.id = 'code:' + c.id AS own, s.function_count AS n,
               f.name AS name ORDER BY method""",
        workspace=workspace,
    )
    assert outcome.errors == {}
    assert [tuple(record.values()) for record in records] == [
        ("name_match", True, 1, "parse_price"),
        ("tool_path", True, 1, "parse_price"),
    ]


async def test_a_graph_that_is_down_blames_no_message(
    conn: Conn, pool: AsyncConnectionPool[Conn], embedder: Embedder, workspace: str
) -> None:
    job = await store_memory(conn, workspace)
    async with connect("bolt://127.0.0.1:1", "neo4j", "nothing") as nowhere:
        with pytest.raises(DependencyDownError, match="Neo4j"):
            await ingest([job], pool=pool, embedder=embedder, driver=nowhere)


async def test_an_empty_batch_does_nothing(handle: Handle) -> None:
    outcome = await handle([])

    assert (outcome.detections, outcome.summaries, outcome.errors) == ([], [], {})


async def test_a_secret_sent_by_plain_sql_reaches_neither_the_graph_nor_the_row_we_store(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    stored = await store_memory(conn, workspace, content=f"token {secret}")
    unstored = stored.model_copy(update={"memory_id": uuid4(), "metadata": {"note": secret}})
    await handle([stored, unstored])

    records, _, _ = await neo4j_driver.execute_query(
        "MATCH (m:Memory {workspace_id: $w}) RETURN m.content + m.metadata AS text", w=workspace
    )
    assert len(records) == 2
    assert not [record for record in records if secret in record["text"]]
    row = await conn.execute(
        "SELECT content || metadata::text FROM memories WHERE id = %s", (unstored.memory_id,)
    )
    assert secret not in str(await row.fetchone())
