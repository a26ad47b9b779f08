"""A topic is linked to its newest members; only what changed is linked anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from neo4j import AsyncDriver

from shared.domain.findings import MAX_EVIDENCE
from shared.graph.memories import MeasuredMemory
from tests.integration.patterns.pattern_builders import detect, direction, memory, query, save
from tests.integration.patterns.topic_builders import forget

VECTOR = direction("login")


def alike(workspace: str, numbers: Iterable[int]) -> list[MeasuredMemory]:
    """Return memories of one topic, an hour apart."""
    return [
        replace(memory(workspace, f"m{n}", "A login token", hours=n), embedding=VECTOR)
        for n in numbers
    ]


async def look(driver: AsyncDriver, workspace: str, *news: MeasuredMemory) -> None:
    await save(driver, *news)
    await detect(driver, workspace, ["semantic"])


async def links(driver: AsyncDriver, workspace: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the pattern is found in and derived from, each with its link."""
    rows = await query(
        driver,
        """
        MATCH (:Pattern {workspace_id: $w})-[link:FOUND_IN|DERIVED_FROM]->(n)
        RETURN type(link) AS type, n.id AS id, elementId(link) AS link
        """,
        w=workspace,
    )
    found = {row["id"]: row["link"] for row in rows if row["type"] == "FOUND_IN"}
    derived = {row["id"]: row["link"] for row in rows if row["type"] == "DERIVED_FROM"}
    return found, derived


def ids(memories: Iterable[MeasuredMemory]) -> set[str]:
    return {str(one.entity.id) for one in memories}


async def test_the_newest_members_take_the_place_of_the_oldest(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    members = alike(workspace, range(MAX_EVIDENCE + 4))
    await look(neo4j_driver, workspace, *members[:-4])
    before = await links(neo4j_driver, workspace)
    await look(neo4j_driver, workspace, *members[-4:])
    after = await links(neo4j_driver, workspace)

    assert set(after[1]) == ids(members[4:])
    assert set(after[0]) == {f"memory:{one}" for one in ids(members[4:])}
    for old, new in zip(before, after, strict=True):
        assert len(old.items() & new.items()) == MAX_EVIDENCE - 4


async def test_what_is_older_than_all_evidence_is_counted_and_not_linked(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await look(neo4j_driver, workspace, *alike(workspace, range(MAX_EVIDENCE)))
    before = await links(neo4j_driver, workspace)
    await look(neo4j_driver, workspace, *alike(workspace, [-1]))
    assert await links(neo4j_driver, workspace) == before


async def test_an_older_member_fills_the_gap_that_a_removed_one_left(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    members = alike(workspace, range(MAX_EVIDENCE + 2))
    await look(neo4j_driver, workspace, *members)
    await forget(neo4j_driver, members[-1])
    await detect(neo4j_driver, workspace, ["semantic"])
    _, derived = await links(neo4j_driver, workspace)
    assert set(derived) == ids(members[1:-1])


async def test_a_link_that_was_lost_is_made_again(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    members = alike(workspace, range(8))
    await look(neo4j_driver, workspace, *members[:6])
    await query(
        neo4j_driver,
        "MATCH (:Pattern {workspace_id: $w})-[link:DERIVED_FROM]->() WITH link LIMIT 2 DELETE link",
        w=workspace,
    )
    await look(neo4j_driver, workspace, *members[6:])
    found, derived = await links(neo4j_driver, workspace)
    assert set(derived) == ids(members)
    assert len(found) == len(members)
