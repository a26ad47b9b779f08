"""Problems with their solutions and research with its implementations, in the graph."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any, LiteralString
from uuid import UUID

import pytest
from neo4j import AsyncDriver

from shared.domain.problem_solution import PROBLEM_SOLUTION
from shared.domain.signals import measure_signals
from shared.graph.following import (
    MOST_ORIGINS,
    NEIGHBOURS,
    NEXT_OF_SESSION,
    choose_origins,
    find_alike_query,
    find_next_query,
)
from shared.graph.memories import MeasuredMemory
from shared.graph.neighbours import find_carriers_query
from shared.messages import Metadata
from tests.integration.patterns.pattern_builders import (
    ANNA,
    BEN,
    MONDAY,
    detect,
    memory,
    query,
    save,
)
from tests.integration.patterns.test_pattern_plans import SCANS, details, operators, profile
from tests.unit.domain.domain_builders import summary

PROBLEM = "The login fails with an error"
SOLUTION = "Fixed the login error"
SUNDAY_23 = 24 * 6 + 14
NAMES = ("problem-solution", "research-implementation")


def told(
    workspace: str,
    name: str,
    content: str,
    *,
    session: str = "session",
    metadata: Metadata | None = None,
    topic: str = "login",
    hours: float = 0,
    user: UUID = ANNA,
    project: str = "shop",
) -> MeasuredMemory:
    made = memory(workspace, name, content, topic=topic, hours=hours, user=user, project=project)
    entity = replace(made.entity, session_id=session, metadata=metadata or {})
    return replace(made, entity=entity, signals=measure_signals(content, metadata))


async def stored(driver: AsyncDriver, workspace: str) -> list[tuple[Any, ...]]:
    rows = await query(
        driver,
        "MATCH (p:Pattern {workspace_id: $w})-[:FOUND_IN]->(s) WHERE p.name IN $names "
        "RETURN p.name AS name, p.period AS period, p.metadata AS metadata, p.confidence AS c, "
        "count(s) AS evidence ORDER BY name, period",
        w=workspace,
        names=NAMES,
    )
    return [
        (row["name"], row["period"], row["evidence"], json.loads(row["metadata"])["pair_count"])
        for row in rows
    ]


async def test_a_problem_and_its_solution_are_a_pattern(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    parts = [
        told(workspace, "problem", PROBLEM),
        told(workspace, "solution", SOLUTION, hours=1),
        told(workspace, "tea", "Sells tea", hours=0.5),
    ]
    await save(neo4j_driver, *parts)
    await detect(neo4j_driver, workspace)
    assert await stored(neo4j_driver, workspace) == [("problem-solution", "2026-01-05", 2, 1)]


async def test_research_over_the_edge_of_a_week_is_found_once(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    question = told(workspace, "q", "I learned how the login works", hours=24 * 5)
    await save(neo4j_driver, question)
    await detect(neo4j_driver, workspace)
    await save(neo4j_driver, told(workspace, "i", "Implemented the login", hours=24 * 11))
    await detect(neo4j_driver, workspace)
    assert await stored(neo4j_driver, workspace) == [("research-implementation", "2026-W02", 2, 1)]


async def test_pairs_do_not_depend_on_the_order_in_which_memories_arrive(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    expected = [("problem-solution", "2026-01-11", 3, 2), ("problem-solution", "2026-01-12", 2, 1)]
    for number, order in enumerate(permutations(range(4))):
        own = f"{workspace[:-4]}{number:04}"
        for part in order:
            await save(neo4j_driver, _over_the_edge(own)[part])
            await detect(neo4j_driver, own, ["debugging"])
        assert await stored(neo4j_driver, own) == expected
        await query(neo4j_driver, "MATCH (n {workspace_id: $w}) DETACH DELETE n", w=own)


def _over_the_edge(workspace: str) -> Sequence[MeasuredMemory]:
    return [
        told(workspace, "p1", PROBLEM, hours=SUNDAY_23),
        told(workspace, "p2", PROBLEM, hours=SUNDAY_23 + 0.5),
        told(workspace, "s", SOLUTION, hours=SUNDAY_23 + 2),
        told(workspace, "p3", PROBLEM, hours=SUNDAY_23 + 1.5),
    ]


async def test_a_solution_that_is_taken_back_takes_the_pattern_with_it(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *_over_the_edge(workspace))
    await detect(neo4j_driver, workspace)
    await save(neo4j_driver, told(workspace, "s", "Sells tea", hours=SUNDAY_23 + 2))
    await detect(neo4j_driver, workspace)
    assert await stored(neo4j_driver, workspace) == []


async def test_an_edit_of_the_same_file_in_the_session_is_the_solution_whatever_it_says(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    asked: Metadata = {"tools": {"Bash": 2}, "failingOutputs": 2, "filePaths": ["a.go"]}
    edited: Metadata = {"tools": {"Edit": 2}, "filePaths": ["a.go", "b.go"]}
    problem = "mise run test fails with a panic\n\nThe error: a bug in the parser crashed it."
    found = [
        told(workspace, "p", problem, metadata=asked, topic="one"),
        told(workspace, "s", "yes, go ahead\n\nDone.", hours=1, metadata=edited, topic="two"),
    ]
    assert found[0].signals.pattern_signals["debugging_score"] >= 0.5
    await save(neo4j_driver, *found)
    await detect(neo4j_driver, workspace)
    assert await stored(neo4j_driver, workspace) == [("problem-solution", "2026-01-05", 2, 1)]


@pytest.mark.parametrize(
    ("user", "project", "hours"), [(BEN, "shop", 1), (ANNA, "bank", 1), (ANNA, "shop", 25)]
)
async def test_what_others_did_or_what_came_too_late_is_no_solution(
    neo4j_driver: AsyncDriver, workspace: str, user: UUID, project: str, hours: float
) -> None:
    solution = told(workspace, "solution", SOLUTION, user=user, project=project, hours=hours)
    await save(neo4j_driver, told(workspace, "problem", PROBLEM), solution)
    await detect(neo4j_driver, workspace)
    assert await stored(neo4j_driver, workspace) == []


async def test_identical_problems_at_one_moment_are_no_pattern(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, *(told(workspace, f"p{n}", PROBLEM) for n in range(30)))
    await detect(neo4j_driver, workspace)
    assert await stored(neo4j_driver, workspace) == []


def test_of_very_many_problems_of_a_week_the_newest_are_looked_at() -> None:
    week = [summary(f"p{n:03}", hours=n / 60, signals=("is_problem",)) for n in range(500)]
    later = [summary("q", hours=24 * 7, signals=("is_problem",))]
    chosen = choose_origins(PROBLEM_SOLUTION, [*week, *later])
    assert [one.id for one in chosen[:2]] == ["p499", "p498"]
    assert (len(chosen), chosen[-1].id) == (MOST_ORIGINS + 1, "q")


@pytest.mark.parametrize("kind", ["next", "alike", "origins"])
async def test_what_follows_is_found_by_indexes(
    neo4j_driver: AsyncDriver, workspace: str, kind: str
) -> None:
    strangers = [memory(workspace, f"m{n}", "Sells tea", hours=n / 60) for n in range(300)]
    await save(neo4j_driver, *strangers, told(workspace, "p", PROBLEM, hours=5))
    statements: dict[str, LiteralString] = {
        "next": find_next_query("is_solution"),
        "alike": find_alike_query("is_solution"),
        "origins": find_carriers_query("is_problem"),
    }
    memory_id = str(told(workspace, "p", PROBLEM).entity.id)
    origin = {
        "id": f"memory:{memory_id}",
        "memory_id": memory_id,
        "user_id": str(ANNA),
        "project_name": "shop",
        "since": MONDAY,
        "until": MONDAY.replace(day=12),
    }
    found = await profile(
        neo4j_driver,
        statements[kind],
        workspace_id=workspace,
        origins=[origin],
        places=[origin],
        next=NEXT_OF_SESSION,
        neighbours=NEIGHBOURS,
        score=0.8,
        limit=10,
    )
    assert not operators(found) & SCANS
    assert not operators(found) & {"Sort", "Top"}
    index = {"next": "place_in_session", "alike": "entity_summary_neighbours"}
    assert index.get(kind, "is_problem, occurred_at)") in details(found)
    hits = sum(step["args"].get("DbHits", 0) for step in found)
    assert hits < 300
