"""Which entities the graph does not hold as the rules of today would write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, LiteralString
from uuid import UUID

from neo4j import AsyncDriver, AsyncManagedTransaction

from shared.domain.signals import RULES
from shared.graph.driver import LONG_READ_SECONDS, read

FIND_CURRENT: Final[LiteralString] = """
UNWIND $ids AS id
MATCH (s:EntitySummary {workspace_id: $workspace_id, id: id})
WHERE s.signal_rules = $rules
RETURN s.entity_id AS id
"""


async def find_outdated(
    driver: AsyncDriver, workspace_id: str, kind: Literal["memory", "code"], ids: Sequence[UUID]
) -> list[UUID]:
    """Return which of the entities have no summary, or one of other rules than `RULES`.

    Raises:
        DependencyDownError: Neo4j does not answer.
    """

    async def work(tx: AsyncManagedTransaction) -> set[str]:
        keys = [f"{kind}:{one}" for one in ids]
        found = await tx.run(FIND_CURRENT, workspace_id=workspace_id, ids=keys, rules=RULES)
        return {row["id"] for row in await found.data()}

    current = await read(driver, work, seconds=LONG_READ_SECONDS)
    return [one for one in ids if str(one) not in current]
