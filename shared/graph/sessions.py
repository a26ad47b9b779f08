"""The order of memories inside their session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.entities import Memory
from shared.graph.statements import Row, run_rows

# A memory's link leads to the one before it, so a write may break three links: its own, that
# of the memory which followed it until now, and that of the memory which follows it from now on.
# ORDER BY names the whole index key: only then does the planner read one entry instead of all.
LINK_SESSIONS: Final[LiteralString] = """
UNWIND $rows AS row
MATCH (written:Memory {workspace_id: row.workspace_id, id: row.id})
CALL (written) {
    RETURN written AS memory
  UNION
    MATCH (memory {workspace_id: written.workspace_id})-[:PRECEDED_BY]->(written)
    RETURN memory
  UNION
    MATCH (memory:Memory {workspace_id: written.workspace_id, session_id: written.session_id})
    WHERE memory.place_in_session > written.place_in_session
    RETURN memory
    ORDER BY memory.workspace_id, memory.session_id, memory.place_in_session LIMIT 1
}
WITH DISTINCT memory
CALL (memory) {
    MATCH (memory)-[old:PRECEDED_BY]->({workspace_id: memory.workspace_id})
    DELETE old
}
CALL (memory) {
    MATCH (before:Memory {workspace_id: memory.workspace_id, session_id: memory.session_id})
    WHERE before.place_in_session < memory.place_in_session
    RETURN before
    ORDER BY before.workspace_id, before.session_id, before.place_in_session DESC LIMIT 1
}
CREATE (memory)-[:PRECEDED_BY {
    gap: duration.inSeconds(before.occurred_at, memory.occurred_at).milliseconds / 1000.0
}]->(before)
"""


async def link_sessions(tx: AsyncManagedTransaction, memories: Sequence[Memory]) -> None:
    """Link written memories into their sessions, whatever order they arrive in. Safe to repeat.

    The sessions must be locked: `lock_owners`.
    """
    rows = [{"workspace_id": m.workspace_id, "id": str(m.id)} for m in memories]
    await relink_sessions(tx, rows)


async def relink_sessions(tx: AsyncManagedTransaction, memories: Sequence[Row]) -> None:
    """Link memories, by workspace and id, to those before and after them now. Safe to repeat.

    The sessions must be locked.
    """
    await run_rows(tx, LINK_SESSIONS, memories)
