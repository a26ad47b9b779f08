"""A Neo4j of one's own with the measured graph in it, kept from one run to the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neo4j import AsyncDriver

from benchmarks.detection.history import mark_all_seen
from benchmarks.detection.stages import Stage, fill_stages, is_done, stages
from benchmarks.detection.world import World
from cli.local_stack import LocalStack
from cli.local_stack.addresses import GRAPH_USER, neo4j_uri
from shared.graph.driver import connect
from shared.graph.migrate import migrate

VERSION: Final = 2
"""Of the measured worlds: another one is loaded anew."""


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
def graph_of(world: World, home: Path, *, is_kept: bool = False) -> Generator[Graph]:
    """Yield the running graph of a world: loaded now, or kept from an earlier run."""
    folder = home / f"v{VERSION}-{world.name}"
    stack, steps = LocalStack(folder), stages(is_kept=is_kept)
    if not is_done(steps[0], folder):
        stack.delete_data()
    stack.start_service("neo4j")
    try:
        graph = _graph(stack)
        asyncio.run(_prepare(graph, world, folder, steps))
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


async def _prepare(graph: Graph, world: World, folder: Path, steps: Sequence[Stage]) -> None:
    await migrate(graph.uri, GRAPH_USER, graph.password)
    async with graph.driver() as driver:
        await fill_stages(driver, world, folder, steps)
        await mark_all_seen(driver, world)
