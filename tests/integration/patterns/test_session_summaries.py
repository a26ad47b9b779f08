"""Each session of memories has one summary that covers it and says what it was about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from neo4j import AsyncDriver

from shared.graph import session_summaries
from shared.graph.memories import MeasuredMemory
from tests.integration.patterns.pattern_builders import (
    BEN,
    EMBEDDER,
    MONDAY,
    detect,
    memory,
    query,
    remove,
    save,
)
from tests.integration.patterns.real_sessions import measured

SUMMARIES = """
MATCH (n:SessionSummary {workspace_id: $workspace})
OPTIONAL MATCH (n)-[:COVERS]->(s:EntitySummary)
WITH n, s ORDER BY s.occurred_at, s.id
WITH n, collect(s.id) AS covered
RETURN n {.*} AS session, covered ORDER BY n.start_time, n.user_id
"""
TEXTS = ("Fixed the login error", "Why does the error stay? Solved it", "I learned about security")


async def sessions(driver: AsyncDriver, workspace: str) -> list[dict[str, Any]]:
    """Return the stored sessions with what they cover."""
    return await query(driver, SUMMARIES, workspace=workspace)


async def look(driver: AsyncDriver, workspace: str) -> list[dict[str, Any]]:
    await detect(driver, workspace, ["temporal"])
    return await sessions(driver, workspace)


def written(workspace: str, *texts: str) -> list[MeasuredMemory]:
    """Return memories of one session, half an hour apart."""
    return [memory(workspace, f"m{n}", text, hours=n / 2) for n, text in enumerate(texts)]


def mean_direction(vectors: list[list[float]]) -> list[float]:
    mean = [sum(column) / len(vectors) for column in zip(*vectors, strict=True)]
    length = sqrt(sum(value * value for value in mean))
    return [value / length for value in mean]


async def test_a_session_says_when_it_was_whose_and_what_it_was_about(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    every = written(workspace, *TEXTS)
    await save(neo4j_driver, *every)
    (row,) = await look(neo4j_driver, workspace)
    found = row["session"]
    assert (found["user_id"], found["project_name"]) == (str(every[0].entity.user_id), "shop")
    assert found["start_time"].to_native() == MONDAY
    assert found["end_time"].to_native() == MONDAY + timedelta(hours=1)
    assert found["entity_count"] == 3
    assert found["dominant_patterns"] == ["debugging", "learning", "problem_solving"]
    assert found["dominant_pattern_counts"] == [2, 1, 1]
    assert found["keywords"] == ["security", "error", "fix", "learn"]
    assert row["covered"] == [f"memory:{each.entity.id}" for each in every]


async def test_the_centroid_is_the_mean_of_the_embeddings_with_length_one(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    every = written(workspace, *TEXTS)
    await save(neo4j_driver, *every)
    (row,) = await look(neo4j_driver, workspace)
    centroid = row["session"]["centroid_embedding"]
    assert centroid == pytest.approx(mean_direction([list(each.embedding) for each in every]))
    assert sqrt(sum(value * value for value in centroid)) == pytest.approx(1.0)
    assert len(centroid) == EMBEDDER.dimensions


async def test_opposite_embeddings_have_no_centroid(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    one, other = written(workspace, *TEXTS[:2])
    other = replace(other, embedding=[-value for value in one.embedding])
    await save(neo4j_driver, one, other)
    (row,) = await look(neo4j_driver, workspace)
    assert "centroid_embedding" not in row["session"]


async def test_a_centroid_of_a_very_large_session_is_of_members_spread_over_it(
    neo4j_driver: AsyncDriver, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_summaries, "MOST_EMBEDDINGS", 2)
    every = [memory(workspace, f"m{n}", hours=n) for n in range(4)]
    await save(neo4j_driver, *every)
    (row,) = await look(neo4j_driver, workspace)
    expected = mean_direction([list(each.embedding) for each in (every[0], every[2])])
    assert row["session"]["centroid_embedding"] == pytest.approx(expected)


@pytest.mark.parametrize(("hours", "expected"), [((0,), []), ((0, 2), [2]), ((0, 2.01), [])])
async def test_a_session_has_two_memories_no_more_than_two_hours_apart(
    neo4j_driver: AsyncDriver, workspace: str, hours: tuple[float, ...], expected: list[int]
) -> None:
    await save(neo4j_driver, *(memory(workspace, f"m{at}", hours=at) for at in hours))
    found = await look(neo4j_driver, workspace)
    assert [row["session"]["entity_count"] for row in found] == expected


async def test_a_session_that_grows_keeps_its_id_and_is_replaced(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    every = written(workspace, *TEXTS)
    await save(neo4j_driver, *every[:2])
    (before,) = await look(neo4j_driver, workspace)
    await save(neo4j_driver, every[2])
    (after,) = await look(neo4j_driver, workspace)
    assert after["session"]["id"] == before["session"]["id"]
    assert (len(before["covered"]), len(after["covered"])) == (2, 3)
    assert after["session"]["centroid_embedding"] != before["session"]["centroid_embedding"]


async def test_a_new_version_of_a_memory_changes_what_its_session_is_about(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    every = written(workspace, *TEXTS[:2])
    await save(neo4j_driver, *every)
    await look(neo4j_driver, workspace)
    await save(neo4j_driver, *written(workspace, "Sells tea", "Refactored the parser"))
    (row,) = await look(neo4j_driver, workspace)
    assert row["session"]["dominant_patterns"] == ["refactoring"]
    assert row["session"]["keywords"] == ["refactor"]


async def test_a_memory_between_two_sessions_makes_them_one_and_its_removal_parts_them(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    ends = [memory(workspace, f"m{at}", hours=at) for at in (0, 1, 4, 5)]
    bridge = memory(workspace, "bridge", hours=2.5)
    await save(neo4j_driver, *ends)
    assert [len(row["covered"]) for row in await look(neo4j_driver, workspace)] == [2, 2]
    await save(neo4j_driver, bridge)
    assert [len(row["covered"]) for row in await look(neo4j_driver, workspace)] == [5]
    await remove(neo4j_driver, bridge)
    assert [len(row["covered"]) for row in await look(neo4j_driver, workspace)] == [2, 2]


async def test_a_session_of_removed_memories_is_gone(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    every = written(workspace, *TEXTS)
    await save(neo4j_driver, *every)
    assert len(await look(neo4j_driver, workspace)) == 1
    await remove(neo4j_driver, *every[1:])
    assert await look(neo4j_driver, workspace) == []


async def test_an_unchanged_session_is_not_written_again(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *written(workspace, *TEXTS))
    await look(neo4j_driver, workspace)
    await query(
        neo4j_driver, "MATCH (n:SessionSummary {workspace_id: $w}) SET n.keywords = ['kept']",
        w=workspace,
    )  # fmt: skip
    await save(neo4j_driver, memory(workspace, "another day", hours=48))
    (row,) = await look(neo4j_driver, workspace)
    assert row["session"]["keywords"] == ["kept"]


async def test_users_and_projects_have_sessions_of_their_own(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(
        neo4j_driver,
        *(memory(workspace, f"a{n}", hours=n / 4) for n in range(2)),
        *(memory(workspace, f"b{n}", hours=n / 4, user=BEN) for n in range(2)),
        *(memory(workspace, f"c{n}", hours=n / 4, project=None) for n in range(2)),
    )
    found = await look(neo4j_driver, workspace)
    owners = [(row["session"]["user_id"], row["session"]["project_name"]) for row in found]
    assert len(set(owners)) == 3
    assert [len(row["covered"]) for row in found] == [2, 2, 2]


async def test_real_sessions_are_covered_once_each_and_say_what_they_were_about(
    neo4j_driver: AsyncDriver, workspace: str, samples: Path
) -> None:
    every = await measured(workspace, samples / "claude-code")
    await save(neo4j_driver, *every)
    found = await look(neo4j_driver, workspace)
    covered = [summary for row in found for summary in row["covered"]]
    times = {f"memory:{each.entity.id}": each.entity.occurred_at for each in every}
    assert len(covered) == len(set(covered))
    assert len(covered) > len(every) / 2
    for row in found:
        inside = [times[summary] for summary in row["covered"]]
        assert row["session"]["entity_count"] == len(inside) >= 2
        assert row["session"]["start_time"].to_native() == min(inside)
        assert row["session"]["end_time"].to_native() == max(inside)
        assert row["session"]["centroid_embedding"]
    assert any("debugging" in row["session"]["dominant_patterns"] for row in found)
    assert all(row["session"]["keywords"] for row in found)
