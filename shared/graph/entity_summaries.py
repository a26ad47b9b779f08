"""What the detectors read of an entity: exactly one summary node each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final, Literal, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.entities import Entity
from shared.domain.signals import RULES, Signals
from shared.graph.changes import find_moved, number_changes
from shared.graph.code import MeasuredCode
from shared.graph.memories import MeasuredMemory
from shared.graph.statements import Row, run_rows

_SAVE: Final[LiteralString] = """
MERGE (s:EntitySummary {workspace_id: row.workspace_id, id: row.id})
SET s += row.properties, s.embedding = n.embedding, s.processed_at = datetime(),
    s.created_at = n.created_at, s.updated_at = n.updated_at,
    s.occurred_at = coalesce(n.occurred_at, n.updated_at)
MERGE (s)-[:SUMMARIZES]->(n)
MERGE (n)-[:HAS_SUMMARY]->(s)
"""
SUMMARIZE_MEMORIES: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (n:Memory {{workspace_id: row.workspace_id, id: row.properties.entity_id}})
{_SAVE}
"""
SUMMARIZE_CODE: Final[LiteralString] = f"""
UNWIND $rows AS row
MATCH (n:CodeEntity {{workspace_id: row.workspace_id, id: row.properties.entity_id}})
{_SAVE}
"""


async def summarize(
    tx: AsyncManagedTransaction,
    memories: Sequence[MeasuredMemory],
    files: Sequence[MeasuredCode] = (),
    less_discussed: Iterable[tuple[str, str]] = (),
) -> None:
    """Write the summaries of written entities and number them as changed: call it last.

    So are files, by workspace and id, that a memory no longer refers to: what they were part of
    may be gone.
    """
    of_memories = [summary_row("memory", memory.entity, memory.signals) for memory in memories]
    of_files = [summary_row("code", file.entity, file.signals) for file in files]
    rows = [*of_memories, *of_files]
    keys = [{"workspace_id": row["workspace_id"], "id": row["id"]} for row in rows]
    moved = await find_moved(tx, keys)
    await run_rows(tx, SUMMARIZE_MEMORIES, of_memories)
    await run_rows(tx, SUMMARIZE_CODE, of_files)
    written = [(row["workspace_id"], row["id"]) for row in rows]
    written += [(workspace_id, f"code:{file_id}") for workspace_id, file_id in less_discussed]
    await number_changes(tx, dict.fromkeys(written), moved)


def summary_id(kind: Literal["memory", "code"], entity: Entity) -> str:
    """Return the key that makes a summary the only one of its entity."""
    return f"{kind}:{entity.id}"


def summary_row(kind: Literal["memory", "code"], entity: Entity, signals: Signals) -> Row:
    """Return a summary's key and the properties of its node that are the entity's own.

    All but its times, which it has from the entity's node: the driver spends more on a time than on
    all else of a row.
    """
    own = {
        "entity_id": str(entity.id),
        "entity_type": kind,
        "user_id": str(entity.user_id),
        "project_name": entity.project_name or "",
        "signal_rules": RULES,
        "keyword_frequencies": json.dumps(signals.keyword_frequencies),
        "pattern_signals": json.dumps(signals.pattern_signals),
    }
    return {
        "workspace_id": entity.workspace_id,
        "id": summary_id(kind, entity),
        "properties": {**signals.as_properties(), **own},
    }
