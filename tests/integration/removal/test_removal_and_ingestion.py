"""A removal and the messages about the same memory may overtake each other: Postgres is right."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import pytest
from neo4j import AsyncDriver

from services.ingest.handlers import ingest
from services.ingest.loading import Pool
from shared.embedding import Embedder
from shared.messages import Ingestion
from tests.integration.patterns.pattern_builders import ANNA, EMBEDDER, query
from tests.integration.removal.conftest import (
    Conn,
    Handle,
    labels,
    remove,
    remove_files,
    store,
    store_files,
)

GONE: dict[str, int] = {}


class Meanwhile:
    """The real embedder; something happens while it works."""

    name, dimensions, calibration = EMBEDDER.name, EMBEDDER.dimensions, EMBEDDER.calibration

    def __init__(self, conn: Conn, workspace: str, handle: Handle) -> None:
        self._conn, self._workspace, self._handle = conn, workspace, handle

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Remove memory `a` and tell the graph, before what was loaded reaches it."""
        await self._handle([await remove(self._conn, self._workspace, "a")])
        return await EMBEDDER.embed(texts)


async def memories_stored(conn: Conn) -> int:
    row = await (await conn.execute("SELECT count(*)::int FROM memories")).fetchone()
    return row[0] if row else 0


@pytest.mark.parametrize("order", ["late message", "early message", "one batch", "other order"])
async def test_a_message_about_a_removed_memory_does_not_bring_it_back(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str, order: str
) -> None:
    [job] = await store(conn, workspace, "a")
    removal = await remove(conn, workspace, "a")
    batches: dict[str, list[list[Ingestion]]] = {
        "late message": [[removal], [job]],
        "early message": [[job], [removal]],
        "one batch": [[job, removal]],
        "other order": [[removal, job, job]],
    }
    for batch in batches[order]:
        await handle(batch)
    assert await labels(neo4j_driver, workspace) == GONE
    assert await memories_stored(conn) == 0


async def test_a_message_about_a_removed_file_is_no_dead_letter(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    [job] = await store_files(conn, workspace, {"a.py": "def f(): ..."})
    removal = await remove_files(conn, workspace, "a.py")
    await handle([job])
    await handle([removal])
    assert await labels(neo4j_driver, workspace) == GONE


async def test_a_memory_removed_while_it_is_written_is_not_in_the_graph(
    conn: Conn, handle: Handle, pool: Pool, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    jobs = await store(conn, workspace, "a", "b")
    slow: Embedder = Meanwhile(conn, workspace, handle)
    outcome = await ingest(jobs, pool=pool, embedder=slow, driver=neo4j_driver)
    assert outcome.errors == {}
    assert (await labels(neo4j_driver, workspace))["Memory"] == 1


async def test_a_chunk_sent_again_after_its_removal_stays(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    [first] = await store(conn, workspace, "a", content="first")
    removal = await remove(conn, workspace, "a")
    [second] = await store(conn, workspace, "a", content="second")
    for batch in ([second], [removal], [first], [second, removal, first]):
        await handle(batch)
    found = await query(
        neo4j_driver, "MATCH (m:Memory {workspace_id: $w}) RETURN m.content AS c", w=workspace
    )
    assert found == [{"c": "second"}]


async def test_a_memory_stored_again_under_its_old_id_is_not_removed_by_an_old_message(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    [job] = await store(conn, workspace, "a")
    removal = await remove(conn, workspace, "a")
    await conn.execute(
        "SELECT queue_memory_ingestion_job(%s, %s, 'again', %s)", (job.memory_id, ANNA, workspace)
    )
    await handle([job])
    await handle([removal])
    assert (await labels(neo4j_driver, workspace))["Memory"] == 1


async def test_a_removal_of_another_workspaces_memory_touches_nothing(
    conn: Conn, handle: Handle, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    [job] = await store(conn, workspace, "a")
    await handle([job])
    assert (await remove(conn, f"team:{uuid4()}", "a")).memory_ids == []
    removal = (await remove(conn, workspace, "nothing")).model_copy(
        update={"memory_ids": [job.memory_id], "workspace_id": f"team:{uuid4()}"}
    )
    await handle([removal])
    assert (await labels(neo4j_driver, workspace))["Memory"] == 1
