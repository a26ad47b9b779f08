"""Neo4j reads no snapshot: what is removed while it is read has no properties any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from neo4j import AsyncDriver, AsyncManagedTransaction

from services.ingest.graph_writes import write_batch
from services.ingest.measuring import Measured
from shared.domain.margins import with_margins
from shared.domain.places import Place
from shared.domain.search_query import read_query
from shared.graph.driver import read
from shared.graph.entity_words import Filters
from shared.graph.marks import Mark
from shared.graph.neighbours import find_carriers
from shared.graph.news import Scope, read_news, read_scope
from shared.graph.removal import remove_entities
from shared.graph.search_candidates import find_candidates
from shared.graph.temporal_patterns import find_moments
from tests.integration.patterns.pattern_builders import MONDAY, memory

MEMORIES: Final = 120
ROUNDS: Final = 3
EVER: Final = Mark(0, 10**9)
WEEK: Final = Place("shop", MONDAY - timedelta(hours=9))

Look = Callable[[AsyncManagedTransaction, str], Awaitable[object]]


async def news(tx: AsyncManagedTransaction, workspace: str) -> object:
    return await read_news(tx, workspace, EVER, limit=MEMORIES)


async def scope(tx: AsyncManagedTransaction, workspace: str) -> object:
    return await read_scope(tx, workspace, Scope(), limit=MEMORIES)


async def carriers(tx: AsyncManagedTransaction, workspace: str) -> object:
    return await find_carriers(tx, workspace, "is_debugging", [WEEK])


async def moments(tx: AsyncManagedTransaction, workspace: str) -> object:
    parts = with_margins([WEEK], timedelta(hours=1))
    return await find_moments(tx, workspace, parts, now=MONDAY + timedelta(days=30))


async def candidates(tx: AsyncManagedTransaction, workspace: str) -> object:
    query, vector = read_query("it fails"), memory(workspace, "0").embedding
    found = await find_candidates(tx, workspace, query, vector, Filters())
    assert all(part is not None for way in found for one in way for part in one.key)
    return found


LOOKS: Final = (news, scope, carriers, moments, candidates)


async def test_what_is_removed_while_it_is_read_is_left_out(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    made = [memory(workspace, str(n), hours=n) for n in range(MEMORIES)]
    ids = [one.entity.id for one in made]
    are_gone = asyncio.Event()

    async def keep_looking(look: Look) -> int:
        looks = 0
        while not are_gone.is_set():
            await read(neo4j_driver, lambda tx: look(tx, workspace))
            looks += 1
        return looks

    async def write_and_remove() -> None:
        for _ in range(ROUNDS):
            await write_batch(neo4j_driver, Measured(made, []))
            await remove_entities(neo4j_driver, workspace, memory_ids=ids)
        are_gone.set()

    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(keep_looking(look)) for look in LOOKS]
        group.create_task(write_and_remove())
    assert all(reader.result() > ROUNDS for reader in readers)
