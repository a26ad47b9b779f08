"""`PRECEDED_BY` follows time inside a session, whatever order memories arrive in."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.integration.graph.builders import memory
from tests.integration.graph.conftest import Query, Save

CHAIN = """
MATCH (later:Memory {workspace_id: $workspace})-[r:PRECEDED_BY]->(earlier:Memory)
RETURN later.content AS later, earlier.content AS earlier, r.gap AS gap ORDER BY later, earlier
"""


def links(*names: str) -> list[tuple[str, str]]:
    """Return the links of a session whose memories are called in the order of time."""
    return sorted(zip(names[1:], names, strict=False))


async def chain(query: Query) -> list[tuple[str, str]]:
    """Return the links found."""
    return [(row["later"], row["earlier"]) for row in await query(CHAIN)]


async def test_consecutive_memories_are_linked_with_their_gap(
    save: Save, query: Query, workspace: str
) -> None:
    await save(memory(workspace, "a"), memory(workspace, "b", minutes=1.5))

    assert await query(CHAIN) == [{"later": "b", "earlier": "a", "gap": 90.0}]


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_of_arrival_ends_in_one_chain(
    save: Save, query: Query, workspace: str, seed: int
) -> None:
    names = "abcdefghij"
    memories = [memory(workspace, name, minutes=i) for i, name in enumerate(names)]
    order = random.Random(seed)
    order.shuffle(memories)
    for start in range(0, len(memories), 3):
        await save(*memories[start : start + 3])
    await save(*order.sample(memories, 4))

    assert await chain(query) == links(*names)


async def test_sessions_are_chains_of_their_own(save: Save, query: Query, workspace: str) -> None:
    await save(
        memory(workspace, "a"),
        memory(workspace, "x", minutes=1, session="s2"),
        memory(workspace, "b", minutes=2),
        memory(workspace, "y", minutes=3, session="s2"),
    )

    assert await chain(query) == sorted([*links("a", "b"), *links("x", "y")])


async def test_a_memory_that_moves_leaves_no_gap_behind(
    save: Save, query: Query, workspace: str
) -> None:
    a, b, c = (memory(workspace, name, minutes=i) for i, name in enumerate("abc"))
    await save(a, b, c)
    await save(memory(workspace, "b", minutes=9, session="s2", key=b.entity.id, version=1))
    assert await chain(query) == links("a", "c")

    await save(memory(workspace, "b", minutes=9, key=b.entity.id, version=2))
    assert await chain(query) == links("a", "c", "b")


async def test_chunks_of_one_moment_keep_their_order(
    save: Save, query: Query, workspace: str
) -> None:
    parts = [memory(workspace, name, metadata={"chunkIndex": i}) for i, name in enumerate("abc")]
    await save(*reversed(parts))

    assert await chain(query) == links("a", "b", "c")


async def test_two_writers_of_one_session_end_in_one_chain(
    save: Save, query: Query, workspace: str
) -> None:
    names = [f"{number:03}" for number in range(120)]
    memories = [memory(workspace, name, minutes=i) for i, name in enumerate(names)]

    async def write(own: list[int]) -> None:
        for start in range(0, len(own), 10):
            await save(*(memories[i] for i in own[start : start + 10]))

    async with asyncio.TaskGroup() as writers:
        writers.create_task(write(list(range(0, 120, 2))))
        writers.create_task(write(list(range(119, 0, -2))))
        writers.create_task(write(list(range(40, 80))))

    assert await chain(query) == links(*names)
