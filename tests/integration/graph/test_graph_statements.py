"""House rules of every statement that writes or searches the graph."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import LiteralString, cast

import pytest
from neo4j import AsyncDriver

from shared.graph.migrate import DEFAULT_DIMENSIONS, read_migrations

MODULES = ("code", "entity_summaries", "imports", "memories", "owners", "references", "search")
PARAMETERS = {
    "rows": [],
    "limit": 1,
    "candidates": 1,
    "vector": [0.5] * DEFAULT_DIMENSIONS,
    "workspace_id": "team:none",
    "project_name": "none",
}


def statements() -> Iterator[tuple[str, LiteralString]]:
    """Yield the statements of the graph's modules with their names."""
    for module in (*MODULES, "sessions"):
        for name, value in vars(import_module(f"shared.graph.{module}")).items():
            if name.isupper() and name[0] != "_" and isinstance(value, str) and "MATCH" in value:
                yield f"{module}.{name}", cast(LiteralString, value)


STATEMENTS = dict(statements())


def test_there_are_statements_to_check() -> None:
    assert len(STATEMENTS) > 15


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_never_scans(name: str, neo4j_driver: AsyncDriver) -> None:
    statement = STATEMENTS[name].strip()
    prefix = "CYPHER 25" if statement.startswith("CYPHER 25") else ""
    async with neo4j_driver.session() as session:  # pyright: ignore[reportUnknownMemberType]
        explained = f"{prefix} EXPLAIN {statement.removeprefix(prefix)}"
        summary = await (await session.run(explained, PARAMETERS)).consume()

    drawing = str(summary.plan)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    assert "string-representation" in drawing
    assert "AllNodesScan" not in drawing, drawing
    assert "NodeByLabelScan" not in drawing, drawing


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_names_its_workspace_in_every_node_it_looks_up(name: str) -> None:
    statement = STATEMENTS[name]
    looked_up = statement.count("MATCH (") + statement.count("MERGE (")
    hops = statement.count("MERGE (c)-[") + statement.count("MERGE (n)-[")
    assert statement.count("workspace_id") >= looked_up - hops - statement.count("OPTIONAL MATCH")


def test_every_key_that_is_merged_has_a_constraint() -> None:
    constraints = "".join(migration.cypher for migration in read_migrations())
    for label in (
        "Memory", "CodeEntity", "EntitySummary", "Project", "User", "Session",
        "Function", "Class", "ReactComponent",
    ):  # fmt: skip
        assert f"(n:{label}) REQUIRE (n.workspace_id, " in constraints
