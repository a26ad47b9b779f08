"""Looks for topics: the clusters around what is new, and those that lost a member."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from neo4j import AsyncManagedTransaction

from shared.domain.findings import Finding, Look, News, PatternKey
from shared.domain.topics import (
    COSINE,
    TYPE,
    Cluster,
    Member,
    Topic,
    describe_topic,
    find_topic,
    topic_key,
)
from shared.graph.looking import Detector, Task
from shared.graph.topic_members import (
    Others,
    read_clusters,
    read_others,
    read_samples,
    save_descriptions,
)
from shared.graph.topic_places import AT_ONCE, Placing

VERSION: Final = 2
DESCRIBED: Final = 20
"""How many clusters are described together: so many samples are in memory."""


async def look(tx: AsyncManagedTransaction, task: Task, news: Sequence[News]) -> Look:
    """Place the new memories, then say anew what the clusters that changed are about."""
    cosine = task.calibration.cosine(COSINE)
    placing = Placing(tx, task.workspace_id, cosine)
    memories = [one for one in news if one.entity_type == "memory"]
    ids = sorted({one.id for one in memories})
    for start in range(0, len(ids), AT_ONCE):
        await placing.place(ids[start : start + AT_ONCE])
    lost = {topic_key(project, cluster_id) for cluster_id, project in placing.lost.items()}
    found = await describe(tx, task, placing.touched)
    return Look(found.findings, found.checked | lost)


async def describe(tx: AsyncManagedTransaction, task: Task, cluster_ids: Iterable[str]) -> Look:
    """Say what clusters are about, and keep it with them."""
    others: dict[str, Others] = {}
    findings: list[Finding] = []
    checked: set[PatternKey] = set()
    ordered = sorted(cluster_ids)
    for start in range(0, len(ordered), DESCRIBED):
        clusters = await read_clusters(tx, task.workspace_id, ordered[start : start + DESCRIBED])
        described = await _measure(tx, task.workspace_id, clusters, others)
        cosine = task.calibration.cosine(COSINE)
        found = [find_topic(*one, cosine=cosine) for one in described]
        findings += [finding for finding in found if finding]
        checked |= {cluster.key for cluster in clusters}
    return Look(findings, frozenset(checked))


async def _measure(
    tx: AsyncManagedTransaction,
    workspace_id: str,
    clusters: Sequence[Cluster],
    others: dict[str, Others],
) -> list[tuple[Cluster, Topic]]:
    """Return the clusters with their topics, and store these."""
    samples = await read_samples(tx, workspace_id, clusters)
    for name in {cluster.project_name for cluster in clusters} - others.keys():
        others[name] = await read_others(tx, workspace_id, name)
    described = [
        (one, await asyncio.to_thread(_topic, one, samples[one.id], others[one.project_name]))
        for one in clusters
        if one.id in samples
    ]
    await save_descriptions(tx, workspace_id, described)
    return described


def _topic(cluster: Cluster, sample: Sequence[Member], others: Others) -> Topic:
    return describe_topic(cluster.seed_embedding, sample, others.but_for(cluster.members))


SEMANTIC: Final = Detector(TYPE, TYPE, VERSION, look)
