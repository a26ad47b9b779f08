"""Patterns of time in the graph: found in any order of arrival, gone with their memories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

import pytest
from neo4j import AsyncDriver

from shared.domain.margins import with_margins
from shared.domain.places import Place
from shared.graph import temporal_patterns
from shared.graph.driver import write
from shared.graph.memories import MeasuredMemory
from shared.graph.temporal_patterns import find_moments
from tests.integration.patterns.pattern_builders import (
    BEN,
    MONDAY,
    detect,
    list_patterns,
    memory,
    query,
    remove,
    save,
)

TEMPORAL = ["temporal"]
SUNDAY_NIGHT = datetime(2026, 1, 11, 23, 30, tzinfo=UTC)
STORED = """
MATCH (p:Pattern {workspace_id: $workspace})
OPTIONAL MATCH (p)-[link]->(n)
WITH p, type(link) AS kind, coalesce(n.chunk_id, n.entity_id) AS target ORDER BY kind, target
WITH p, collect([kind, target]) AS links
RETURN p.name AS name, p.period AS period, p.frequency AS frequency, p.metadata AS metadata,
       size(links) AS links ORDER BY name, period
"""
SESSIONS = """
MATCH (n:SessionSummary {workspace_id: $workspace})
OPTIONAL MATCH (n)-[:COVERS]->(:EntitySummary)-[:SUMMARIZES]->(m:Memory)
WITH n, m.chunk_id AS chunk ORDER BY chunk
RETURN toString(n.start_time) AS start, n.entity_count AS size, n.keywords AS keywords,
       n.dominant_patterns AS patterns, n.centroid_embedding AS centroid,
       collect(chunk) AS chunks ORDER BY start, size
