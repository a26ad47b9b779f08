"""Files that at least three memories speak of are patterns, for as long as they do."""

from __future__ import annotations

import json

import pytest
from neo4j import AsyncDriver

from shared.graph.memories import MeasuredMemory
from tests.integration.patterns.code_builders import file, ingest, patterns, said, take_out
from tests.integration.patterns.pattern_builders import BEN, detect, list_patterns

CART = "src/cart.py"
MEMORY_CODE = ["memory_code"]


def about_cart(workspace: str, count: int = 3) -> list[MeasuredMemory]:
    """Return memories whose tool calls named one file."""
    return [
        said(workspace, f"m{n}", "tea", topic=f"t{n}", paths=[CART], hours=n) for n in range(count)
    ]


@pytest.mark.parametrize("code_first", [True, False])
async def test_a_file_that_three_memories_speak_of_is_a_pattern(
    neo4j_driver: AsyncDriver, workspace: str, code_first: bool
) -> None:
    batches = [[file(workspace, CART)], about_cart(workspace)]
    for batch in batches if code_first else reversed(batches):
        await ingest(neo4j_driver, *batch)
        await detect(neo4j_driver, workspace, MEMORY_CODE)

    [found] = await patterns(neo4j_driver, workspace)
    assert (found["file"], found["kind"], found["memories"]) == (CART, "file", 3)
    assert found["confidence"] == 0.3
    assert found["evidence"] == 4
    assert json.loads(found["metadata"])["reason"] == (
        "3 memories of shop speak of src/cart.py since 2026-01-05 09:00, "
        "last at 2026-01-05 11:00 UTC: 3 by path."
    )


async def test_two_memories_are_no_pattern(neo4j_driver: AsyncDriver, workspace: str) -> None:
    await ingest(neo4j_driver, file(workspace, CART), *about_cart(workspace, 2))
    await detect(neo4j_driver, workspace, MEMORY_CODE)

    assert await patterns(neo4j_driver, workspace) == []


async def test_likeness_counts_as_much_as_it_is_sure(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    alike = [said(workspace, f"a{n}") for n in range(2)]
    exact = said(workspace, "e", "tea", topic="far", paths=["src/login.py"], user=BEN)
    await ingest(neo4j_driver, file(workspace), *alike, exact)
    await detect(neo4j_driver, workspace, MEMORY_CODE)

    [found] = await list_patterns(neo4j_driver, workspace, types=MEMORY_CODE)
    facts = found.metadata
    assert (facts["by_similarity"], facts["by_tool_path"], facts["by_name_match"]) == (2, 1, 0)
    assert 0.9 < facts["mean_similarity"] < facts["strength"] < 1
    assert found.confidence == pytest.approx(facts["strength"] * 3 / 10, abs=1e-3)
    assert found.user_id is None
    assert {one.kind for one in found.evidence} == {"Memory", "CodeEntity"}


async def test_pieces_and_the_whole_give_the_same(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    other = f"user:{workspace.partition(':')[2]}"
    await ingest(neo4j_driver, file(other, CART), *about_cart(other, 12))
    await detect(neo4j_driver, other, MEMORY_CODE)
    await ingest(neo4j_driver, file(workspace, CART))
    for memory in about_cart(workspace, 12):
        await ingest(neo4j_driver, memory)
        await detect(neo4j_driver, workspace, MEMORY_CODE, limit=1)
    whole, pieces = await patterns(neo4j_driver, other), await patterns(neo4j_driver, workspace)
    await neo4j_driver.execute_query("MATCH (n {workspace_id: $w}) DETACH DELETE n", w=other)

    assert pieces == whole
    assert whole[0]["confidence"] == 0.9


@pytest.mark.parametrize("removed", [0, 3])
async def test_a_removed_side_takes_its_part_away(
    neo4j_driver: AsyncDriver, workspace: str, removed: int
) -> None:
    everything = [*about_cart(workspace), file(workspace, CART)]
    await ingest(neo4j_driver, *everything)
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    await take_out(neo4j_driver, everything[removed])
    await detect(neo4j_driver, workspace, MEMORY_CODE)

    assert await patterns(neo4j_driver, workspace) == []


async def test_of_four_memories_a_removed_one_leaves_a_pattern_of_three(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    four = about_cart(workspace, 4)
    await ingest(neo4j_driver, file(workspace, CART), *four)
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    await take_out(neo4j_driver, four[1])
    await detect(neo4j_driver, workspace, MEMORY_CODE)

    [found] = await patterns(neo4j_driver, workspace)
    assert (found["memories"], found["evidence"]) == (3, 4)


@pytest.mark.parametrize("project", ["shop", "cafe"])
async def test_a_changed_or_moved_memory_no_longer_counts(
    neo4j_driver: AsyncDriver, workspace: str, project: str
) -> None:
    await ingest(neo4j_driver, file(workspace, CART), *about_cart(workspace))
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    paths = [] if project == "shop" else [CART]
    await ingest(
        neo4j_driver, said(workspace, "m1", "tea", paths=paths, project=project, hours=1, version=1)
    )
    await detect(neo4j_driver, workspace, MEMORY_CODE)

    assert await patterns(neo4j_driver, workspace) == []


async def test_a_name_that_a_second_file_takes_counts_for_neither(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    named = [said(workspace, f"m{n}", "total_of is slow", topic=f"t{n}") for n in range(3)]
    await ingest(neo4j_driver, file(workspace, CART, "def total_of(): ...\n", topic="c"), *named)
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    assert [one["file"] for one in await patterns(neo4j_driver, workspace)] == [CART]

    await ingest(neo4j_driver, file(workspace, "src/tax.py", "def total_of(): ...\n", topic="d"))
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    assert await patterns(neo4j_driver, workspace) == []


async def test_a_detection_without_news_changes_nothing(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await ingest(neo4j_driver, file(workspace, CART), *about_cart(workspace))
    assert await detect(neo4j_driver, workspace, MEMORY_CODE) != []
    before = await patterns(neo4j_driver, workspace)

    assert await detect(neo4j_driver, workspace, MEMORY_CODE) == []
    assert await patterns(neo4j_driver, workspace) == before


async def test_a_memory_that_is_alike_no_longer_does_not_count(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    alike = [said(workspace, f"a{n}") for n in range(3)]
    await ingest(neo4j_driver, file(workspace), *alike)
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    assert len(await patterns(neo4j_driver, workspace)) == 1

    await ingest(neo4j_driver, said(workspace, "a1", topic="tea", version=1))
    await detect(neo4j_driver, workspace, MEMORY_CODE)
    assert await patterns(neo4j_driver, workspace) == []
