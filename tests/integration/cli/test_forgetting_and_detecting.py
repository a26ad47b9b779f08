"""Commands that change what a workspace knows, over the real API and real servers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from tests.conftest import Servers
from tests.integration.cli.conftest import Prompt
from tests.integration.ingest.conftest import store_memory
from tests.integration.patterns.pattern_builders import MONDAY, list_patterns, memory, save
from tests.integration.worker_processes import running

Conn = AsyncConnection[TupleRow]
LEFT = "SELECT chunk_id FROM memories ORDER BY chunk_id"
QUEUED = "SELECT message FROM pgmq.q_memory_ingestion"
WEEK = timedelta(days=7)


async def values(conn: Conn, query: Any) -> list[Any]:
    return [row[0] async for row in await conn.execute(query)]


async def save_week(driver: AsyncDriver, workspace: str, project: str, start: datetime) -> None:
    """Write a morning of debugging, a pattern to be found."""
    texts = [f"{project}{n}" for n in range(6)]
    await save(driver, *(memory(workspace, text, at=start, project=project) for text in texts))


async def test_forgotten_memories_leave_postgres_and_are_taken_out_of_the_graph(
    prompt: Prompt, conn: Conn, workspace: str
) -> None:
    kept, gone = [await store_memory(conn, workspace) for _ in range(2)]
    shown = await prompt.run("forget", f"chunk:{gone.memory_id}")

    assert (shown.exit_code, shown.stdout) == (0, "Deleted 1 of 1 memories.\n")
    assert await values(conn, LEFT) == [f"chunk:{kept.memory_id}"]
    (removal,) = await values(conn, QUEUED)
    assert (removal["type"], removal["memory_ids"]) == ("removal", [str(gone.memory_id)])


async def test_an_unknown_memory_is_named_and_the_others_are_forgotten(
    prompt: Prompt, conn: Conn, workspace: str
) -> None:
    gone = await store_memory(conn, workspace)
    shown = await prompt.run("forget", "a/strange id", f"chunk:{gone.memory_id}")

    assert (shown.exit_code, shown.stdout) == (1, "Deleted 1 of 2 memories.\n")
    assert shown.stderr == "a/strange id: no such memory in this workspace\n"
    assert await values(conn, LEFT) == []


async def test_detection_looks_anew_where_a_project_or_a_time_is_named_and_nowhere_else(
    prompt: Prompt, servers: Servers, database: str, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    for week, project in enumerate(("shop", "bank", "mail", "desk")):
        await save_week(neo4j_driver, workspace, project, MONDAY + week * WEEK)
    detect = ("patterns", "--type", "debugging", "--detect", "--json")
    with running("patterns", database, servers):
        of_project = await prompt.run(*detect, "--project", "bank")
        of_time = await prompt.run(*detect, "--since", "2026-01-19", "--until", "2026-01-26")

    assert [of_project.exit_code, of_time.exit_code] == [0, 0], of_project.stderr + of_time.stderr
    assert projects(of_project.stdout) == ["bank"]
    assert projects(of_time.stdout) == ["bank", "mail"]
    stored = await list_patterns(neo4j_driver, workspace)
    assert {pattern.project_name for pattern in stored} == {"bank", "mail"}


def projects(answer: str) -> list[str]:
    return sorted({pattern["projectName"] for pattern in json.loads(answer)["patterns"]})


async def test_a_time_without_detection_is_explained(prompt: Prompt) -> None:
    shown = await prompt.run("patterns", "--since", "2026-01-19")

    assert shown.exit_code == 2
    assert "Add --detect" in shown.stderr
