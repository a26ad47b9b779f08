"""Any number of workers on one workspace, while others write: nothing is lost or found twice."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from neo4j import AsyncDriver

from services.ingest.graph_writes import write_batch
from services.ingest.measuring import Measured
from shared.graph.memories import MeasuredMemory
from shared.graph.removal import remove_entities
from tests.conftest import DELETE_WORKSPACE, Servers
from tests.integration.patterns.pattern_builders import (
    ANNA,
    BEN,
    MONDAY,
    detect,
    list_patterns,
    memory,
    query,
)

PROCESSES: Final = 4
WRITERS: Final = 3
TURNS: Final = 25
"""How often each writer writes, changes or removes some of its memories."""
NAMES_OF_WRITER: Final = 14
QUANTIZED: Final = 0.005
"""How far the vector index's cosine, of which a confidence is made, may be off: what it rounds to
depends on what else is in the same segment."""
TEXTS: Final = {
    "login": "Fixed an error in the login",
    "queue": "I learned how the queue works, let me understand it",
    "parser": "Refactored the parser to improve it",
    "search": "Investigate why the search fails, and solve it",
    "tea": "Sells tea",
}
DETECTING = Path(__file__).with_name("detecting_process.py")
REPOSITORY = DETECTING.parents[3]
LINKS = """
MATCH (p:Pattern {workspace_id: $workspace})
OPTIONAL MATCH (p)-[link:FOUND_IN|DERIVED_FROM]->(n)
WITH p, type(link) AS kind, n.id AS target, count(link) AS links
RETURN p.id AS id, max(links) AS most
"""
FORGET_TOPICS = """
MATCH (n {workspace_id: $workspace})
WHERE n:TopicMember OR n:SemanticCluster OR n:DetectionMark OR n:Pattern AND n.type = 'semantic'
DETACH DELETE n
"""


@dataclass(frozen=True)
class Version:
    """What one memory is at a moment."""

    topic: str
    hours: int
    user: UUID
    project: str
    number: int


def measured(workspace: str, name: str, version: Version) -> MeasuredMemory:
    made = memory(
        workspace,
        name,
        TEXTS[version.topic],
        hours=version.hours,
        topic=version.topic,
        user=version.user,
        project=version.project,
    )
    written_at = MONDAY + timedelta(days=365, seconds=version.number)
    return replace(made, entity=replace(made.entity, updated_at=written_at))


@asynccontextmanager
async def detecting(servers: Servers, workspace: str) -> AsyncGenerator[list[Process]]:
    """Run detection in four processes until the end of the block; each has had its turns."""
    server = (servers.neo4j_uri, servers.neo4j_user, servers.neo4j_password)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, DETECTING, *server, workspace, str(n), stdin=PIPE, stdout=PIPE,
            cwd=REPOSITORY, env={"PYTHONPATH": str(REPOSITORY)},
        )
        for n in range(PROCESSES)
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout is not None
            assert await process.stdout.readline() == b"ready\n"
        yield processes
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def end(process: Process) -> tuple[int, int]:
    """Return how many requests the process handled, and how many failed."""
    output, _ = await asyncio.wait_for(process.communicate(b""), 60)
    handled, failed = output.split()
    return int(handled), int(failed)


class Writer:
    """Writes, changes and removes memories of its own; knows what is left."""

    def __init__(self, driver: AsyncDriver, workspace: str, seed: int) -> None:
        self._driver, self._workspace, self._seed = driver, workspace, seed
        self._chance = random.Random(seed)
        self.left: dict[str, Version] = {}

    async def work(self) -> None:
        for turn in range(TURNS):
            names = [f"{self._seed}-{n}" for n in range(NAMES_OF_WRITER)]
            chosen = self._chance.sample(names, self._chance.randint(1, 5))
            if self._chance.random() < 0.25:
                await self._remove(chosen)
            else:
                await self._write(chosen, turn)

    async def _write(self, names: list[str], turn: int) -> None:
        versions = {name: self._version(turn) for name in names}
        batch = [measured(self._workspace, name, one) for name, one in versions.items()]
        await write_batch(self._driver, Measured(batch, []))
        self.left |= versions

    async def _remove(self, names: list[str]) -> None:
        ids = [memory(self._workspace, name).entity.id for name in names]
        await remove_entities(self._driver, self._workspace, memory_ids=ids)
        for name in names:
            self.left.pop(name, None)

    def _version(self, turn: int) -> Version:
        pick = self._chance
        topic, user = pick.choice([*TEXTS]), pick.choice([ANNA, ANNA, BEN])
        return Version(topic, pick.choice([0, 1, 30, 170]), user, pick.choice(["shop", ""]), turn)


async def found(driver: AsyncDriver, workspace: str) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return a workspace's patterns by key, with all that a fresh run must find too."""
    chunks = {
        row["id"]: row["chunk"]
        for row in await query(
            driver,
            "MATCH (m:Memory {workspace_id: $w}) RETURN m.id AS id, m.chunk_id AS chunk",
            w=workspace,
        )
    }
    patterns = await list_patterns(driver, workspace, limit=10_000)
    keyed = {
        (one.type, one.name, one.project_name, one.period): {
            "frequency": one.frequency,
            "user": one.user_id,
            "evidence": sorted(chunks[evidence.id] for evidence in one.evidence),
        }
        for one in patterns
        if one.type != "semantic"  # which memories found a topic follows from their ids
    }
    stored = sum(one.type != "semantic" for one in patterns)
    assert len(keyed) == stored, "a pattern is stored twice"
    return keyed


