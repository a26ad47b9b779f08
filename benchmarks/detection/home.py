"""A Neo4j of one's own with the measured graph in it, kept from one run to the next."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final, LiteralString, cast

from neo4j import AsyncDriver

from benchmarks.detection.history import mark_all_seen, save_patterns
from benchmarks.detection.loading import load
from benchmarks.detection.topics import save_topics
from benchmarks.detection.world import World
from benchmarks.progress import say
from cli.local_stack import LocalStack
from cli.local_stack.addresses import GRAPH_USER, neo4j_uri
from shared.graph.code import code_row
from shared.graph.driver import connect
from shared.graph.entity_summaries import summary_row
from shared.graph.memories import memory_row
from shared.graph.migrate import DEFAULT_DIMENSIONS, migrate, read_migrations

VERSION: Final = 2
"""Of the measured graphs: another one is loaded anew."""
INDEX_SECONDS: Final = 7_200
# Filled in one go at the end. Kept up entity by entity they take many times longer, and the server
# samples each of them anew after every few percent: on few cores writers wait minutes for that.
_LATE = re.compile(r"CREATE (?:VECTOR |FULLTEXT )?INDEX (\w+)")
AWAIT_INDEXES: Final[LiteralString] = "CALL db.awaitIndexes($seconds)"


@dataclass(frozen=True, slots=True)
class Graph:
    """Where the graph is."""

    uri: str
    password: str
    pid: int
    """Of the server."""

    @asynccontextmanager
    async def driver(self) -> AsyncGenerator[AsyncDriver]:
        """Yield a driver."""
        async with connect(self.uri, GRAPH_USER, self.password) as driver:
            yield driver


@contextmanager
def graph_of(world: World, home: Path) -> Generator[Graph]:
    """Yield the running graph of a world: loaded now, or kept from an earlier run."""
    folder = home / f"v{VERSION}-{world.name}"
    stack, marker, shape = LocalStack(folder), folder / "loaded", "\n".join(_shape())
    is_kept = marker.exists() and marker.read_text() == shape
    if not is_kept:
        stack.delete_data()
    stack.start_service("neo4j")
    try:
        graph = _graph(stack)
        asyncio.run(_prepare(graph, world, is_kept=is_kept))
        marker.write_text(shape)
        yield graph
    finally:
        stack.stop()


def _graph(stack: LocalStack) -> Graph:
    state = stack.state()
    return Graph(
        neo4j_uri(state.ports["neo4j"]),
        (stack.home.neo4j / "password").read_text().strip(),
        state.processes["neo4j"].pid,
    )


async def _prepare(graph: Graph, world: World, *, is_kept: bool) -> None:
    await migrate(graph.uri, GRAPH_USER, graph.password)
    async with graph.driver() as driver:
        if not is_kept:
            await fill(driver, world)
        await mark_all_seen(driver, world)


def _shape() -> list[str]:
    """Return what properties the ingestion writes: a graph that lacks one is loaded anew."""
    few = World(200).batch(0, 200)
    rows = [memory_row(m) for m in few.memories] + [code_row(f) for f in few.files]
    rows += [summary_row("memory", m.entity, m.signals) for m in few.memories]
    rows += [summary_row("code", f.entity, f.signals) for f in few.files]
    return sorted({name for row in rows for name in row["properties"]})


async def fill(driver: AsyncDriver, world: World) -> None:
    """Write a world with its patterns and topics into a graph that holds nothing of it."""
    late = _late_indexes()
    for name in late:
        await driver.execute_query(cast(LiteralString, f"DROP INDEX {name} IF EXISTS"))
    await load(driver, world)
    await save_patterns(driver, world)
    await save_topics(driver, world)
    for name, statement in late.items():
        started = monotonic()
        await driver.execute_query(statement, dimensions=DEFAULT_DIMENSIONS)
        await driver.execute_query(AWAIT_INDEXES, seconds=INDEX_SECONDS)
        say(f"{world.name}: {name} filled in {monotonic() - started:.0f} s")


def _late_indexes() -> dict[str, LiteralString]:
    """Return the statements of the migrations that create the indexes filled at the end."""
    statements = [one for migration in read_migrations() for one in migration.statements]
    return {
        found[1]: cast(LiteralString, f"CYPHER 25 {statement}")
        for statement in statements
        if (found := _LATE.match(statement))
    }
