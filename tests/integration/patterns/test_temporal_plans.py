"""Patterns of time and sessions are found by indexes that start with the workspace."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, LiteralString

import pytest
from neo4j import AsyncDriver

from shared.graph import session_summaries
from shared.graph.temporal_patterns import FIND_MOMENTS
from tests.integration.patterns.pattern_builders import MONDAY, detect, memory, query, save
from tests.integration.patterns.test_pattern_plans import SCANS, details, operators, profile

WEEK = MONDAY.replace(hour=0)
COUNT = 40
FILES = 300


@pytest.fixture
async def crowded(neo4j_driver: AsyncDriver, workspace: str) -> str:
    """A workspace with many files and memories of other weeks, and some sessions."""
    every = [memory(workspace, f"m{n}", hours=n / 10) for n in range(COUNT)]
    others = [memory(workspace, f"o{n}", hours=24 * 30 + n / 10) for n in range(COUNT)]
    await save(neo4j_driver, *every, *others)
    await query(
        neo4j_driver,
        """
        UNWIND range(1, $count) AS n
        CREATE (:EntitySummary {
            workspace_id: $workspace, id: 'code:' + n, entity_type: 'code', user_id: 'anna',
            project_name: 'shop', occurred_at: $at
        })
        """,
        workspace=workspace,
        count=FILES,
        at=MONDAY,
    )
    await detect(neo4j_driver, workspace, ["temporal"])
    return workspace


def row(workspace: str, **values: object) -> dict[str, object]:
    return {"workspace_id": workspace, "id": "x", **values}


def week_row(workspace: str, since: datetime = WEEK) -> dict[str, object]:
    until = since + timedelta(days=7)
    bounds = {"from": since, "to": until, "since": since, "until": until}
    return row(workspace, project_name="shop", **bounds)


def hits(found: list[dict[str, Any]]) -> int:
    return sum(step["args"].get("DbHits", 0) for step in found)


async def test_the_memories_of_a_week_are_read_in_order_by_their_index(
    neo4j_driver: AsyncDriver, crowded: str
) -> None:
    found = await profile(neo4j_driver, FIND_MOMENTS, rows=[week_row(crowded)], limit=10)
    assert not operators(found) & (SCANS | {"Sort", "Top", "PartialSort", "PartialTop"})
    assert "entity_type, occurred_at, id)" in details(found)


async def test_files_of_the_same_week_and_more_memories_than_the_limit_cost_nothing(
    neo4j_driver: AsyncDriver, crowded: str
) -> None:
    few, more, all_of_it = [
        hits(await profile(neo4j_driver, FIND_MOMENTS, rows=[week_row(crowded)], limit=limit))
        for limit in (10, 20, COUNT)
    ]
    assert few < more < all_of_it < FILES * 2
    assert few < all_of_it / 2


@pytest.mark.parametrize(
    "statement",
    [
        session_summaries.FIND_STORED,
        session_summaries.FIND_COVERED,
        session_summaries.FIND_MEASURED,
        session_summaries.DELETE_GONE,
        session_summaries.SAVE_SESSIONS,
        session_summaries.UNCOVER,
        session_summaries.COVER,
        session_summaries.SET_CENTROIDS,
    ],
)
async def test_sessions_and_their_members_are_found_by_their_keys(
    neo4j_driver: AsyncDriver, crowded: str, statement: LiteralString
) -> None:
    (session,) = await query(
        neo4j_driver,
        "MATCH (n:SessionSummary {workspace_id: $w}) RETURN n.id AS id ORDER BY id LIMIT 1",
        w=crowded,
    )
    member = f"memory:{memory(crowded, 'm0').entity.id}"
    values = {"id": session["id"], "member": member, "members": [member]}
    rows = [{**week_row(crowded), **values, "properties": {"user_id": "anna"}}]
    found = await profile(neo4j_driver, statement, rows=rows)
    assert not operators(found) & SCANS
    assert hits(found) < FILES * 3


async def test_a_weeks_sessions_are_found_by_project_and_start(
    neo4j_driver: AsyncDriver, crowded: str
) -> None:
    found = await profile(neo4j_driver, session_summaries.FIND_STORED, rows=[week_row(crowded)])
    assert "project_name, start_time)" in details(found)
