"""Search by meaning: exact order, inside one workspace."""

from __future__ import annotations

from math import isclose
from uuid import uuid4

from neo4j import AsyncDriver

from shared.graph.search import search_memories
from tests.integration.graph.builders import NOON, memory, vector
from tests.integration.graph.conftest import Save


async def test_the_nearest_memory_comes_first_with_its_cosine(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    memories = [memory(workspace, f"memory {i}", minutes=i) for i in range(30)]
    await save(*memories)

    found = await search_memories(neo4j_driver, workspace, vector("memory 7"), limit=5)

    wanted = vector("memory 7")
    cosines = {
        str(m.entity.id): sum(a * b for a, b in zip(wanted, m.embedding, strict=True))
        for m in memories
    }
    best = sorted(cosines, key=lambda key: -cosines[key])[:5]
    assert [row.id for row in found] == best
    assert all(isclose(row.similarity, cosines[row.id], abs_tol=1e-5) for row in found)
    assert found[0].content == "memory 7"
    assert found[0].chunk_id == f"chunk:{found[0].id}"
    assert (found[0].session_id, found[0].project_name) == ("s1", "shop")
    assert (found[0].occurred_at - NOON).total_seconds() == 7 * 60


async def test_a_search_sees_only_its_workspace_however_full_others_are(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    other = f"team:{uuid4()}"
    try:
        await save(*(memory(other, "the same words", minutes=i) for i in range(150)))
        await save(memory(workspace, "the same words"), memory(workspace, "far away"))

        found = await search_memories(neo4j_driver, workspace, vector("the same words"))

        assert [row.content for row in found] == ["the same words", "far away"]
    finally:
        for label in ("Memory", "EntitySummary"):
            await neo4j_driver.execute_query(
                f"MATCH (n:{label} {{workspace_id: $other}}) DETACH DELETE n", other=other
            )


async def test_a_search_can_be_limited_to_a_project(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(
        memory(workspace, "words", metadata={"topics": ["a"]}),
        memory(workspace, "words", project="other"),
        memory(workspace, "words", project=None),
    )

    found = await search_memories(neo4j_driver, workspace, vector("words"), project_name="shop")

    assert [(row.project_name, row.metadata) for row in found] == [("shop", {"topics": ["a"]})]


async def test_an_unknown_workspace_finds_nothing(neo4j_driver: AsyncDriver) -> None:
    assert await search_memories(neo4j_driver, f"team:{uuid4()}", vector("words")) == []
