"""Whoever reads the graph waits so long and no longer."""

import asyncio
from time import monotonic

import pytest
from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.errors import DependencyDownError, TooSlowError
from shared.graph import driver as graph_driver
from shared.graph.driver import read

ENDLESS = "UNWIND range(1, 10000000000) AS n WITH n WHERE n % 7 = 8 RETURN count(n) AS found"


async def count_for_ever(tx: AsyncManagedTransaction) -> None:
    await (await tx.run(ENDLESS)).consume()


async def answer(tx: AsyncManagedTransaction) -> int:
    return (await (await tx.run("RETURN 1 AS one")).single(strict=True))["one"]


async def test_neo4j_ends_what_takes_too_long(neo4j_driver: AsyncDriver) -> None:
    started = monotonic()
    with pytest.raises(TooSlowError, match="Neo4j was not done after"):
        await read(neo4j_driver, count_for_ever, seconds=0.5)
    assert monotonic() - started < 0.5 + graph_driver.GRACE_SECONDS
    assert await read(neo4j_driver, answer) == 1


async def test_a_server_that_says_nothing_is_down(
    neo4j_driver: AsyncDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_driver, "GRACE_SECONDS", 0.1)

    async def wait(tx: AsyncManagedTransaction) -> None:
        await answer(tx)
        await asyncio.sleep(60)

    with pytest.raises(DependencyDownError, match="Neo4j does not answer"):
        await read(neo4j_driver, wait, seconds=0.5)
    assert await read(neo4j_driver, answer) == 1
