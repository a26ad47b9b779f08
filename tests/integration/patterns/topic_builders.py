"""How tests of topics take memories away, and read what there is."""

from __future__ import annotations

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.domain.findings import News
from shared.graph.changes import number_changes
from shared.graph.driver import write
from shared.graph.memories import MeasuredMemory
from tests.integration.patterns.pattern_builders import query


async def forget(driver: AsyncDriver, *memories: MeasuredMemory) -> None:
    """Delete memories with their summaries; detectors learn of it as of anything removed."""
    entities = [one.entity for one in memories]
    lost = [
        (
            entity.workspace_id,
            News(
                id=f"memory:{entity.id}",
                entity_type="memory",
                user_id=str(entity.user_id),
                project_name=entity.project_name or "",
                occurred_at=entity.occurred_at,
                is_removed=True,
            ),
        )
        for entity in entities
    ]

    async def work(tx: AsyncManagedTransaction) -> None:
        deleted = await tx.run(
            """
            UNWIND $rows AS row
            MATCH (m:Memory {workspace_id: row.workspace_id, id: row.id})-[:HAS_SUMMARY]->(s)
            DETACH DELETE s, m
            """,
            rows=[{"workspace_id": one.workspace_id, "id": str(one.id)} for one in entities],
        )
        await deleted.consume()
        await number_changes(tx, [], lost)

    await write(driver, work)


async def find_topics(driver: AsyncDriver, workspace: str) -> set[frozenset[str]]:
    """Return the members of each cluster."""
    rows = await query(
        driver,
        """
        MATCH (c:SemanticCluster {workspace_id: $workspace})<-[:IN_CLUSTER]-(s:EntitySummary)
        RETURN c.id AS cluster, collect(s.id) AS members
        """,
        workspace=workspace,
    )
    return {frozenset(row["members"]) for row in rows}


async def wipe(driver: AsyncDriver, workspace: str) -> None:
    """Delete everything of a workspace."""
    await query(driver, "MATCH (n {workspace_id: $w}) DETACH DELETE n", w=workspace)
