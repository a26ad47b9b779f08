"""Real Claude Code sessions as measured memories."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid5

from shared.domain.entities import Memory
from shared.domain.signals import measure_signals
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import mentions_of_memory
from shared.sources.claude_code import read_claude_code
from shared.sources.records import MemoryChunk
from tests.integration.patterns.pattern_builders import ANNA, EMBEDDER


async def measured(workspace: str, folder: Path) -> list[MeasuredMemory]:
    """Return the memories of a folder of sessions."""
    chunks = [item for item in read_claude_code(folder) if isinstance(item, MemoryChunk)]
    vectors = await EMBEDDER.embed([chunk.content for chunk in chunks])
    entities = [_entity(workspace, chunk) for chunk in chunks]
    return [
        MeasuredMemory(one, measure_signals(one.content, one.metadata), v, mentions_of_memory(one))
        for one, v in zip(entities, vectors, strict=True)
    ]


def _entity(workspace: str, chunk: MemoryChunk) -> Memory:
    return Memory(
        id=uuid5(ANNA, workspace + chunk.chunk_id),
        workspace_id=workspace,
        user_id=ANNA,
        chunk_id=chunk.chunk_id,
        session_id=chunk.session_id,
        project_name=chunk.project_name,
        type="conversation",
        content=chunk.content,
        metadata=chunk.metadata,
        occurred_at=chunk.occurred_at,
        created_at=chunk.occurred_at,
        updated_at=chunk.occurred_at,
    )
