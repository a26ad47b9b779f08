"""The same memories make the same topics, in whatever order and pieces they come and go.

Compared with a plain reading of the definition over all pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from random import Random
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neo4j import AsyncDriver

from shared.domain.topics import COSINE, MINIMUM
from shared.graph.memories import MeasuredMemory
from tests.integration.patterns.pattern_builders import EMBEDDER, detect, direction, memory, save
from tests.integration.patterns.topic_builders import forget, partition, wipe

WIDE = 0.62
"""Two of one topic are about as alike as the threshold asks, so about half of the pairs are."""


def cloud(workspace: str, random: Random, count: int) -> list[MeasuredMemory]:
    """Return memories of three wide topics, some of them with the same text."""
    found: list[MeasuredMemory] = []
    for number in range(count):
        topic = random.choice("abc")
        vector = direction(topic, f"{random.randrange(count)}", spread=WIDE)
        one = memory(workspace, f"{number}", hours=number, topic=topic)
        found.append(replace(one, embedding=vector))
    return found


def expected(memories: Sequence[MeasuredMemory]) -> set[frozenset[str]]:
    """Return the topics by their definition: seeds by id among the dense, members by nearness."""
    ids = [f"memory:{one.entity.id}" for one in memories]
    vectors = np.array([one.embedding for one in memories])
    alike = vectors @ vectors.T
    cosine = EMBEDDER.calibration.cosine(COSINE)
    dense = (alike >= cosine).sum(axis=0) >= MINIMUM
    seeds: list[int] = []
    for one in sorted(np.flatnonzero(dense).tolist(), key=ids.__getitem__):
        if all(alike[one, seed] < cosine for seed in seeds):
            seeds.append(one)
    members: defaultdict[int, set[str]] = defaultdict(set)
    for one in range(len(ids)):
        near = [seed for seed in seeds if alike[one, seed] >= cosine]
        if near:
            members[max(near, key=lambda seed: alike[one, seed])].add(ids[one])
    return {frozenset(own) for own in members.values()}


async def arrive(
    driver: AsyncDriver, workspace: str, memories: Sequence[MeasuredMemory], random: Random
) -> None:
    """Save and look at shuffled memories, piece by piece, sometimes several pieces at once."""
    left = random.sample(memories, len(memories))
    while left:
        size = random.choice((1, 2, 7, 40))
        piece, left = left[:size], left[size:]
        await save(driver, *piece)
        if random.random() < 0.7 or not left:
            await detect(driver, workspace, ["semantic"], limit=random.choice((1, 5, 1000)))


@pytest.mark.parametrize("seed", range(6))
async def test_orders(neo4j_driver: AsyncDriver, workspace: str, seed: int) -> None:
    random = Random(seed)
    memories = cloud(workspace, random, 60)
    await arrive(neo4j_driver, workspace, memories, random)
    found, wanted = await partition(neo4j_driver, workspace), expected(memories)
    print(sorted(map(len, wanted)), sorted(map(len, found)))
    assert found == wanted
    gone = random.sample(memories, 20)
    left = [one for one in memories if one not in gone]
    await forget(neo4j_driver, *gone)
    await detect(neo4j_driver, workspace, ["semantic"], limit=random.choice((1, 7, 100)))
    print(sorted(map(len, expected(left))))
    assert await partition(neo4j_driver, workspace) == expected(left)
