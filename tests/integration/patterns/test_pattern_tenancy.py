"""Nothing crosses from one workspace to another, also not when both hold the same texts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from neo4j import AsyncDriver

from tests.integration.patterns.pattern_builders import detect, list_patterns, memory, query, save


@pytest.fixture
async def stranger(neo4j_driver: AsyncDriver) -> AsyncIterator[str]:
    """Another workspace."""
    workspace_id = f"team:{uuid4()}"
    yield workspace_id
    await query(
        neo4j_driver, "MATCH (n {workspace_id: $workspace}) DETACH DELETE n", workspace=workspace_id
    )


async def test_the_same_texts_in_two_workspaces_are_never_counted_together(
    neo4j_driver: AsyncDriver, workspace: str, stranger: str
) -> None:
    for owner in (workspace, stranger):
        await save(neo4j_driver, *(memory(owner, f"m{n}", topic="login") for n in range(2)))
    assert await detect(neo4j_driver, workspace, ["debugging"]) == []


async def test_patterns_of_two_workspaces_share_nothing(
    neo4j_driver: AsyncDriver, workspace: str, stranger: str
) -> None:
    for owner in (workspace, stranger):
        await save(neo4j_driver, *(memory(owner, f"m{n}", topic="login") for n in range(9)))
        await detect(neo4j_driver, owner, ["debugging"])
    (own,) = await list_patterns(neo4j_driver, workspace)
    (other,) = await list_patterns(neo4j_driver, stranger)

    assert own.id != other.id
    assert own.frequency == other.frequency == 9
    assert not {e.id for e in own.evidence} & {e.id for e in other.evidence}
    crossing = await query(
        neo4j_driver,
        """
        MATCH (p:Pattern)-[]-(n) WHERE p.workspace_id IN $both AND n.workspace_id <> p.workspace_id
        RETURN count(*) AS links
        """,
        both=[workspace, stranger],
    )
    assert crossing == [{"links": 0}]


async def test_the_nearest_neighbours_of_a_stranger_do_not_crowd_out_ones_own(
    neo4j_driver: AsyncDriver, workspace: str, stranger: str
) -> None:
    await save(neo4j_driver, *(memory(stranger, f"s{n}", topic="login") for n in range(200)))
    await save(neo4j_driver, *(memory(workspace, f"m{n}", topic="login") for n in range(3)))
    await detect(neo4j_driver, workspace, ["debugging"])
    (pattern,) = await list_patterns(neo4j_driver, workspace)
    assert pattern.frequency == 3


async def test_memories_of_two_workspaces_are_never_one_session(
    neo4j_driver: AsyncDriver, workspace: str, stranger: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, f"m{n}", hours=n / 10) for n in range(3)))
    await save(neo4j_driver, *(memory(stranger, f"m{n}", hours=n / 10 + 0.05) for n in range(4)))
    for owner in (workspace, stranger):
        await detect(neo4j_driver, owner, ["temporal"])
    rows = await query(
        neo4j_driver,
        """
        MATCH (n:SessionSummary)-[:COVERS]->(s) WHERE n.workspace_id IN $both
        RETURN n.workspace_id AS owner, n.id AS id, count(s) AS size,
               collect(DISTINCT s.workspace_id) AS covered
        """,
        both=[workspace, stranger],
    )
    assert {row["owner"]: (row["size"], row["covered"]) for row in rows} == {
        workspace: (3, [workspace]),
        stranger: (4, [stranger]),
    }
    assert len({row["id"] for row in rows}) == 2
    assert {one.frequency for one in await list_patterns(neo4j_driver, workspace)} == {3}
