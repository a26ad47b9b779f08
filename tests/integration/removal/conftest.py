"""Memories and files of one workspace, ingested and removed by the service's own handler."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

import pytest
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.ingest.handlers import IngestOutcome, ingest
from services.ingest.loading import Pool
from shared.messages import IngestCode, Ingestion, IngestMemory, RemoveEntities
from shared.postgres.code_entities import FileDraft, save_code_entities
from shared.postgres.memories import MemoryDraft, save_memories
from shared.postgres.removal import remove_code_entities, remove_memories
from tests.integration.patterns.pattern_builders import ANNA, EMBEDDER, MONDAY, query

Conn = AsyncConnection[TupleRow]
Handle = Callable[[Sequence[Ingestion]], Awaitable[IngestOutcome]]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """Connections to this test's own database."""
    async with AsyncConnectionPool[Conn](database, min_size=1, max_size=4, open=False) as own:
        yield own


@pytest.fixture
def handle(pool: Pool, neo4j_driver: AsyncDriver) -> Handle:
    """Handle one batch of messages."""

    async def run(jobs: Sequence[Ingestion]) -> IngestOutcome:
        outcome = await ingest(jobs, pool=pool, embedder=EMBEDDER, driver=neo4j_driver)
        assert outcome.errors == {}
        return outcome

    return run


async def store(
    conn: Conn,
    workspace: str,
    *chunks: str,
    content: str = "Fixed an error in the login",
    at: datetime = MONDAY,
    project: str = "shop",
) -> list[IngestMemory]:
    """Store memories a minute apart, as the API does, and return their messages."""
    drafts = [
        MemoryDraft(
            chunk, "session", project, "conversation", content, {}, at + timedelta(minutes=n)
        )
        for n, chunk in enumerate(chunks)
    ]
    saved = await save_memories(conn, workspace, ANNA, drafts)
    return [
        IngestMemory(
            user_id=ANNA, workspace_id=workspace, memory_id=saved[chunk].id, content=content
        )
        for chunk in chunks
    ]


async def store_files(conn: Conn, workspace: str, contents: dict[str, str]) -> list[IngestCode]:
    """Store files by their paths and return their messages."""
    drafts = [FileDraft(path, "python", text, {}, None) for path, text in contents.items()]
    saved = await save_code_entities(conn, workspace, ANNA, "shop", drafts)
    return [
        IngestCode(user_id=ANNA, workspace_id=workspace, code_entity_id=one.id)
        for one in saved.values()
    ]


async def remove(conn: Conn, workspace: str, *chunks: str) -> RemoveEntities:
    """Delete memories' rows and return the message that tells the graph."""
    ids = await remove_memories(conn, workspace, chunks)
    return RemoveEntities(workspace_id=workspace, memory_ids=ids)


async def remove_files(conn: Conn, workspace: str, *paths: str) -> RemoveEntities:
    """Delete files' rows and return the message that tells the graph."""
    ids = await remove_code_entities(conn, workspace, "shop", paths)
    return RemoveEntities(workspace_id=workspace, code_entity_ids=ids)


async def labels(driver: AsyncDriver, workspace: str) -> dict[str, int]:
    """Return how many nodes of each label the workspace has, those that stay for locking apart."""
    count: LiteralString = """
        MATCH (n {workspace_id: $workspace})
        WHERE NOT n:User AND NOT n:Project AND NOT n:Session AND NOT n:Workspace
          AND NOT n:DetectionMark
        RETURN labels(n)[0] AS label, count(*) AS n
    """
    found: list[dict[str, Any]] = await query(driver, count, workspace=workspace)
    return {row["label"]: row["n"] for row in found}
