"""A running system with 100,000 memories in one workspace, kept from one run to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import environ, sysconf
from pathlib import Path
from typing import Final, LiteralString

from neo4j import AsyncDriver

from benchmarks.detection.stages import fill
from benchmarks.detection.world import World
from benchmarks.progress import say
from cli.local_stack import LocalStack
from shared.graph.driver import connect

MEMORIES: Final = 100_000
SIZE: Final = 112_000
"""Nine of ten are memories."""
NO_LIMIT: Final = "1000000"
COUNT: Final[LiteralString] = """
MATCH (n:Memory) WHERE n.workspace_id = $workspace_id AND n.project_name IS NOT NULL
RETURN count(n) AS memories
"""


@dataclass(frozen=True, slots=True)
class Library:
    """Where the API is, and a key that opens the workspace."""

    url: str
    key: str
    memories: int
    pids: dict[str, int]
    """Of the processes that answer a search."""
    names: dict[str, str] = field(repr=False)
    """The stack's settings."""

    def cpu_seconds(self) -> float:
        """Return the processor time that these have used: whatever else the machine does."""
        return sum(_cpu_seconds(pid) for pid in self.pids.values())

    async def count_memories(self) -> int:
        """Return how many memories the graph has now."""
        async with _graph(self.names) as driver:
            return await _count(driver, self.names["SUPASTATE_WORKSPACE_ID"])


@contextmanager
def open_library(home: Path, size: int = SIZE) -> Generator[Library]:
    """Yield the running system: loaded now, or kept from an earlier run."""
    stack = LocalStack(home / f"search-{size}")
    environ["SUPASTATE_REQUESTS_PER_MINUTE"] = NO_LIMIT  # one key asks for eight people
    stack.start()
    try:
        names = stack.settings()
        world = World(size, workspace_id=names["SUPASTATE_WORKSPACE_ID"])
        memories = asyncio.run(_fill(names, world))
        processes = stack.state().processes
        pids = {name: processes[name].pid for name in ("neo4j", "api")}
        yield Library(names["SUPASTATE_API_URL"], names["SUPASTATE_API_KEY"], memories, pids, names)
    finally:
        stack.stop()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


async def _fill(names: dict[str, str], world: World) -> int:
    async with _graph(names) as driver:
        if await _count(driver, world.workspace_id) == 0:
            say(f"{world.name}: loading")
            await fill(driver, world)
        return await _count(driver, world.workspace_id)


def _graph(names: dict[str, str]) -> AsyncDriver:
    return connect(*(names[f"SUPASTATE_NEO4J_{one}"] for one in ("URI", "USER", "PASSWORD")))


async def _count(driver: AsyncDriver, workspace_id: str) -> int:
    found = await driver.execute_query(COUNT, workspace_id=workspace_id)
    return int(found.records[0]["memories"])
