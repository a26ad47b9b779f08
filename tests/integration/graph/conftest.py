"""Writes and reads as the tests of the graph need them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, LiteralString

import pytest
from neo4j import WRITE_ACCESS, AsyncDriver

from services.ingest.graph_writes import write_batch
from services.ingest.measuring import Measured
from shared.graph.code import MeasuredCode
from shared.graph.driver import open_session
from shared.graph.memories import MeasuredMemory

Save = Callable[..., Coroutine[None, None, None]]
Query = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def save(neo4j_driver: AsyncDriver) -> Save:
    """Write entities as one batch, as the ingest service does."""

    async def write(*entities: MeasuredMemory | MeasuredCode) -> None:
        memories = [one for one in entities if isinstance(one, MeasuredMemory)]
        files = [one for one in entities if isinstance(one, MeasuredCode)]
        await write_batch(neo4j_driver, Measured(memories, files))

    return write


@pytest.fixture
def query(neo4j_driver: AsyncDriver, workspace: str) -> Query:
    """Return the rows of a query on this test's workspace."""

    async def run(cypher: LiteralString, **parameters: Any) -> list[dict[str, Any]]:
        async with open_session(neo4j_driver, WRITE_ACCESS) as session:
            result = await session.run(cypher, {"workspace": workspace, **parameters})
            return await result.data()

    return run
