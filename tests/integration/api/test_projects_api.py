"""Projects: what they hold, how fresh their summaries are, and what those are made of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.summaries.handlers import TooYoung, Written, summarize_project
from shared.llm import ExtractiveSummariser
from shared.messages import SummarizeProject
from shared.postgres.removal import remove_memories
from tests.integration.api.conftest import Client
from tests.integration.patterns.pattern_builders import query

Conn = AsyncConnection[TupleRow]
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
SAID = "The team decided to use one queue instead of three."


async def remember(client: Client, project: str, *contents: str) -> None:
    chunks = [
        {
            "chunkId": f"{project}:{n}",
            "content": content,
            "metadata": {"startTime": (YESTERDAY + timedelta(minutes=n)).isoformat()},
        }
        for n, content in enumerate(contents)
    ]
    sent = await client.send_chunks(*chunks, projectName=project, sessionId="s")
    assert sent.status_code == 202, sent.text


@pytest.fixture
async def pool(database: str) -> AsyncIterator[AsyncConnectionPool[Conn]]:
    async with AsyncConnectionPool[Conn](database, min_size=1, max_size=2, open=False) as own:
        yield own


async def summarise(
    client: Client, pool: AsyncConnectionPool[Conn], project: str, summariser: Any = None
) -> object:
    job = SummarizeProject(workspace_id=client.workspace_id, project_name=project)
    own = summariser or ExtractiveSummariser()
    return await summarize_project(job, pool=pool, summariser=own, debounce_seconds=0)


async def test_projects_are_paged_by_name_with_what_they_hold(
    client: Client, other_client: Client
) -> None:
    for project in ("b/c", "a", "d"):
        await remember(client, project, "one", "two")
    files = [{"path": "a.py", "content": "x = 1"}]
    await client.post("/api/ingest/code", {"projectName": "only code", "files": files})
    await remember(other_client, "theirs", "one")

    seen: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next": None}
    for _ in range(2):
        after = {"after": page["next"]} if page["next"] else {}
        page = (await client.get("/api/projects", limit=2, **after)).json()
        seen += page["projects"]
    assert [(one["name"], one["memories"], one["files"]) for one in seen] == [
        ("a", 2, 0), ("b/c", 2, 0), ("d", 2, 0), ("only code", 0, 1),
    ]  # fmt: skip
    assert (page["next"], seen[0]["summaryState"]) == (None, "none")


async def test_a_project_tells_its_summary_from_its_sources(
    client: Client, pool: AsyncConnectionPool[Conn], neo4j_driver: AsyncDriver
) -> None:
    await remember(client, "b/c", "The parser works.", SAID)
    await summarise(client, pool, "b/c")
    await query(neo4j_driver, """
        CREATE (:SessionSummary {workspace_id: $w, id: 's', project_name: 'b/c', user_id: 'u',
            start_time: datetime(), end_time: datetime(), entity_count: 2,
            dominant_patterns: ['debugging'], keywords: ['parser']})""",
        w=client.workspace_id)  # fmt: skip

    found = (await client.get("/api/projects/b/c")).json()
    assert (found["summaryState"], found["model"]) == ("fresh", "extractive")
    assert [one["excerpt"] for one in found["sources"]] == [SAID, "The parser works."]
    assert found["firstMemoryTimestamp"] == found["sources"][1]["occurredAt"]
    assert [(one["text"], one["source"]["chunkId"]) for one in found["decisions"]] == [
        (SAID, "b/c:1")
    ]
    assert sum(day["memories"] for day in found["activity"]) == 2
    assert len(found["activity"]) == 84
    assert [one["keywords"] for one in found["sessions"]] == [["parser"]]
    assert [job["waiting"] for job in found["openJobs"]] == [2]
    await query(neo4j_driver, "MATCH (n {workspace_id: $w}) DELETE n", w=client.workspace_id)


@pytest.mark.parametrize("change", ["came", "changed", "went", "is not known"])
async def test_a_summary_is_stale_when_what_it_is_made_of_changes(
    client: Client, pool: AsyncConnectionPool[Conn], conn: Conn, change: str
) -> None:
    await remember(client, "shop", "one", "two")
    await summarise(client, pool, "shop")
    if change == "came":
        await remember(client, "shop", "one", "two", "three")
    elif change == "changed":
        await remember(client, "shop", "one, in other words", "two")
    elif change == "is not known":
        await conn.execute("UPDATE project_summaries SET sources_digest = NULL")
    else:
        await remove_memories(conn, client.workspace_id, ["shop:0"])

    assert (await client.get("/api/projects/shop")).json()["summaryState"] == "stale"
    # The list looks only at the newest.
    (listed,) = (await client.get("/api/projects")).json()["projects"]
    assert listed["summaryState"] == ("stale" if change == "came" else "fresh")


async def test_a_summary_is_stale_after_a_change_that_was_on_its_way(
    client: Client, pool: AsyncConnectionPool[Conn], conn: Conn
) -> None:
    await remember(client, "shop", "one", "two")
    async with conn.transaction():
        await conn.execute("UPDATE memories SET content = 'x', updated_at = clock_timestamp()")
        await summarise(client, pool, "shop")
        assert (await client.get("/api/projects/shop")).json()["summaryState"] == "fresh"
    assert (await client.get("/api/projects/shop")).json()["summaryState"] == "stale"
    await summarise(client, pool, "shop")
    assert (await client.get("/api/projects/shop")).json()["summaryState"] == "fresh"


async def test_a_summary_can_be_asked_for_by_who_operates(
    client: Client, other_client: Client, conn: Conn, pool: AsyncConnectionPool[Conn]
) -> None:
    await remember(client, "b/c", "one")
    asked = await client.post("/api/projects/b/c/summary", {})
    assert asked.status_code == 202, asked.text
    row = await (await conn.execute("SELECT message FROM pgmq.q_summary_generation")).fetchone()
    assert row is not None
    message = SummarizeProject.model_validate(row[0])
    assert (message.project_name, message.reason) == ("b/c", "asked for")
    job = (await client.get(f"/api/jobs/{asked.json()['jobId']}")).json()
    assert (job["kind"], job["submitted"]) == ("summary", 1)
    assert (await other_client.post("/api/projects/b/c/summary", {})).status_code == 404
    assert (await other_client.get("/api/projects/b/c")).status_code == 404


async def test_a_summary_of_a_memory_that_is_deleted_meanwhile_is_not_stored(
    client: Client, conn: Conn, pool: AsyncConnectionPool[Conn]
) -> None:
    await remember(client, "shop", "The secret plan works.", "The parser works.")

    class Slow(ExtractiveSummariser):
        """The real one; a memory goes while it writes."""

        async def summarise(self, project_name: str, episodes: Any) -> str:
            await remove_memories(conn, client.workspace_id, ["shop:0"])
            return await super().summarise(project_name, episodes)

    assert isinstance(await summarise(client, pool, "shop", Slow()), TooYoung)
    assert (await client.get("/api/projects/shop")).json()["summary"] is None
    written = await summarise(client, pool, "shop")
    assert isinstance(written, Written)
    assert "secret" not in written.summary
