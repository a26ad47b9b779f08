"""A person's own Cypher: reads everything, writes nothing, answers in JSON."""

from __future__ import annotations

import json

import pytest
from neo4j import AsyncDriver

from shared.errors import InvalidInputError
from shared.graph.read_query import run_read_query
from tests.integration.graph.builders import memory
from tests.integration.graph.conftest import Save


@pytest.mark.parametrize(
    "cypher",
    [
        "CREATE (n:Memory {workspace_id: $workspace})",
        "MATCH (n:Memory {workspace_id: $workspace}) SET n.content = 'x'",
        "MATCH (n:Memory {workspace_id: $workspace}) DETACH DELETE n",
        "CREATE INDEX never IF NOT EXISTS FOR (n:Never) ON (n.x)",
        "DROP INDEX entity_summary_neighbours",
        "CALL { CREATE (:Memory {workspace_id: $workspace}) } IN TRANSACTIONS",
    ],
)
async def test_a_query_that_writes_is_refused(
    save: Save, neo4j_driver: AsyncDriver, workspace: str, cypher: str
) -> None:
    await save(memory(workspace, "kept"))
    with pytest.raises(InvalidInputError, match="cypher"):
        await run_read_query(neo4j_driver, cypher, {"workspace": workspace})

    rows = await run_read_query(
        neo4j_driver,
        "MATCH (n:Memory {workspace_id: $workspace}) RETURN n.content AS content",
        {"workspace": workspace},
    )
    assert rows == [{"content": "kept"}]


async def test_a_wrong_query_says_what_is_wrong(neo4j_driver: AsyncDriver) -> None:
    with pytest.raises(InvalidInputError, match="Invalid input"):
        await run_read_query(neo4j_driver, "MATHC (n) RETURN n")


async def test_every_kind_of_value_becomes_json(neo4j_driver: AsyncDriver) -> None:
    [row] = await run_read_query(
        neo4j_driver,
        """RETURN 1 AS a, 1.5 AS b, 'x' AS c, true AS d, null AS e, [1, [2]] AS f, {g: 1} AS g,
        datetime('2026-01-02T03:04:05Z') AS h, date('2026-01-02') AS i, duration('PT5M') AS j,
        localdatetime('2026-01-02T03:04:05') AS k, time('03:04:05Z') AS l,
        point({x: 1, y: 2}) AS m, 0.0 / 0.0 AS n""",
    )
    assert json.loads(json.dumps(row, allow_nan=False)) == {
        "a": 1, "b": 1.5, "c": "x", "d": True, "e": None, "f": [1, [2]], "g": {"g": 1},
        "h": "2026-01-02T03:04:05.000000000+00:00", "i": "2026-01-02", "j": "PT5M",
        "k": "2026-01-02T03:04:05.000000000", "l": "03:04:05.000000000+00:00",
        "m": {"srid": 7203, "coordinates": [1.0, 2.0]}, "n": "nan",
    }  # fmt: skip


async def test_nodes_relationships_and_paths_become_objects(
    save: Save, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(memory(workspace, "a"), memory(workspace, "b", minutes=1))
    [row] = await run_read_query(
        neo4j_driver,
        """MATCH path = (b:Memory {workspace_id: $workspace})-[r:PRECEDED_BY]->(a)
        RETURN a, r, path""",
        {"workspace": workspace},
    )
    nodes = row["a"], row["r"], row["path"]
    assert isinstance(row["a"], dict)
    assert isinstance(row["path"], list)
    assert row["a"]["labels"] == ["Memory"]
    assert row["r"] == {"type": "PRECEDED_BY", "properties": {"gap": 60.0}}
    assert row["path"][1:] == [row["r"], row["a"]]
    assert json.dumps(nodes)
