"""Topics are placed and read by indexes that start with the workspace; nothing is scanned."""

from __future__ import annotations

from typing import Any, LiteralString, cast

import pytest
from neo4j import AsyncDriver

from shared.graph import topic_clusters, topic_members
from tests.integration.patterns.pattern_builders import MONDAY, detect, memory, save
from tests.integration.patterns.test_pattern_plans import SCANS, details, operators, profile

STRANGERS = 300
STATEMENTS: dict[str, LiteralString] = {
    name: cast("LiteralString", value)
    for module in (topic_clusters, topic_members)
    for name, value in vars(module).items()
    if name.isupper() and not name.startswith("_") and isinstance(value, str) and "MATCH" in value
}


@pytest.fixture
async def values(neo4j_driver: AsyncDriver, workspace: str) -> dict[str, Any]:
    """What the statements ask for in a workspace with one topic and much else."""
    others = [memory(workspace, f"p{n}", "Sells tea") for n in range(STRANGERS)]
    alike = [memory(workspace, f"m{n}", topic="login") for n in range(6)]
    await save(neo4j_driver, *others, *alike)
    await detect(neo4j_driver, workspace, ["semantic"])
    found = await neo4j_driver.execute_query(
        "MATCH (c:SemanticCluster {workspace_id: $w}) RETURN c.id AS id, c.seed_id AS seed",
        w=workspace,
    )
    ((cluster, seed),) = (record.values() for record in found.records)
    row: dict[str, Any] = {
        "id": cluster,
        "seed_id": seed,
        "vacant": "x",
        "taken": [cluster],
        "members": [seed],
        "properties": {},
    }
    return {
        "workspace_id": workspace, "rows": [row], "ids": [cluster, seed], "names": ["shop"],
        "tried": [], "project_name": "shop", "limit": 5, "neighbours": 5, "minimum": 5,
        "cosine": 0.7, "margin": 0.1, "characters": 10, "now": MONDAY,
    }  # fmt: skip


async def test_no_statement_scans_or_reads_the_whole_project(
    neo4j_driver: AsyncDriver, values: dict[str, Any]
) -> None:
    assert len(STATEMENTS) >= 20
    for name, statement in STATEMENTS.items():
        found = await profile(neo4j_driver, statement, **values)
        assert not operators(found) & SCANS, name
        assert sum(step["args"].get("DbHits", 0) for step in found) < 2 * STRANGERS, name


@pytest.mark.parametrize("name", ["READ_CLUSTERS", "READ_OTHERS"])
async def test_the_newest_are_read_in_the_order_of_an_index(
    neo4j_driver: AsyncDriver, values: dict[str, Any], name: str
) -> None:
    found = await profile(neo4j_driver, STATEMENTS[name], **values)
    assert not operators(found) & {"Sort", "Top"}


@pytest.mark.parametrize("name", ["JOIN", "FIND_NEIGHBOURS", "PULL_NEIGHBOURS"])
async def test_what_is_near_is_found_by_a_vector_index(
    neo4j_driver: AsyncDriver, values: dict[str, Any], name: str
) -> None:
    found = details(await profile(neo4j_driver, STATEMENTS[name], **values))
    assert "semantic_cluster_seeds" in found or "entity_summary_neighbours" in found
