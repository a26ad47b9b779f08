"""Real Claude Code sessions yield patterns that a reader finds true."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid5

from neo4j import AsyncDriver

from shared.domain.entities import Memory
from shared.domain.signals import measure_signals
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import mentions_of_memory
from shared.graph.patterns import list_patterns
from shared.sources.claude_code import read_claude_code
from shared.sources.records import MemoryChunk
from tests.integration.patterns.pattern_builders import ANNA, EMBEDDER, detect, save


async def measured(workspace: str, folder: Path) -> list[MeasuredMemory]:
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


async def test_fourteen_sessions_have_patterns_that_are_true(
    neo4j_driver: AsyncDriver, workspace: str, samples: Path
) -> None:
    await save(neo4j_driver, *await measured(workspace, samples / "claude-code"))
    await detect(neo4j_driver, workspace)
    found = {
        (pattern.name, pattern.period): " ".join(evidence.excerpt for evidence in pattern.evidence)
        for pattern in await list_patterns(neo4j_driver, workspace)
    }

    errors = found["debugging-session-semantic", "2026-W05"]
    assert "I'm currently getting this error" in errors
    assert "the following error when starting" in found["problem-solution", "2026-01-07"]
    assert "an unexported lookPath" in found["research-implementation", "2026-W07"]
