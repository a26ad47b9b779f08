"""Searches and neighbourhoods read indexes only, and no more than they show."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic
from typing import Any, LiteralString
from uuid import uuid4

import pytest
from neo4j import AsyncDriver

from shared.domain.search_query import read_query
from shared.graph.entity_details import find_details
from shared.graph.entity_heads import READ_HEADS
from shared.graph.entity_words import Filters, find_all_query, find_words_query
from shared.graph.neighbourhood import find_neighbourhood
from shared.graph.search import SEARCH_PROJECT, SEARCH_WORKSPACE
from shared.graph.search_candidates import parameters_of
from shared.graph.search_statements import FIND_TIED, LIMITS, find_query
from shared.graph.ties import EDGES, NEIGHBOURHOODS, Edge, NodeKind
from tests.integration.graph.builders import NOON, USER, code, memory, vector
from tests.integration.graph.conftest import Query, Save
from tests.integration.patterns.test_pattern_plans import SCANS, details, operators, profile

INDEXES: dict[NodeKind, list[str]] = {
    "memory": ["workspace_id, id", "workspace_id, name"],
    "code": ["workspace_id, id", "workspace_id, name"],
    "pattern": ["workspace_id, id", "workspace_id, name"],
    "project": [
        "workspace_id, name",
        "workspace_id, project_name, occurred_at",
        "workspace_id, project_name, path",
        "workspace_id, project_name",
    ],
    "session": ["workspace_id, id", "workspace_id, session_id, place_in_session"],
}
WORDS = read_query("fix login")
STRANGERS = 80
DEGREE = 5_000


@pytest.fixture
async def crowded(save: Save, query: Query, workspace: str) -> str:
    """A workspace with much that does not fit, and little that does."""
    plain = [
        memory(workspace, f"sells tea {n}", project="other", session=None) for n in range(STRANGERS)
    ]
    await save(*plain, memory(workspace, "fix login", session="s1"), code(workspace, "login.py"))
    return workspace


def values(workspace: str, **more: Any) -> dict[str, Any]:
    words = find_words_query(workspace, WORDS, Filters())
    asked = {"words": words, "filters": find_all_query(workspace, Filters(language="python"))}
    scope = {"workspace_id": workspace, "vector": vector("fix login")}
    limits = {"candidates": 100, "limit": 50, "most": 10_001, "links": 8, "characters": 9}
    return {**parameters_of(Filters()), **scope, **asked, **limits, **LIMITS, **more}


async def test_searches_read_their_index_and_nothing_else(
    neo4j_driver: AsyncDriver, crowded: str
) -> None:
    key = {"kind": "memory", "id": str(uuid4())}
    busy = Filters("memory", "shop", None, None, str(USER), NOON, NOON + timedelta(days=1))
    words, meaning = "queryNodes", "entity_summary_neighbours"
    expected: dict[LiteralString, set[str]] = {
        find_query(WORDS, Filters()): {words, meaning},
        find_query(WORDS, busy): {words, meaning},
        find_query(WORDS, Filters(), has_words=False): {meaning},
        find_query(WORDS, Filters(session_id="s1")): {words, "session_id"},
        find_query(WORDS, Filters(language="python")): {"$words", "$filters"},
        find_query(read_query('"fix login"'), Filters()): {words},
        FIND_TIED: {"workspace_id, id"},
        READ_HEADS: {"workspace_id, id"},
        SEARCH_WORKSPACE: {meaning},
        SEARCH_PROJECT: {meaning},
    }
    for statement, indexes in expected.items():
        given = values(crowded, seeds=[key], keys=[key], session_id="s1")
        given |= {"kind": "memory", "project_name": "shop", "user_id": str(USER)}
        given |= {"since": NOON, "until": NOON + timedelta(days=1)}
        found = await profile(neo4j_driver, statement, **given)
        assert not operators(found) & SCANS, statement
        assert [index for index in indexes if index not in details(found)] == [], statement


async def test_words_cost_what_has_them_not_what_the_workspace_holds(
    neo4j_driver: AsyncDriver, crowded: str
) -> None:
    by_words = find_query(read_query('"fix login"'), Filters())
    found = await profile(neo4j_driver, by_words, **values(crowded))
    assert sum(step["args"].get("DbHits", 0) for step in found) < STRANGERS


@pytest.mark.parametrize("kind", NEIGHBOURHOODS)
async def test_neighbours_are_read_from_the_node_or_by_an_index(
    neo4j_driver: AsyncDriver, crowded: str, kind: NodeKind
) -> None:
    given = values(crowded, id="s1", edges=EDGES[kind])
    found = await profile(neo4j_driver, NEIGHBOURHOODS[kind], **given)

    assert not operators(found) & SCANS
    seeks = details([step for step in found if "Seek" in step["operatorType"]])
    assert [index for index in INDEXES[kind] if f"({index})" not in seeks] == []
    # Each tie orders once what it shows; what an index has in order is not ordered for its limit.
    ordered = [step for step in found if step["operatorType"].startswith(("Sort", "Top"))]
    assert len(ordered) == len(EDGES[kind])


async def test_a_tie_that_nobody_asked_for_is_not_read(
    neo4j_driver: AsyncDriver, crowded: str
) -> None:
    async def hits(*edges: Edge) -> int:
        given = values(crowded, id="other", edges=edges)
        found = await profile(neo4j_driver, NEIGHBOURHOODS["project"], **given)
        return sum(step["args"].get("DbHits", 0) for step in found)

    assert await hits("has_code", "has_pattern") < STRANGERS < await hits("has_memory")


async def test_a_node_of_5000_neighbours_is_shown_in_a_second_with_what_is_left_out(
    query: Query, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await query(
        """CREATE (c:CodeEntity {workspace_id: $workspace, id: 'hub', path: 'hub.py',
                                 project_name: 'shop', content: 'x', metadata: '{}',
                                 created_at: datetime(), updated_at: datetime()})
        WITH c UNWIND range(1, $degree) AS n
        CREATE (m:Memory {workspace_id: $workspace, id: toString(n), content: 'memory ' + n,
                          occurred_at: datetime({epochSeconds: n})})
        CREATE (c)-[:DISCUSSED_IN {detection_method: 'name_match'}]->(m)
        CREATE (m)-[:REFERENCES_CODE {detection_method: 'name_match'}]->(c)""",
        degree=DEGREE,
    )
    seconds: list[float] = []
    found, told = None, None
    for _ in range(3):  # plans are made at the first time, and the machine may be busy
        started = monotonic()
        found = await find_neighbourhood(neo4j_driver, workspace, "code", "hub")
        told = await find_details(neo4j_driver, workspace, "code", "hub")
        seconds.append(monotonic() - started)
    assert min(seconds) < 1.0

    assert found
    assert [one.node.id for one in found.neighbours] == [str(DEGREE - n) for n in range(50)]
    count = found.counts["discussed_in"]
    assert (count.total, count.shown, count.is_at_least) == (DEGREE, 50, False)
    assert told
    assert len(told.related) == 50
