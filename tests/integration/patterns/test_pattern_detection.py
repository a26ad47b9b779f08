"""A detection request reads the graph and stores patterns with their evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from neo4j import AsyncDriver

from services.patterns.detectors import choose_detectors
from services.patterns.handlers import detect_patterns
from shared.domain.findings import pattern_id
from shared.errors import UnknownPatternTypeError
from shared.graph.looking import Task, run_detector
from shared.graph.marks import read_newest
from shared.graph.news import Scope
from shared.messages import DetectPatterns
from tests.integration.patterns.pattern_builders import (
    ANNA,
    BEN,
    EMBEDDER,
    MONDAY,
    detect,
    direction,
    list_patterns,
    memory,
    query,
    save,
)

DAY = [f"m{number}" for number in range(6)]
GRAPH = """
MATCH (p:Pattern {workspace_id: $workspace})
OPTIONAL MATCH (p)-[link]->(n)
WITH p, type(link) AS kind, n.id AS target ORDER BY p.id, kind, target
RETURN p {.*, last_validated: null} AS pattern, collect([kind, target]) AS links
"""


async def stored(driver: AsyncDriver, workspace: str) -> list[tuple[str, str, int]]:
    """Return name, period and frequency of each pattern."""
    found = await list_patterns(driver, workspace)
    return sorted((pattern.name, pattern.period, pattern.frequency) for pattern in found)


async def graph(driver: AsyncDriver, workspace: str) -> list[dict[str, Any]]:
    return await query(driver, GRAPH, workspace=workspace)


async def test_a_day_of_debugging_becomes_a_pattern_with_its_evidence(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    (pattern_key,) = await detect(neo4j_driver, workspace)

    (pattern,) = await list_patterns(neo4j_driver, workspace)
    assert pattern.id == pattern_key
    assert pattern.id == pattern_id(
        workspace, ("debugging", "debugging-session", "shop", "2026-01-05")
    )
    assert (pattern.user_id, pattern.period_type) == (str(ANNA), "day")
    assert (pattern.frequency, pattern.confidence) == (6, pytest.approx(6 / 20))
    assert pattern.first_detected <= pattern.last_updated <= pattern.last_validated
    assert pattern.metadata["reason"].startswith("6 memories of shop carry the debugging signal")
    assert {evidence.kind for evidence in pattern.evidence} == {"Memory"}
    assert pattern.evidence[0].excerpt == "Fixed an error in the login"


async def test_evidence_links_to_the_summaries_and_to_what_they_summarise(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    await detect(neo4j_driver, workspace)
    rows = await query(
        neo4j_driver,
        """
        MATCH (p:Pattern {workspace_id: $workspace, scope: $workspace})-[:FOUND_IN]->(s)
        MATCH (p)-[:DERIVED_FROM]->(m:Memory)<-[:SUMMARIZES]-(s)
        RETURN count(DISTINCT s) AS summaries, count(DISTINCT m) AS memories
        """,
        workspace=workspace,
    )
    assert rows == [{"summaries": 6, "memories": 6}]


async def test_a_second_run_leaves_the_same_graph(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    alike = [memory(workspace, f"a{n}", hours=200 + n, topic="login") for n in range(4)]
    await save(neo4j_driver, *alike)
    await detect(neo4j_driver, workspace)
    before = await graph(neo4j_driver, workspace)
    await detect(neo4j_driver, workspace)
    assert await graph(neo4j_driver, workspace) == before
    assert len(before) == 2


async def test_alike_memories_of_a_week_replace_the_keyword_pattern_of_their_days(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    await detect(neo4j_driver, workspace)
    assert await stored(neo4j_driver, workspace) == [("debugging-session", "2026-01-05", 6)]

    alike = [memory(workspace, f"a{n}", hours=24 * n, topic="login") for n in range(1, 5)]
    await save(neo4j_driver, *alike)
    await detect(neo4j_driver, workspace)
    assert await stored(neo4j_driver, workspace) == [("debugging-session-semantic", "2026-W02", 4)]


async def test_a_semantic_pattern_stays_in_place_of_keywords_when_newer_months_take_the_seeds(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, f"a{n}", hours=n, topic="x") for n in range(8)))
    await detect(neo4j_driver, workspace, ["debugging"])
    expected = [("debugging-session-semantic", "2026-W02", 8)]
    assert await stored(neo4j_driver, workspace) == expected

    await save(neo4j_driver, memory(workspace, "newer", hours=24 * 60))
    await detect(neo4j_driver, workspace, ["debugging"])
    assert await stored(neo4j_driver, workspace) == expected


async def test_the_stored_semantic_pattern_of_one_user_leaves_the_keyword_pattern_of_another(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, f"a{n}", hours=n, topic="x") for n in range(8)))
    await detect(neo4j_driver, workspace)
    await save(neo4j_driver, *(memory(workspace, name, user=BEN) for name in DAY))
    await save(neo4j_driver, memory(workspace, "newer", hours=24 * 60))
    await detect(neo4j_driver, workspace)
    found = {one.name: one for one in await list_patterns(neo4j_driver, workspace)}
    assert found["debugging-session-semantic"].user_id == str(ANNA)
    assert found["debugging-session"].user_id == str(BEN)
    assert found["debugging-session"].frequency == len(DAY)


async def test_nearer_memories_of_a_colleague_and_without_the_signal_hide_nothing(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    near = direction("login", spread=0.0)
    colleague = [memory(workspace, f"b{n}", user=BEN, at=MONDAY) for n in range(60)]
    silent = [memory(workspace, f"s{n}", "Sells tea", at=MONDAY) for n in range(60)]
    await save(neo4j_driver, *(replace(one, embedding=near) for one in [*colleague, *silent]))
    await save(neo4j_driver, *(memory(workspace, f"a{n}", topic="login") for n in range(3)))
    await detect(neo4j_driver, workspace, ["debugging"])
    (pattern,) = await list_patterns(neo4j_driver, workspace)
    assert pattern.metadata["users"] == [str(ANNA), str(BEN)]


async def test_the_pattern_of_another_user_is_not_replaced(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name, user=BEN) for name in DAY))
    alike = [memory(workspace, f"a{n}", hours=n, topic="login") for n in range(3)]
    await save(neo4j_driver, *alike)
    await detect(neo4j_driver, workspace)
    assert [name for name, _, _ in await stored(neo4j_driver, workspace)] == [
        "debugging-session",
        "debugging-session-semantic",
    ]


async def test_frequency_is_replaced_confidence_only_grows_and_lost_evidence_goes(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    names = [*DAY, "m6", "m7"]
    await save(neo4j_driver, *(memory(workspace, name) for name in names))
    await detect(neo4j_driver, workspace)
    changed = memory(workspace, "m7", "Sells tea", at=MONDAY)
    await save(neo4j_driver, changed)
    await detect(neo4j_driver, workspace)

    (pattern,) = await list_patterns(neo4j_driver, workspace)
    assert (pattern.frequency, pattern.confidence) == (7, pytest.approx(8 / 20))
    assert str(changed.entity.id) not in {evidence.id for evidence in pattern.evidence}
    (row,) = await graph(neo4j_driver, workspace)
    assert len(row["links"]) == 14


async def test_sessions_imported_years_later_have_their_patterns(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    old = datetime(2019, 3, 4, 9, tzinfo=UTC)
    alike = [memory(workspace, f"a{n}", at=old + timedelta(hours=n), topic="x") for n in range(3)]
    await save(neo4j_driver, *alike)
    await detect(neo4j_driver, workspace, ["debugging"])
    assert await stored(neo4j_driver, workspace) == [("debugging-session-semantic", "2019-W10", 3)]


async def test_memories_without_a_project_have_patterns_too(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    alike = [memory(workspace, f"a{n}", topic="x", project=None) for n in range(3)]
    await save(neo4j_driver, *alike)
    await detect(neo4j_driver, workspace)
    (pattern,) = await list_patterns(neo4j_driver, workspace)
    assert (pattern.project_name, pattern.frequency) == ("", 3)


async def test_all_three_types_are_found_and_only_those_that_were_named(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    texts = ["Fixed the login error", "I learned how the queue works", "Refactored the parser"]
    for topic, text in enumerate(texts):
        alike = [memory(workspace, f"{topic}/{n}", text, topic=str(topic)) for n in range(3)]
        await save(neo4j_driver, *alike)
    await detect(neo4j_driver, workspace, ["learning"])
    assert {p.type for p in await list_patterns(neo4j_driver, workspace)} == {"learning"}
    await detect(neo4j_driver, workspace)
    found = {p.type for p in await list_patterns(neo4j_driver, workspace)}
    assert found == {"debugging", "learning", "refactoring"}


async def test_an_unknown_type_is_refused_before_anything_is_stored(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    with pytest.raises(UnknownPatternTypeError, match="magic"):
        await detect(neo4j_driver, workspace, ["debugging", "magic"])
    assert await list_patterns(neo4j_driver, workspace) == []


async def test_one_run_sees_no_more_than_its_limit_and_the_next_goes_on_there(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    job = DetectPatterns(workspace_id=workspace, pattern_types=["debugging"], limit=4)
    first = await detect_patterns(job, driver=neo4j_driver, embedder=EMBEDDER)
    second = await detect_patterns(job, driver=neo4j_driver, embedder=EMBEDDER)
    third = await detect_patterns(job, driver=neo4j_driver, embedder=EMBEDDER)
    assert [first.has_more, second.has_more, third.has_more] == [True, False, False]
    assert (first.patterns, third.patterns) == (second.patterns, [])


async def test_a_scope_is_looked_at_again_and_nothing_else(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    await save(neo4j_driver, *(memory(workspace, f"b{n}", project="bank") for n in range(6)))
    await detect(neo4j_driver, workspace)
    await query(neo4j_driver, "MATCH (p:Pattern {workspace_id: $w}) DETACH DELETE p", w=workspace)
    job = DetectPatterns(
        workspace_id=workspace, pattern_types=["debugging"], project_name="bank", since=MONDAY
    )
    await detect_patterns(job, driver=neo4j_driver, embedder=EMBEDDER)
    (pattern,) = await list_patterns(neo4j_driver, workspace)
    assert (pattern.project_name, pattern.frequency) == ("bank", 6)
    nothing = job.model_copy(update={"since": None, "until": MONDAY})
    outcome = await detect_patterns(nothing, driver=neo4j_driver, embedder=EMBEDDER)
    assert outcome.patterns == []


async def test_a_memory_that_moves_to_another_project_takes_its_evidence_along(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    await detect(neo4j_driver, workspace)
    await save(neo4j_driver, *(memory(workspace, name, project="bank") for name in DAY))
    await detect(neo4j_driver, workspace, [])
    (pattern,) = await list_patterns(neo4j_driver, workspace, types=["debugging"])
    assert (pattern.project_name, pattern.frequency) == ("bank", 6)
    left = await query(
        neo4j_driver, "MATCH (r:Removal {workspace_id: $w}) RETURN r.id", w=workspace
    )
    assert left == []


async def test_another_version_of_a_detector_looks_at_everything_anew(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    task = Task(workspace, EMBEDDER.calibration, datetime.now(UTC))
    detector, *_ = choose_detectors(["debugging"])
    newer = replace(detector, version=detector.version + 1)
    newest = await read_newest(neo4j_driver, workspace)
    runs = [
        await run_detector(neo4j_driver, one, task, Scope(), newest=newest, limit=100)
        for one in (detector, detector, newer, newer)
    ]
    assert [run.seen for run in runs] == [6, 0, 6, 0]


@pytest.mark.parametrize("count", [0, 1])
async def test_no_pattern_is_made_of_nothing(
    neo4j_driver: AsyncDriver, workspace: str, count: int
) -> None:
    if count:
        await save(neo4j_driver, memory(workspace, "only", topic="x"))
    assert await detect(neo4j_driver, workspace) == []


async def test_the_future_and_1970_do_no_harm(neo4j_driver: AsyncDriver, workspace: str) -> None:
    future = datetime.now(UTC) + timedelta(days=400)
    odd = [memory(workspace, f"f{n}", at=future, topic="x") for n in range(7)]
    odd += [memory(workspace, f"e{n}", at=datetime.fromtimestamp(n, UTC)) for n in range(6)]
    await save(neo4j_driver, *odd, *(memory(workspace, name) for name in DAY))
    await detect(neo4j_driver, workspace, ["debugging"])
    assert await stored(neo4j_driver, workspace) == [
        ("debugging-session", "1970-01-01", 6),
        ("debugging-session", "2026-01-05", 6),
    ]


async def test_patterns_are_listed_by_type_project_and_confidence(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    more = [memory(workspace, f"b{n}", project="bank") for n in range(10)]
    await save(neo4j_driver, *more)
    await detect(neo4j_driver, workspace)

    every = await list_patterns(neo4j_driver, workspace)
    assert [pattern.project_name for pattern in every] == ["bank", "shop"]
    shop = await list_patterns(neo4j_driver, workspace, types=["debugging"], project_name="shop")
    assert [pattern.project_name for pattern in shop] == ["shop"]
    assert await list_patterns(neo4j_driver, workspace, types=["learning"]) == []
    assert len(await list_patterns(neo4j_driver, workspace, minimum_confidence=0.4)) == 1
