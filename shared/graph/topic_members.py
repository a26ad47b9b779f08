"""What clusters hold, read through an index by cluster and time, and what was found out of it.

The newest members stand for all: what a cluster costs does not grow with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.findings import MAX_EVIDENCE
from shared.domain.telling_words import READ_CHARACTERS
from shared.domain.topics import Cluster, Member, Topic
from shared.graph.neighbours import SUMMARY_FIELDS, read_summary
from shared.graph.statements import Row

OTHERS: Final = 200
"""The newest memories of a project that a topic's words are compared with."""

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
RETURN c.id AS id, c.project_name AS project_name, first_at,
       COUNT { (c)<-[:IN_CLUSTER]-() } AS size
"""
# Naming all of the index's properties lets it take the index's order instead of sorting.
READ_MEMBERS: Final[LiteralString] = f"""
CYPHER 25
UNWIND $ids AS cluster_id
CALL (cluster_id) {{
    MATCH (t:TopicMember)
    USING INDEX SEEK t:TopicMember(workspace_id, cluster_id, occurred_at)
    WHERE t.workspace_id = $workspace_id AND t.cluster_id = cluster_id AND t.occurred_at IS NOT NULL
    WITH t ORDER BY t.workspace_id DESC, t.cluster_id DESC, t.occurred_at DESC LIMIT $limit
    RETURN t
}}
MATCH (s:EntitySummary {{workspace_id: $workspace_id, id: t.id}})
      -[link:IN_CLUSTER]->(c {{workspace_id: $workspace_id, id: cluster_id}})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
RETURN cluster_id, link.similarity AS similarity, {SUMMARY_FIELDS}
"""
READ_TEXTS: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
      -[:SUMMARIZES]->(m {workspace_id: $workspace_id})
USING INDEX SEEK s:EntitySummary(workspace_id, id)
RETURN id, s.embedding AS embedding, left(m.content, $characters) AS text
"""
READ_OTHERS: Final[LiteralString] = """
MATCH (s:EntitySummary)
USING INDEX SEEK s:EntitySummary(workspace_id, project_name, occurred_at)
WHERE s.workspace_id = $workspace_id AND s.project_name = $project_name
  AND s.occurred_at IS NOT NULL
WITH s ORDER BY s.workspace_id DESC, s.project_name DESC, s.occurred_at DESC LIMIT $limit
MATCH (s)-[:SUMMARIZES]->(m {workspace_id: $workspace_id})
RETURN s.id AS id, left(m.content, $characters) AS text
"""
DESCRIBE: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (c:SemanticCluster {workspace_id: $workspace_id, id: row.id})
USING INDEX SEEK c:SemanticCluster(workspace_id, id)
SET c += row.properties, c.updated_at = datetime()
"""


async def read_clusters(
    tx: AsyncManagedTransaction, workspace_id: str, ids: Iterable[str]
) -> list[Cluster]:
    """Return the clusters that there are, each with its newest members."""
    scope = {"workspace_id": workspace_id, "ids": sorted(ids)}
    members: dict[str, list[Member]] = {}
    for row in await (await tx.run(READ_MEMBERS, scope, limit=MAX_EVIDENCE)).data():
        one = Member(read_summary(row), min(row["similarity"], 1.0))
        members.setdefault(row["cluster_id"], []).append(one)
    return [
        Cluster(
            id=row["id"],
            project_name=row["project_name"],
            size=row["size"],
            first_at=row["first_at"].to_native(),
            members=sorted(members[row["id"]], key=_newest_first),
        )
        for row in await (await tx.run(READ_CLUSTERS, scope)).data()
        if row["id"] in members
    ]


async def read_texts(
    tx: AsyncManagedTransaction, workspace_id: str, cluster: Cluster
) -> tuple[list[list[float]], list[str]]:
    """Return the vectors and the texts of the members that stand for a cluster."""
    found = await tx.run(
        READ_TEXTS,
        workspace_id=workspace_id,
        ids=[member.summary.id for member in cluster.sample],
        characters=READ_CHARACTERS,
    )
    rows = await found.data()
    return [row["embedding"] for row in rows], [row["text"] for row in rows]


async def read_others(
    tx: AsyncManagedTransaction, workspace_id: str, project_name: str
) -> dict[str, str]:
    """Return the newest texts of a project, by summary."""
    found = await tx.run(
        READ_OTHERS,
        workspace_id=workspace_id,
        project_name=project_name,
        limit=OTHERS,
        characters=READ_CHARACTERS,
    )
    return {row["id"]: row["text"] for row in await found.data()}


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
            "last_at": cluster.members[0].summary.occurred_at,
        },
    }


def _newest_first(member: Member) -> tuple[float, str]:
    return (-member.summary.occurred_at.timestamp(), member.summary.id)
