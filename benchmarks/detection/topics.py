"""The topics of a world that was looked at, as the detector would have left them.

Reckoned over all pairs of a project by the definition of a topic (docs/decisions/0010); a test
compares them with what the detector makes of the same memories.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final, LiteralString
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from neo4j import AsyncDriver, AsyncManagedTransaction
from numpy.typing import NDArray

from benchmarks.detection.loading import BATCH
from benchmarks.detection.world import World
from benchmarks.progress import say
from shared.domain.topics import COSINE, MINIMUM
from shared.embedding.wordllama import CALIBRATION
from shared.graph.driver import write
from shared.graph.findings import save_look
from shared.graph.looking import Task
from shared.graph.statements import Row
from shared.graph.topic_clusters import NEAREST_SEEDS
from shared.graph.topic_patterns import DESCRIBED, describe

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]
BLOCK: Final = 2_000
"""Memories compared with all of their project at once."""
ROWS: Final = 1_000
CREATE_CLUSTERS: Final[LiteralString] = """
UNWIND $rows AS row
CREATE (c:SemanticCluster {
    workspace_id: $workspace_id, id: row.id, project_name: row.project_name, seed_id: row.seed_id,
    seed_embedding: row.seed_embedding, created_at: datetime()
})
"""
CREATE_MEMBERS: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: row.id})
MATCH (own:SemanticCluster {workspace_id: $workspace_id, id: row.clusters[0]})
CREATE (s)-[:IN_CLUSTER {similarity: row.similarities[0]}]->(own)
CREATE (t:TopicMember {
    workspace_id: $workspace_id, id: row.id, occurred_at: s.occurred_at, user_id: s.user_id,
    cluster_id: own.id
})
WITH t, row
UNWIND range(0, size(row.clusters) - 1) AS place
MATCH (c:SemanticCluster {workspace_id: $workspace_id, id: row.clusters[place]})
CREATE (t)-[:NEAR {similarity: row.similarities[place]}]->(c)
"""
LIST_CLUSTERS: Final[LiteralString] = """
MATCH (c:SemanticCluster {workspace_id: $workspace_id}) RETURN c.id AS id ORDER BY id
"""
_DELETE: Final[LiteralString] = "CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS"
FORGET: Final[tuple[LiteralString, ...]] = (
    f"MATCH (n:TopicMember {{workspace_id: $workspace_id}}) {_DELETE}",
    f"MATCH (n:SemanticCluster {{workspace_id: $workspace_id}}) {_DELETE}",
    f"MATCH (n:Pattern {{workspace_id: $workspace_id, type: 'semantic'}}) {_DELETE}",
)


@dataclass(frozen=True, slots=True)
class Memories:
    """The memories of one project, by their ids."""

    project_name: str
    ids: list[str]
    vectors: Matrix


async def forget_topics(driver: AsyncDriver, world: World) -> None:
    """Take away the clusters with their members and patterns."""
    for statement in FORGET:
        async with driver.session() as session:  # pyright: ignore[reportUnknownMemberType]
            await (await session.run(statement, workspace_id=world.workspace_id)).consume()


async def save_topics(driver: AsyncDriver, world: World) -> None:
    """Store the clusters of every project, with their members."""
    scope = {"workspace_id": world.workspace_id}
    for memories in await asyncio.to_thread(_memories, world):
        clusters, members = await asyncio.to_thread(_topics, memories)
        await driver.execute_query(CREATE_CLUSTERS, scope, rows=clusters)
        for start in range(0, len(members), ROWS):
            piece = members[start : start + ROWS]
            await driver.execute_query(CREATE_MEMBERS, scope, rows=piece)
        say(f"{world.name}: {len(clusters)} topics of {memories.project_name}")


async def describe_topics(driver: AsyncDriver, world: World) -> None:
    """Say of every cluster what it is about, as the detector does: its indexes must be there."""
    found = await driver.execute_query(LIST_CLUSTERS, workspace_id=world.workspace_id)
    ids = [record["id"] for record in found.records]
    task = Task(world.workspace_id, CALIBRATION, datetime.now(UTC))

    async def work(tx: AsyncManagedTransaction, ids: Sequence[str]) -> None:
        await save_look(tx, world.workspace_id, await describe(tx, task, ids))

    for start in range(0, len(ids), DESCRIBED):
        await write(driver, partial(work, ids=ids[start : start + DESCRIBED]))
    say(f"{world.name}: {len(ids)} topics described")


def _topics(memories: Memories) -> tuple[list[Row], list[Row]]:
    cosine = CALIBRATION.cosine(COSINE)
    seeds = _seeds(memories.vectors, cosine)
    names = [str(uuid5(NAMESPACE_OID, memories.ids[seed])) for seed in seeds]
    clusters: list[Row] = [
        {
            "id": name,
            "project_name": memories.project_name,
            "seed_id": memories.ids[seed],
            "seed_embedding": memories.vectors[seed].astype(float).tolist(),
        }
        for name, seed in zip(names, seeds, strict=True)
    ]
    return clusters, _members(memories, seeds, names, cosine)


def _memories(world: World) -> list[Memories]:
    """Return the memories of each project, read in the loader's pieces: they decide the vectors."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    vectors: defaultdict[str, list[Vector]] = defaultdict(list)
    for start in range(0, world.size, BATCH):
        piece = world.vectors(start, start + BATCH)
        for own, name, vector in zip(piece.ids, piece.projects, piece.embeddings, strict=True):
            ids[name].append(own)
            vectors[name].append(vector)
    return [_sorted(name, ids[name], vectors.pop(name)) for name in ids]


def _sorted(project_name: str, ids: Sequence[str], vectors: Sequence[Vector]) -> Memories:
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return Memories(project_name, [ids[n] for n in order], np.array([vectors[n] for n in order]))


def _seeds(vectors: Matrix, cosine: float) -> list[int]:
    """Return the dense memories that no seed with a smaller id is alike to."""
    dense = np.concatenate(
        [
            (vectors[start : start + BLOCK] @ vectors.T >= cosine).sum(axis=1) >= MINIMUM
            for start in range(0, len(vectors), BLOCK)
        ]
        or [np.zeros(0, dtype=bool)]
    )
    free, seeds = dense.copy(), list[int]()
    for place in np.flatnonzero(dense).tolist():
        if free[place]:
            seeds.append(place)
            free &= vectors @ vectors[place] < cosine
    return seeds


def _members(
    memories: Memories, seeds: Sequence[int], names: Sequence[str], cosine: float
) -> list[Row]:
    alike = memories.vectors @ memories.vectors[list(seeds)].T
    rows: list[Row] = []
    for own, similarities in zip(memories.ids, alike, strict=True):
        near = [int(place) for place in np.argsort(-similarities) if similarities[place] >= cosine]
        if near:
            rows.append(
                {
                    "id": own,
                    "clusters": [names[place] for place in near[:NEAREST_SEEDS]],
                    "similarities": [float(similarities[place]) for place in near[:NEAREST_SEEDS]],
                }
            )
    return rows