"""


def minutes(workspace: str, *at: float, start: datetime = MONDAY) -> list[MeasuredMemory]:
    """Return memories of so many minutes after the start."""
    return [
        memory(workspace, f"{start:%d%H%M}/{n:07.2f}", at=start + timedelta(minutes=n)) for n in at
    ]


async def stored(driver: AsyncDriver, workspace: str) -> list[tuple[str, str, int]]:
    rows = await query(driver, STORED, workspace=workspace)
    return [(row["name"], row["period"], row["frequency"]) for row in rows]


async def everything(driver: AsyncDriver, workspace: str) -> list[list[dict[str, Any]]]:
    return [await query(driver, each, workspace=workspace) for each in (STORED, SESSIONS)]


async def test_an_hour_of_work_has_its_patterns_with_evidence(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *minutes(workspace, 0, 10, 20, 30, 40))
    await detect(neo4j_driver, workspace, TEMPORAL)
    found = {one.name: one for one in await list_patterns(neo4j_driver, workspace)}
    assert found.keys() == {"intensive-session", "work-session", "work-sequence"}
    hour = found["intensive-session"]
    assert (hour.type, hour.period, hour.period_type) == ("temporal", "2026-01-05T09", "hour")
    assert (hour.frequency, hour.confidence, len(hour.evidence)) == (5, 0.25, 5)
    assert hour.metadata["reason"].startswith("5 memories of shop stand in the hour from")
    assert found["work-session"].metadata["sessions"] == ["09:00 to 09:40: 5 memories, continuous"]


async def test_a_session_across_the_weeks_edge_is_found_once_and_whole(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    before, after = minutes(workspace, 0, 20, start=SUNDAY_NIGHT), [*range(40, 140, 20)]
    await save(neo4j_driver, *before)
    await detect(neo4j_driver, workspace, TEMPORAL)
    await save(neo4j_driver, *minutes(workspace, *after, start=SUNDAY_NIGHT))
    await detect(neo4j_driver, workspace, TEMPORAL)
    sessions = [each for each in await stored(neo4j_driver, workspace) if each[0] == "work-session"]
    assert sessions == [("work-session", "2026-01-11", 7)]
    (row,) = await query(neo4j_driver, SESSIONS, workspace=workspace)
    assert (row["size"], len(row["chunks"])) == (7, 7)


async def test_removed_memories_take_their_patterns_along(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    every = minutes(workspace, 0, 6, 12, 18, 24, 59)
    await save(neo4j_driver, *every)
    await detect(neo4j_driver, workspace, TEMPORAL)
    assert ("intensive-session", "2026-01-05T09", 6) in await stored(neo4j_driver, workspace)

    await remove(neo4j_driver, every[0])
    await detect(neo4j_driver, workspace, TEMPORAL)
    assert await stored(neo4j_driver, workspace) == [
        ("intensive-session", "2026-01-05T09", 5),
        ("work-sequence", "2026-01-05", 4),
        ("work-session", "2026-01-05", 5),
    ]

    await remove(neo4j_driver, *every[1:])
    await detect(neo4j_driver, workspace, TEMPORAL)
    assert await everything(neo4j_driver, workspace) == [[], []]


async def test_a_memory_that_moves_in_time_leaves_no_pattern_behind(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    every = minutes(workspace, 0, 6, 12, 18, 24)
    await save(neo4j_driver, *every)
    await detect(neo4j_driver, workspace, TEMPORAL)
    name = every[0].entity.chunk_id
    await save(neo4j_driver, memory(workspace, name, at=MONDAY + timedelta(days=30)))
    await detect(neo4j_driver, workspace, TEMPORAL)
    assert await stored(neo4j_driver, workspace) == [("work-sequence", "2026-01-05", 4)]


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_and_pieces_of_arrival_leave_the_graph_of_one_look(
    neo4j_driver: AsyncDriver, workspace: str, seed: int
) -> None:
    random = Random(seed)
    gaps = [random.choice([1, 4, 5, 14, 29, 30, 31, 90, 120, 121, 700]) for _ in range(40)]
    start = SUNDAY_NIGHT - timedelta(hours=20)
    every = minutes(workspace, *(sum(gaps[:n]) for n in range(40)), start=start)
    await save(neo4j_driver, *every)
    await detect(neo4j_driver, workspace, TEMPORAL)
    at_once = await everything(neo4j_driver, workspace)
    assert all(at_once)

    await remove(neo4j_driver, *every)
    await detect(neo4j_driver, workspace, TEMPORAL)
    assert await everything(neo4j_driver, workspace) == [[], []]

    for piece in _pieces(random.sample(every, len(every)), random):
        await save(neo4j_driver, *piece)
        await detect(neo4j_driver, workspace, TEMPORAL, limit=random.choice([1, 3, 100]))
    patterns, sessions = await everything(neo4j_driver, workspace)
    assert patterns == at_once[0]
    assert _without_centroids(sessions) == _without_centroids(at_once[1])
    for one, other in zip(sessions, at_once[1], strict=True):
        assert one["centroid"] == pytest.approx(other["centroid"])


def _pieces(every: Sequence[MeasuredMemory], random: Random) -> list[Sequence[MeasuredMemory]]:
    cuts = sorted(random.sample(range(1, len(every)), 6))
    return [every[start:end] for start, end in zip([0, *cuts], [*cuts, len(every)], strict=True)]


def _without_centroids(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "centroid"} for row in rows]


async def test_a_second_look_at_the_same_changes_nothing(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *minutes(workspace, *range(0, 200, 9)))
    await detect(neo4j_driver, workspace, TEMPORAL)
    before = await everything(neo4j_driver, workspace)
    await query(
        neo4j_driver, "MATCH (d:DetectionMark {workspace_id: $w}) SET d.change = 0", w=workspace
    )
    await detect(neo4j_driver, workspace, TEMPORAL)
    assert await everything(neo4j_driver, workspace) == before


async def test_1970_odd_offsets_and_the_future_do_no_harm(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    future = datetime.now(UTC) + timedelta(days=400)
    odd = timezone(timedelta(hours=5, minutes=45))
    await save(
        neo4j_driver,
        *minutes(workspace, *range(5), start=future),
        *minutes(workspace, *range(5), start=datetime(1970, 1, 1, tzinfo=UTC)),
        *minutes(workspace, *range(5), start=datetime(2026, 1, 6, 2, 15, tzinfo=odd)),
    )
    await detect(neo4j_driver, workspace, TEMPORAL)
    found = await stored(neo4j_driver, workspace)
    assert [period for name, period, _ in found if name == "intensive-session"] == [
        "1970-01-01T00",
        "2026-01-05T20",
    ]
    assert {period[:4] for _, period, _ in found} == {"1970", "2026"}


async def test_the_future_does_not_count_in_the_present_week(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    now = datetime.now(UTC)
    ahead = now + timedelta(days=1, minutes=5)
    await save(neo4j_driver, *minutes(workspace, *range(5), start=ahead))
    await save(neo4j_driver, memory(workspace, "now", at=now))
    await detect(neo4j_driver, workspace, TEMPORAL)
    assert await everything(neo4j_driver, workspace) == [[], []]


async def test_non_english_and_emoji_texts_count_like_any_other(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    texts = ["修正しました", "🎉🎉🎉", "Ошибка", "", "def f(): return 1"]
    await save(
        neo4j_driver,
        *(memory(workspace, f"m{n}", text, hours=n / 10) for n, text in enumerate(texts)),
    )
    await detect(neo4j_driver, workspace, TEMPORAL)
    assert ("work-session", "2026-01-05", 5) in await stored(neo4j_driver, workspace)


async def test_ten_thousand_memories_of_one_minute_are_one_hour_and_one_burst(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await query(
        neo4j_driver,
        """
        UNWIND range(0, 10999) AS n
        CREATE (:EntitySummary {
            workspace_id: $workspace, id: 'memory:' + n, entity_type: 'memory', user_id: 'anna',
            project_name: 'shop', occurred_at: $at + duration({milliseconds: 5 * n}), change: n + 1
        })
        """,
        workspace=workspace,
        at=MONDAY,
    )
    await query(neo4j_driver, "CREATE (:Workspace {workspace_id: $w, changes: 11000})", w=workspace)
    await detect(neo4j_driver, workspace, TEMPORAL, limit=10_000)
    assert await stored(neo4j_driver, workspace) == [
        ("activity-burst", "2026-01-05", 10_000),
        ("intensive-session", "2026-01-05T09", 10_000),
        ("work-sequence", "2026-01-05", 10_000),
    ]


async def test_of_a_very_full_week_the_newest_count_the_same_in_every_look(
    neo4j_driver: AsyncDriver, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporal_patterns, "MOST_MEMORIES", 3)
    await save(neo4j_driver, *minutes(workspace, 0, 0.5, 1, 2, 3))
    week = Place("shop", datetime(2026, 1, 5, tzinfo=UTC))
    after = Place("shop", week.until)
    for places in ([week], [after], [week, after]):
        parts = with_margins(places, timedelta(days=7))
        found = await write(
            neo4j_driver,
            lambda tx, parts=parts: find_moments(tx, workspace, parts, now=datetime.now(UTC)),
        )
        assert sorted(each.occurred_at.minute for each in found) == [1, 2, 3]


async def test_users_of_one_project_share_a_pattern_but_no_session(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    bens = [memory(workspace, f"b{n}", hours=n / 10, user=BEN) for n in range(5)]
    await save(neo4j_driver, *minutes(workspace, *range(6)), *bens)
    await detect(neo4j_driver, workspace, TEMPORAL)
    assert ("work-session", "2026-01-05", 11) in await stored(neo4j_driver, workspace)
    rows = await query(neo4j_driver, SESSIONS, workspace=workspace)
    assert [row["size"] for row in rows] == [5, 6]
