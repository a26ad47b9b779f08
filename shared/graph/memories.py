"""Memories as nodes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final, LiteralString

from neo4j import AsyncManagedTransaction

from shared.domain.entities import Memory
from shared.domain.signals import Signals
from shared.graph.entity_words import words_of_memory
from shared.graph.mentions import Mentions
from shared.graph.statements import Row, run_rows

CHUNKS: Final = 10**9

# The first SET takes the lock of a node that is there, before its version is read.
SAVE_MEMORIES: Final[LiteralString] = """
UNWIND $rows AS row
MERGE (m:Memory {workspace_id: row.workspace_id, id: row.id})
ON MATCH SET m.written_at = datetime()
WITH m, row WHERE m.updated_at IS NULL OR m.updated_at <= row.properties.updated_at
SET m = row.properties
RETURN row.workspace_id AS workspace_id, row.id AS id
"""


@dataclass(frozen=True, slots=True)
class MeasuredMemory:
    """A memory with all that is computed from its text."""

    entity: Memory
    signals: Signals
    embedding: list[float]
    mentions: Mentions


async def save_memories(
    tx: AsyncManagedTransaction, memories: Sequence[MeasuredMemory]
) -> list[MeasuredMemory]:
    """Write memories and return those written: not one that the graph has in a newer version."""
    # In a thread: the words of a batch of long texts must not keep the heartbeat from running.
    rows = await asyncio.to_thread(lambda: [memory_row(memory) for memory in memories])
    written = await run_rows(tx, SAVE_MEMORIES, rows)
    keys = {(row["workspace_id"], row["id"]) for row in written}
    return [m for m in memories if (m.entity.workspace_id, str(m.entity.id)) in keys]


def memory_row(memory: MeasuredMemory) -> Row:
    """Return a memory's key and all properties of its node."""
    entity = memory.entity
    return {
        "workspace_id": entity.workspace_id,
        "id": str(entity.id),
        "properties": {
            **_properties(entity),
            "terms": list(memory.mentions.terms()),
            "words": words_of_memory(entity),
            "embedding": memory.embedding,
        },
    }


def _properties(memory: Memory) -> Row:
    return {
        "workspace_id": memory.workspace_id,
        "id": str(memory.id),
        "user_id": str(memory.user_id),
        "content": memory.content,
        "chunk_id": memory.chunk_id,
        "session_id": memory.session_id,
        "place_in_session": place_in_session(memory),
        "project_name": memory.project_name,
        "type": memory.type,
        "created_at": memory.created_at,
        "updated_at": memory.updated_at,
        "occurred_at": memory.occurred_at,
        "metadata": json.dumps(memory.metadata, ensure_ascii=False),
    }


def place_in_session(memory: Memory) -> str:
    """Return a text that sorts the memories of a session: by time, then chunk, then id.

    One property, so that a neighbour is one step in one index.
    """
    time = memory.occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
    index = memory.metadata.get("chunkIndex")
    chunk = index if isinstance(index, int) and 0 <= index < CHUNKS else 0
    return f"{time}#{chunk:09d}#{memory.id}"