async def test_four_workers_and_three_writers_end_with_what_one_fresh_run_finds(
    graph_server: Servers, neo4j_driver: AsyncDriver, workspace: str
) -> None:
    writers = [Writer(neo4j_driver, workspace, seed) for seed in range(WRITERS)]
    async with detecting(graph_server, workspace) as processes:
        await asyncio.gather(*(writer.work() for writer in writers))
        results = await asyncio.gather(*map(end, processes))
    assert all(handled >= 3 for handled, _ in results), results
    assert sum(failed for _, failed in results) == 0, results
    await detect(neo4j_driver, workspace, [])

    fresh = f"team:{uuid4()}"
    left = {name: version for writer in writers for name, version in writer.left.items()}
    batch = [measured(fresh, name, version) for name, version in left.items()]
    await write_batch(neo4j_driver, Measured(batch, []))
    await detect(neo4j_driver, fresh, [])
    expected = await found(neo4j_driver, fresh)
    sure = await confidences(neo4j_driver, fresh)
    await neo4j_driver.execute_query(DELETE_WORKSPACE, workspace_id=fresh)

    assert expected, "nothing to compare"
    assert await found(neo4j_driver, workspace) == expected
    ours = await confidences(neo4j_driver, workspace)
    assert not {key: (ours[key], sure[key]) for key in sure if ours[key] < sure[key] - QUANTIZED}
    assert {row["most"] for row in await query(neo4j_driver, LINKS, workspace=workspace)} == {1}
    raced = await topics(neo4j_driver, workspace)
    await query(neo4j_driver, FORGET_TOPICS, workspace=workspace)
    await detect(neo4j_driver, workspace, ["semantic"])
    assert raced == await topics(neo4j_driver, workspace)
    assert raced, "nothing to compare"


async def topics(driver: AsyncDriver, workspace: str) -> set[frozenset[str]]:
    """Return which memories belong together."""
    found = await list_patterns(driver, workspace, types=["semantic"], limit=10_000)
    return {frozenset(evidence.id for evidence in one.evidence) for one in found}


async def confidences(driver: AsyncDriver, workspace: str) -> dict[tuple[str, ...], float]:
    patterns = await list_patterns(driver, workspace, limit=10_000)
    return {
        (p.type, p.name, p.project_name, p.period): p.confidence
        for p in patterns
        if p.type != "semantic"
    }
