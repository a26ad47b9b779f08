"""The graph's migrations: once, from several processes, and again where something is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, cast
from uuid import uuid4

import pytest
from neo4j import AsyncDriver

from shared.errors import DependencyDownError, SettingsError
from shared.graph.migrate import find_pending, migrate
from tests.conftest import Servers

FILE = """// A comment; with a semicolon.
CREATE CONSTRAINT {name}_key IF NOT EXISTS
FOR (n:{name}) REQUIRE (n.workspace_id, n.id) IS UNIQUE;
CREATE VECTOR INDEX {name}_vectors IF NOT EXISTS
FOR (n:{name}) ON n.embedding WITH [n.workspace_id]
OPTIONS {{indexConfig: {{`vector.dimensions`: $dimensions}}}};
"""


@dataclass(frozen=True)
class Example:
    """A folder of migrations whose names nobody else uses."""

    servers: Servers
    driver: AsyncDriver
    folder: Path
    name: str

    async def migrate(self, dimensions: int = 8) -> list[str]:
        return await migrate(
            self.servers.neo4j_uri,
            self.servers.neo4j_user,
            self.servers.neo4j_password,
            folder=self.folder,
            dimensions=dimensions,
        )

    async def run(self, statement: str) -> list[list[str]]:
        records, _, _ = await self.driver.execute_query(cast(LiteralString, statement))
        return [record.values() for record in records]

    async def indexes(self) -> list[list[str]]:
        """Return the names of the indexes with their state and constraint."""
        return await self.run(
            "SHOW INDEXES YIELD name, state, owningConstraint "
            f"WHERE name STARTS WITH '{self.name}' RETURN name, state, owningConstraint "
            "ORDER BY name"
        )


@pytest.fixture
async def example(
    servers: Servers, neo4j_driver: AsyncDriver, tmp_path: Path
) -> AsyncIterator[Example]:
    name = f"X{uuid4().hex[:8]}"
    (tmp_path / f"0001_{name}.cypher").write_text(FILE.format(name=name))
    own = Example(servers, neo4j_driver, tmp_path, name)
    yield own
    await own.run(f"DROP CONSTRAINT {name}_key IF EXISTS")
    await own.run(f"DROP INDEX {name}_vectors IF EXISTS")
    await own.run(f"MATCH (n:GraphMigration) WHERE n.name ENDS WITH '_{name}' DELETE n")


def complete(name: str) -> list[list[str | None]]:
    """Return what the example creates."""
    return [[f"{name}_key", "ONLINE", f"{name}_key"], [f"{name}_vectors", "ONLINE", None]]


async def test_several_processes_migrate_at_once_and_one_does_it(example: Example) -> None:
    applied = await asyncio.gather(*(example.migrate() for _ in range(4)))

    assert sorted(applied) == [[], [], [], [f"0001_{example.name}"]]
    assert await example.indexes() == complete(example.name)
    assert await example.migrate() == []


async def test_half_a_constraint_left_by_a_killed_process_is_replaced(example: Example) -> None:
    name = example.name
    await example.run(f"CREATE INDEX {name}_key FOR (n:{name}) ON (n.workspace_id, n.id)")

    assert await example.migrate() == [f"0001_{name}"]
    assert await example.indexes() == complete(name)


async def test_a_dropped_index_is_missed_and_created_again(example: Example) -> None:
    await example.migrate()
    whole = await find_pending(example.driver, dimensions=8, folder=example.folder)
    await example.run(f"DROP INDEX {example.name}_vectors")
    broken = await find_pending(example.driver, dimensions=8, folder=example.folder)

    assert (whole, broken) == ([], [f"0001_{example.name}"])
    assert await example.migrate(dimensions=4) == [f"0001_{example.name}"]
    assert await example.indexes() == complete(example.name)


async def test_what_an_earlier_migration_drops_a_later_one_creates_again(example: Example) -> None:
    name = example.name
    await example.migrate()
    dropping = example.folder / f"0000_{name}.cypher"
    dropping.write_text(f"DROP INDEX {name}_vectors IF EXISTS")

    assert await example.migrate() == [f"0000_{name}", f"0001_{name}"]
    assert await example.indexes() == complete(name)
    assert await example.migrate() == []


async def test_another_embedders_dimensions_are_refused_with_what_to_do(example: Example) -> None:
    await example.migrate()

    with pytest.raises(SettingsError, match=f"DROP INDEX {example.name}_vectors") as refused:
        await example.migrate(dimensions=3072)
    assert "3072 dimensions, the graph's have 8" in str(refused.value)


async def test_a_graph_that_never_answers_ends_the_wait() -> None:
    with pytest.raises(DependencyDownError, match="Neo4j"):
        await migrate("bolt://127.0.0.1:1", "neo4j", "nothing", deadline_seconds=0.3)


async def test_a_wrong_password_is_not_waited_for(servers: Servers) -> None:
    with pytest.raises(DependencyDownError, match="unauthorized"):
        await migrate(servers.neo4j_uri, servers.neo4j_user, "wrong", deadline_seconds=600)
