"""A running system with 100,000 memories in one workspace, kept from one run to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from os import sysconf
from pathlib import Path
from typing import Final, LiteralString

from benchmarks.detection.stages import fill
from benchmarks.detection.world import World
from benchmarks.progress import say
from cli.local_stack import LocalStack
from shared.graph.driver import connect

MEMORIES: Final = 100_000
SIZE: Final = 112_000
"""Nine of ten are memories."""
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

    def cpu_seconds(self) -> float:
        """Return the processor time that these have used: whatever else the machine does."""
        return sum(_cpu_seconds(pid) for pid in self.pids.values())


@contextmanager
def open_library(home: Path, size: int = SIZE) -> Generator[Library]:
    """Yield the running system: loaded now, or kept from an earlier run."""
    stack = LocalStack(home / f"search-{size}")
    stack.start()
    try:
        names = stack.settings()
        world = World(size, workspace_id=names["SUPASTATE_WORKSPACE_ID"])
        memories = asyncio.run(_fill(names, world))
        processes = stack.state().processes
        pids = {name: processes[name].pid for name in ("neo4j", "api")}
        yield Library(names["SUPASTATE_API_URL"], names["SUPASTATE_API_KEY"], memories, pids)
    finally:
        stack.stop()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


async def _fill(names: dict[str, str], world: World) -> int:
    async with connect(
        names["SUPASTATE_NEO4J_URI"],
        names["SUPASTATE_NEO4J_USER"],
        names["SUPASTATE_NEO4J_PASSWORD"],
    ) as driver:
        found = await driver.execute_query(COUNT, workspace_id=world.workspace_id)
        memories = int(found.records[0]["memories"])
        if memories == 0:
            say(f"{world.name}: loading")
            await fill(driver, world)
            found = await driver.execute_query(COUNT, workspace_id=world.workspace_id)
            memories = int(found.records[0]["memories"])
    return memories
