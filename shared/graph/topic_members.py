"""What clusters hold, read through an index by cluster and time, and what was found out of it.

The newest members stand for all: what a cluster costs does not grow with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.findings import MAX_EVIDENCE
from shared.domain.telling_words import READ_CHARACTERS, Words, count_words
from shared.domain.topics import SAMPLE, Cluster, Member, Topic
from shared.graph.statements import Row, read_collected, read_rows

OTHERS: Final = 200
"""The newest memories of a project that a topic's words are compared with."""

# Naming all of the index's properties lets it take the index's order instead of sorting.
READ_CLUSTERS: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (c:SemanticCluster {workspace_id: $workspace_id, id: id})
USING INDEX SEEK c:SemanticCluster(workspace_id, id)
CALL (c) {
    MATCH (t:TopicMember)
    USING INDEX SEEK t:TopicMember(workspace_id, cluster_id, occurred_at)
    WHERE t.workspace_id = $workspace_id AND t.cluster_id = c.id AND t.occurred_at IS NOT NULL
    WITH t ORDER BY t.workspace_id, t.cluster_id, t.occurred_at LIMIT 1
    RETURN t.occurred_at AS first_at
}
CALL (c) {
    MATCH (t:TopicMember)
    USING INDEX SEEK t:TopicMember(workspace_id, cluster_id, occurred_at)
    WHERE t.workspace_id = $workspace_id AND t.cluster_id = c.id AND t.occurred_at IS NOT NULL
    WITH t ORDER BY t.workspace_id DESC, t.cluster_id DESC, t.occurred_at DESC LIMIT $limit
    RETURN collect(t.id) AS members, collect(DISTINCT t.user_id) AS users,
           max(t.occurred_at) AS last_at
}
RETURN c.id AS id, c.project_name AS project_name, c.seed_embedding AS seed_embedding,
       COUNT { (c)<-[:IN_CLUSTER]-() } AS size, first_at, last_at, members, users
"""
READ_SAMPLES: Final[LiteralString] = """
UNWIND $rows AS row
UNWIND row.members AS id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
      -[:SUMMARIZES]->(m {workspace_id: $workspace_id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
RETURN collect({
    cluster_id: row.id, embedding: s.embedding, text: left(m.content, $characters),
    signals: s {.is_debugging, .is_learning, .is_refactoring, .is_problem_solving}
}) AS rows
"""
READ_OTHERS: Final[LiteralString] = """
MATCH (s:EntitySummary)
USING INDEX SEEK s:EntitySummary(workspace_id, project_name, occurred_at)
WHERE s.workspace_id = $workspace_id AND s.project_name = $project_name
  AND s.occurred_at IS NOT NULL
WITH s ORDER BY s.workspace_id DESC, s.project_name DESC, s.occurred_at DESC LIMIT $limit
MATCH (s)-[:SUMMARIZES]->(m {workspace_id: $workspace_id})
RETURN collect({id: s.id, text: left(m.content, $characters)}) AS rows
"""
DESCRIBE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (c:SemanticCluster {workspace_id: $workspace_id, id: row.id})
USING INDEX SEEK c:SemanticCluster(workspace_id, id)
SET c += row.properties, c.updated_at = datetime()
"""


@dataclass(frozen=True, slots=True)
class Others:
    """The newest texts of a project, by summary, and their words."""

    texts: dict[str, str]
    words: Words

    def but_for(self, members: Iterable[str]) -> Words:
        """Return the words of those that are none of a cluster's members."""
        own = [self.texts[one] for one in members if one in self.texts]
        return self.words.without(count_words(own))


async def read_clusters(
    tx: AsyncManagedTransaction, workspace_id: str, ids: Iterable[str]
) -> list[Cluster]:
    """Return the clusters that there are and have members."""
    found = await tx.run(
        READ_CLUSTERS, workspace_id=workspace_id, ids=sorted(ids), limit=MAX_EVIDENCE
    )
    return [_cluster(row) for row in await read_rows(found)]


async def read_samples(
    tx: AsyncManagedTransaction, workspace_id: str, clusters: Sequence[Cluster]
) -> dict[str, list[Member]]:
    """Return the newest members of clusters, by cluster; they stand for all."""
    values: Row = {
        "workspace_id": workspace_id,
        "rows": [{"id": one.id, "members": one.members[:SAMPLE]} for one in clusters],
        "characters": READ_CHARACTERS,
    }
    samples: defaultdict[str, list[Member]] = defaultdict(list)
    for row in await read_collected(tx, READ_SAMPLES, values):
        samples[row["cluster_id"]].append(Member(row["embedding"], row["text"], row["signals"]))
    return samples


async def read_others(tx: AsyncManagedTransaction, workspace_id: str, project_name: str) -> Others:
    """Return the newest texts of a project."""
    values: Row = {
        "workspace_id": workspace_id,
        "project_name": project_name,
        "limit": OTHERS,
        "characters": READ_CHARACTERS,
    }
    texts = {row["id"]: row["text"] for row in await read_collected(tx, READ_OTHERS, values)}
    return Others(texts, count_words(texts.values()))


async def save_descriptions(
    tx: AsyncManagedTransaction, workspace_id: str, described: Sequence[tuple[Cluster, Topic]]
) -> None:
    """Write what clusters are about."""
    rows = [_row(cluster, topic) for cluster, topic in described]
    await (await tx.run(DESCRIBE, workspace_id=workspace_id, rows=rows)).consume()


def _row(cluster: Cluster, topic: Topic) -> Row:
    return {
        "id": cluster.id,
        "properties": {
            "centroid_embedding": topic.centroid,
            "radius": topic.radius,
            "entity_count": cluster.size,
            "dominant_keywords": topic.keywords,
            "cluster_type": topic.cluster_type,
            "first_at": cluster.first_at,
            "last_at": cluster.last_at,
        },
    }


def _cluster(row: Row) -> Cluster:
    return Cluster(
        id=row["id"],
        project_name=row["project_name"],
        seed_embedding=row["seed_embedding"],
        size=row["size"],
        first_at=row["first_at"].to_native(),
        last_at=row["last_at"].to_native(),
        members=row["members"],
        users=sorted(row["users"]),
    )
