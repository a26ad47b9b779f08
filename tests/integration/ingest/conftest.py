"""The ingest service's handler with real servers and the real default embedder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from services.ingest.handlers import IngestOutcome, ingest
from services.ingest.loading import Pool
from shared.embedding import Embedder
from shared.embedding.wordllama import WordLlamaEmbedder
from shared.messages import Ingest, IngestCode, IngestMemory

Handle = Callable[[Sequence[Ingest]], Awaitable[IngestOutcome]]
Conn = AsyncConnection[TupleRow]
USER = UUID("00000000-0000-4000-8000-000000000001")


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The default model; its weights lie in its wheel."""
    return WordLlamaEmbedder()


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """Connections to this test's own database."""
    async with AsyncConnectionPool[Conn](database, min_size=1, max_size=2, open=False) as own:
        yield own


@pytest.fixture
def handle(pool: Pool, embedder: Embedder, neo4j_driver: AsyncDriver) -> Handle:
    """Handle one batch of messages."""

    async def run(jobs: Sequence[Ingest]) -> IngestOutcome:
        return await ingest(jobs, pool=pool, embedder=embedder, driver=neo4j_driver)

    return run


async def store_memory(
    conn: Conn, workspace: str, *, key: UUID | None = None, **columns: Any
) -> IngestMemory:
    """Insert a row as the API does and return its message."""
    row = {"content": "we fixed the bug", "session_id": "s1", "project_name": "shop"} | columns
    memory_id = key or uuid4()
    await conn.execute(
        """INSERT INTO memories (id, workspace_id, user_id, chunk_id, session_id, project_name,
               content, metadata, content_hash, occurred_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', now())
        ON CONFLICT (id) DO UPDATE SET content = excluded.content, updated_at = clock_timestamp()
        """,
        (memory_id, workspace, USER, f"chunk:{memory_id}", row["session_id"], row["project_name"],
         row["content"], Jsonb(row.get("metadata", {}))),
    )  # fmt: skip
    return IngestMemory(
        user_id=USER, workspace_id=workspace, memory_id=memory_id, content=row["content"]
    )


async def store_code(conn: Conn, workspace: str, path: str, content: str) -> IngestCode:
    """Insert a row as the API does and return its message."""
    entity_id = uuid4()
    await conn.execute(
        """INSERT INTO code_entities (id, workspace_id, user_id, project_name, path, name,
               language, content, content_hash)
        VALUES (%s, %s, %s, 'shop', %s, %s, 'python', %s, '')""",
        (entity_id, workspace, USER, path, path.rpartition("/")[2], content),
    )
    return IngestCode(user_id=USER, workspace_id=workspace, code_entity_id=entity_id)
