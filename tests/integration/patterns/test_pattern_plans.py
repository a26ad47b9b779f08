"""Detection is answered by indexes that start with the workspace; nothing is scanned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString, cast

import pytest
from neo4j import AsyncDriver

from shared.domain.debugging import DEBUGGING
from shared.domain.detector import SignalDetector
from shared.domain.learning import LEARNING
from shared.domain.problem_solving import PROBLEM_SOLVING
from shared.domain.refactoring import REFACTORING
from shared.graph.findings import (
    LINK_ENTITIES,
    LINK_EVIDENCE,
    MERGE_PATTERNS,
    READ_LINKED,
    UNLINK_ALL,
    UNLINK_STALE,
)
from shared.graph.neighbours import NEIGHBOURS, find_carriers_query, find_neighbours_query
from shared.graph.news import FIND_REMOVED, FIND_WRITTEN
from shared.graph.pattern_rates import READ_RATES
from shared.graph.pattern_statements import (
    FIND_PATTERN,
    FIND_RELATED,
    LIST_NEWEST,
    LIST_SUREST,
)
from shared.graph.patterns import Wanted
from shared.graph.project_story import READ_STORY
from tests.integration.patterns.pattern_builders import ANNA, MONDAY, memory, save

RULES = {rules.type: rules for rules in (DEBUGGING, LEARNING, REFACTORING, PROBLEM_SOLVING)}
SCANS = {"AllNodesScan", "NodeByLabelScan", "NodeIndexScan", "PartitionedAllNodesScan"}
STRANGERS = 300


def steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("children", []):
        yield from steps(child)


async def profile(
    driver: AsyncDriver, cypher: LiteralString, **values: Any
) -> list[dict[str, Any]]:
    """Return the executed steps of a statement."""
    statement: LiteralString = "PROFILE " + cypher.replace("CYPHER 25", "")
    result = await driver.execute_query("CYPHER 25 " + statement, values)
    plan = cast("dict[str, Any] | None", result.summary.profile)  # pyright: ignore[reportUnknownMemberType]
    assert plan is not None
    return list(steps(plan))


def operators(found: list[dict[str, Any]]) -> set[str]:
    return {step["operatorType"].partition("@")[0] for step in found}


def details(found: list[dict[str, Any]]) -> str:
    return " ".join(str(step["args"].get("Details", "")) for step in found)


@pytest.fixture
async def crowded(neo4j_driver: AsyncDriver, workspace: str) -> str:
    """A workspace in which few of many memories carry a signal."""
    plain = [memory(workspace, f"p{n}", "Sells tea", hours=n / 60) for n in range(STRANGERS)]
    carriers = [memory(workspace, f"m{n}", hours=n, topic="login") for n in range(5)]
    await save(neo4j_driver, *plain, *carriers)
    return workspace


@pytest.mark.parametrize("detector", RULES.values(), ids=RULES)
async def test_carriers_are_found_in_order_by_the_index_of_their_signal(
    neo4j_driver: AsyncDriver, crowded: str, detector: SignalDetector
) -> None:
    found = await profile(
        neo4j_driver,
        find_carriers_query(detector.signal),
        workspace_id=crowded,
        places=[{"project_name": "shop", "since": MONDAY, "until": MONDAY.replace(day=12)}],
        limit=10,
    )
    assert not operators(found) & SCANS
    assert not operators(found) & {"Sort", "Top"}
    assert f"{detector.signal}, occurred_at)" in details(found)
    assert sum(step["args"].get("DbHits", 0) for step in found) < STRANGERS


@pytest.mark.parametrize("detector", RULES.values(), ids=RULES)
async def test_neighbours_are_found_by_the_vector_index(
    neo4j_driver: AsyncDriver,
    crowded: str,
    detector: SignalDetector,
) -> None:
    seed = {
        "id": f"memory:{memory(crowded, 'm0').entity.id}",
        "user_id": str(ANNA),
        "project_name": "shop",
        "since": MONDAY,
        "until": MONDAY.replace(day=12),
    }
    found = await profile(
        neo4j_driver,
        find_neighbours_query(detector.signal),
        workspace_id=crowded,
        seeds=[seed],
        score=0.8,
        neighbours=NEIGHBOURS,
    )
    assert not operators(found) & SCANS
    assert "entity_summary_neighbours" in details(found)


async def test_news_have_the_numbers_by_which_the_index_found_them(
    neo4j_driver: AsyncDriver, crowded: str
) -> None:
    """Read from the node, one that is written meanwhile could have a later number."""
    values = {"workspace_id": crowded, "since": 0, "until": 10, "limit": 5}
    for statement in (FIND_WRITTEN, FIND_REMOVED):
        found = await profile(neo4j_driver, statement, **values)
        assert not operators(found) & SCANS
        assert "cache[n.change]" in details(found)
        assert not {"Sort", "Top"} & operators(found)


@pytest.mark.parametrize(
    "statement",
    [MERGE_PATTERNS, READ_LINKED, UNLINK_ALL, UNLINK_STALE, LINK_ENTITIES, LINK_EVIDENCE],
)
async def test_patterns_and_evidence_are_found_by_their_keys(
    neo4j_driver: AsyncDriver, crowded: str, statement: LiteralString
) -> None:
    change = {"id": "p", "new": ["memory:x"], "stale": ["memory:y"]}
    row = {**change, "confidence": 0.5, "properties": {"metadata": "{}"}}
    values: dict[str, Any] = {"findings": [row], "rows": [row], "ids": ["p"]}
    found = await profile(neo4j_driver, statement, workspace_id=crowded, **values)
    assert not operators(found) & SCANS


@pytest.mark.parametrize(
    "statement",
    [LIST_SUREST, LIST_NEWEST, FIND_PATTERN, FIND_RELATED, READ_RATES, READ_STORY],
)
async def test_what_readers_ask_for_is_found_by_an_index(
    neo4j_driver: AsyncDriver, crowded: str, statement: LiteralString
) -> None:
    values = Wanted(since=MONDAY, until=MONDAY.replace(day=12)).parameters() | {
        "workspace_id": crowded, "limit": 10, "sessions": 10, "excerpt": 10, "evidence": 10,
        "id": "p",
        "after": {"confidence": 0.5, "frequency": 3, "place": 5, "id": "p"}, "project_name": "shop",
    }  # fmt: skip
    found = await profile(neo4j_driver, statement, **values)
    assert not operators(found) & SCANS
