"""The same memories make the same topics, in whatever order and pieces they come and go.

Compared with a plain reading of the definition over all pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from uuid import uuid4

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neo4j import AsyncDriver

from shared.domain.topics import COSINE, MINIMUM
from shared.graph.memories import MeasuredMemory
from tests.integration.patterns.pattern_builders import EMBEDDER, detect, direction, memory, save
from tests.integration.patterns.topic_builders import find_topics, forget, wipe

WIDE = 0.62
"""Two memories of one topic are about as alike as the threshold asks: half of the pairs are."""


def cloud(workspace: str, random: Random, count: int) -> list[MeasuredMemory]:
    """Return memories of two wide topics, some of them with the same text."""
    found: list[MeasuredMemory] = []
    for number in range(count):
        vector = direction(random.choice("ab"), f"{random.randrange(count)}", spread=WIDE)
        found.append(replace(memory(workspace, f"{number}"), embedding=vector))
    return found


def expected(memories: Sequence[MeasuredMemory]) -> set[frozenset[str]]:
    """Return the topics by their definition: seeds by id among the dense, members by nearness."""
    ids = [f"memory:{one.entity.id}" for one in memories]
    vectors = np.array([one.embedding for one in memories])
    alike = vectors @ vectors.T
    cosine = EMBEDDER.calibration.cosine(COSINE)
    dense = np.flatnonzero((alike >= cosine).sum(axis=0) >= MINIMUM)
    seeds: list[int] = []
    for one in sorted(map(int, dense), key=ids.__getitem__):
        if all(alike[one, seed] < cosine for seed in seeds):
            seeds.append(one)
    members: defaultdict[int, set[str]] = defaultdict(set)
    for one, own in enumerate(ids):
        if near := [(alike[one, seed], seed) for seed in seeds if alike[one, seed] >= cosine]:
            members[max(near)[1]].add(own)
    return {frozenset(own) for own in members.values()}


async def arrive(
    driver: AsyncDriver, workspace: str, memories: Sequence[MeasuredMemory], random: Random
) -> None:
    """Save shuffled memories piece by piece, and look now and then, at few or at all of them."""
    left = random.sample(memories, len(memories))
    while left:
        size = random.choice((1, 8, 30))
        piece, left = left[:size], left[size:]
        await save(driver, *piece)
        if random.random() < 0.7 or not left:
            await detect(driver, workspace, ["semantic"], limit=random.choice((7, 1000)))


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10_000))
async def test_topics_are_the_same_in_any_order_and_after_any_removal(
    neo4j_driver: AsyncDriver, seed: int
) -> None:
    random, workspace = Random(seed), f"team:{uuid4()}"
    memories = cloud(workspace, random, 40)
    try:
        await arrive(neo4j_driver, workspace, memories, random)
        assert await find_topics(neo4j_driver, workspace) == expected(memories)

        gone, left = memories[:12], memories[12:]
        await forget(neo4j_driver, *gone)
        await detect(neo4j_driver, workspace, ["semantic"], limit=random.choice((5, 100)))
        assert await find_topics(neo4j_driver, workspace) == expected(left)
    finally:
        await wipe(neo4j_driver, workspace)
