"""Transactions that write or erase the same things at once: the second sees what the first left."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import LiteralString
from uuid import uuid4

from neo4j import WRITE_ACCESS, AsyncDriver, AsyncManagedTransaction

from shared.graph.driver import open_session
from shared.graph.entity_summaries import summarize
from shared.graph.erasing import forget_user
from shared.graph.memories import MeasuredMemory, save_memories
from shared.graph.owners import lock_owners, own_memories
from shared.graph.removal import remove_entities
from tests.integration.graph.builders import memory
from tests.integration.graph.conftest import Query, Save
from tests.integration.patterns.waiting import until_it_waits

FORGET_USERS: LiteralString = "MATCH (u:User {workspace_id: $workspace}) DELETE u"
SESSIONS: LiteralString = "MATCH (s:Session {workspace_id: $workspace}) RETURN s.id AS id"


@asynccontextmanager
async def writing(driver: AsyncDriver, one: MeasuredMemory) -> AsyncGenerator[None]:
    """Write a memory as the ingest service does, and commit after what happens meanwhile."""
    async with open_session(driver, WRITE_ACCESS) as session:
        tx = await session.begin_transaction()
        managed: AsyncManagedTransaction = tx  # pyright: ignore[reportAssignmentType]  # same methods
        await lock_owners(managed, [one.entity])
        await save_memories(managed, [one])
        await own_memories(managed, [one.entity])
        await summarize(managed, [one])
        yield
        await tx.commit()


async def test_an_older_version_that_waits_for_a_newer_one_does_not_overwrite_it(
    save: Save, query: Query, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    key = uuid4()
    first, second, third = (
        memory(workspace, f"version {n}", key=key, version=n, session=None, project=None)
        for n in range(3)
    )
    await save(first)
    async with writing(neo4j_driver, third):
        late = await until_it_waits(neo4j_driver, save(second))
    await late
    rows = await query("MATCH (m:Memory {workspace_id: $workspace}) RETURN m.content AS content")
    assert rows == [{"content": "version 2"}]


async def test_a_session_that_somebody_fills_is_not_erased_as_an_empty_one(
    save: Save, query: Query, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    first, second = memory(workspace), memory(workspace)
    await save(first)
    await remove_entities(neo4j_driver, workspace, memory_ids=[first.entity.id])
    assert await query(SESSIONS) == [{"id": "s1"}]

    async def erase() -> None:
        async for _ in forget_user(neo4j_driver, workspace, uuid4()):
            pass

    async with writing(neo4j_driver, second):
        erasing = await until_it_waits(neo4j_driver, erase())
    await erasing
    assert await query(SESSIONS) == [{"id": "s1"}]


async def test_a_memory_has_its_user_whoever_forgot_that_user_meanwhile(
    query: Query, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    one = memory(workspace)
    async with open_session(neo4j_driver, WRITE_ACCESS) as session:
        tx = await session.begin_transaction()
        managed: AsyncManagedTransaction = tx  # pyright: ignore[reportAssignmentType]  # same methods
        await lock_owners(managed, [one.entity])
        await save_memories(managed, [one])
        await tx.run(FORGET_USERS, workspace=workspace)
        await own_memories(managed, [one.entity])
        await tx.commit()
    found = await query("MATCH (:Memory {workspace_id: $workspace})-[r]->() RETURN type(r) AS r")
    assert sorted(row["r"] for row in found) == ["BELONGS_TO_PROJECT", "CREATED_BY"]
