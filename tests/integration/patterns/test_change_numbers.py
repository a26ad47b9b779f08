"""Numbers become visible in their order, however long a transaction that took one stays open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, LiteralString

from neo4j import WRITE_ACCESS, AsyncDriver, AsyncManagedTransaction, AsyncTransaction

from services.patterns.detectors import choose_detectors
from shared.domain.calibration import Calibration
from shared.domain.findings import Look, News
from shared.graph.driver import open_session
from shared.graph.entity_summaries import summarize
from shared.graph.looking import Detector, Task, run_detector
from shared.graph.marks import lock_mark, move_mark, read_newest
from shared.graph.memories import MeasuredMemory, save_memories
from shared.graph.news import Scope
from shared.graph.owners import lock_owners, own_memories
from tests.integration.patterns.pattern_builders import (
    BEN,
    detect,
    list_patterns,
    memory,
    query,
    save,
)
from tests.integration.patterns.waiting import until_it_waits

BATCHES = 40
DAY = [f"m{number}" for number in range(6)]
LEARNED = "I learned how the queue works, let me understand it"
NUMBERS: LiteralString = """
MATCH (s:EntitySummary {workspace_id: $workspace})
WITH s.change AS number ORDER BY number RETURN collect(number) AS numbers
"""


async def write_without_commit(tx: AsyncTransaction, *memories: MeasuredMemory) -> None:
    """Do all that the ingest service does in its transaction, up to the commit."""
    entities = [measured.entity for measured in memories]
    managed: AsyncManagedTransaction = tx  # pyright: ignore[reportAssignmentType]  # same methods
    await lock_owners(managed, entities)
    await save_memories(managed, memories)
    await own_memories(managed, entities)
    await summarize(managed, memories)


def elsewhere(measured: MeasuredMemory) -> MeasuredMemory:
    """Return a memory of another session."""
    return replace(measured, entity=replace(measured.entity, session_id="elsewhere"))


async def test_a_run_waits_for_what_an_open_transaction_wrote_and_sees_it(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, memory(workspace, "first", "Sells tea"))
    open_ones = [memory(workspace, name) for name in DAY]
    async with open_session(neo4j_driver, WRITE_ACCESS) as session:
        tx = await session.begin_transaction()
        await write_without_commit(tx, *open_ones)
        looking = await until_it_waits(neo4j_driver, detect(neo4j_driver, workspace, ["debugging"]))
        await tx.commit()
    await looking
    (pattern,) = await list_patterns(neo4j_driver, workspace)
    assert pattern.frequency == len(DAY)


async def test_nothing_is_passed_over_while_neo4j_fills_its_indexes(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    """A commit's nodes can be seen before they can be found: read then, the counter would lie."""
    seen: set[str] = set()

    async def note(tx: AsyncManagedTransaction, task: Task, news: Sequence[News]) -> Look:
        seen.update(one.id for one in news)
        return Look()

    async def write_all() -> None:
        for batch in range(BATCHES):
            await save(neo4j_driver, *(memory(workspace, f"{batch}.{n}") for n in range(8)))

    probe = Detector("probe", "debugging", 1, note)
    task = Task(workspace, Calibration(), datetime.now(UTC))
    writing = asyncio.create_task(write_all())
    is_done = False
    while not is_done:
        is_done = writing.done()
        newest = await read_newest(neo4j_driver, workspace)
        await run_detector(neo4j_driver, probe, task, Scope(), newest=newest, limit=1000)
    await writing
    assert len(seen) == BATCHES * 8


async def test_a_run_that_a_workspace_did_not_outlive_hides_nothing_of_the_next_one(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    (detector, *_) = choose_detectors(["debugging"])
    task = Task(workspace, Calibration(), datetime.now(UTC))
    await run_detector(neo4j_driver, detector, task, Scope(), newest=1000, limit=100)
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    await detect(neo4j_driver, workspace, ["debugging"])
    assert len(await list_patterns(neo4j_driver, workspace)) == 1


async def test_a_later_writer_waits_so_that_no_run_passes_over_the_earlier_one(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    await save(neo4j_driver, memory(workspace, "first", "Sells tea"))
    earlier = [memory(workspace, name) for name in DAY]
    later = [elsewhere(memory(workspace, f"b{n}", project="bank", user=BEN)) for n in range(6)]
    async with open_session(neo4j_driver, WRITE_ACCESS) as session:
        tx = await session.begin_transaction()
        await write_without_commit(tx, *earlier)
        # Of another project, session and user: only the workspace's counter holds it back.
        writing = await until_it_waits(neo4j_driver, save(neo4j_driver, *later))
        await tx.commit()
    await writing
    (numbers,) = await query(neo4j_driver, NUMBERS, workspace=workspace)
    assert numbers["numbers"] == list(range(1, 14))
    await detect(neo4j_driver, workspace, ["debugging"])
    found = await list_patterns(neo4j_driver, workspace)
    assert sorted(pattern.project_name for pattern in found) == ["bank", "shop"]


async def test_a_writer_that_gives_up_leaves_no_gap_that_hides_others(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    async with open_session(neo4j_driver, WRITE_ACCESS) as session:
        tx = await session.begin_transaction()
        await write_without_commit(tx, memory(workspace, "given up"))
        await tx.rollback()
    await save(neo4j_driver, *(memory(workspace, name) for name in DAY))
    await detect(neo4j_driver, workspace, ["debugging"])
    (pattern,) = await list_patterns(neo4j_driver, workspace)
    assert pattern.frequency == len(DAY)


async def test_a_run_waits_for_another_of_its_detector_and_takes_up_where_that_ended(
    neo4j_driver: AsyncDriver, workspace: str
) -> None:
    (detector, *_) = choose_detectors(["learning"])
    mine = workspace, detector.name, detector.version
    await save(neo4j_driver, memory(workspace, "first", "Sells tea"))
    await detect(neo4j_driver, workspace, ["learning"])
    await save(neo4j_driver, *(memory(workspace, name, LEARNED) for name in DAY))
    async with open_session(neo4j_driver, WRITE_ACCESS) as session:
        tx: Any = await session.begin_transaction()
        mark = await lock_mark(tx, *mine, newest=await read_newest(neo4j_driver, workspace))
        looking = await until_it_waits(neo4j_driver, detect(neo4j_driver, workspace, ["learning"]))
        await move_mark(tx, *mine, change=mark.newest)
        await tx.commit()
    assert await looking == []
