"""Looks for topics: the clusters around what is new, and those that lost a member."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from neo4j import AsyncManagedTransaction

from shared.domain.findings import Look, News
from shared.domain.topics import (
    COSINE,
    TYPE,
    Cluster,
    Topic,
    describe_topic,
    find_topic,
    topic_key,
)
from shared.graph.looking import Detector, Task
from shared.graph.topic_members import (
    read_clusters,
    read_others,
    read_texts,
    save_descriptions,
)
from shared.graph.topic_places import AT_ONCE, Placing

VERSION: Final = 1


async def look(tx: AsyncManagedTransaction, task: Task, news: Sequence[News]) -> Look:
    """Place the new memories, then say anew what the clusters that changed are about."""
    cosine = task.calibration.cosine(COSINE)
    placing = Placing(tx, task.workspace_id, cosine)
    memories = [one for one in news if one.entity_type == "memory"]
    await placing.measure({one.project_name for one in memories})
    ids = sorted({one.id for one in memories})
    for start in range(0, len(ids), AT_ONCE):
        await placing.place(ids[start : start + AT_ONCE])
    clusters = await read_clusters(tx, task.workspace_id, placing.touched)
    described = await _describe(tx, task.workspace_id, clusters)
    found = [find_topic(cluster, topic, cosine=cosine) for cluster, topic in described]
    lost = {topic_key(project, cluster_id) for cluster_id, project in placing.lost.items()}
    return Look(
        findings=[finding for finding in found if finding],
        checked=frozenset({cluster.key for cluster in clusters} | lost),
    )


async def _describe(
    tx: AsyncManagedTransaction, workspace_id: str, clusters: Sequence[Cluster]
) -> list[tuple[Cluster, Topic]]:
    """Return the clusters with their topics, and store these."""
    others: dict[str, dict[str, str]] = {}
    described: list[tuple[Cluster, Topic]] = []
    for cluster in clusters:
        name = cluster.project_name
        if name not in others:
            others[name] = await read_others(tx, workspace_id, name)
        vectors, texts = await read_texts(tx, workspace_id, cluster)
        own = {member.summary.id for member in cluster.members}
        rest = [text for summary_id, text in others[name].items() if summary_id not in own]
        described.append(
            (cluster, await asyncio.to_thread(describe_topic, cluster, vectors, texts, rest))
        )
    await save_descriptions(tx, workspace_id, described)
    return described


SEMANTIC: Final = Detector(TYPE, TYPE, VERSION, look)
