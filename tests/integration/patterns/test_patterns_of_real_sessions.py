"""Real Claude Code sessions yield patterns of each type."""

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


async def test_fourteen_sessions_have_a_pattern_of_each_type(
    neo4j_driver: AsyncDriver, workspace: str, samples: Path
) -> None:
    await save(neo4j_driver, *await measured(workspace, samples / "claude-code"))
    await detect(neo4j_driver, workspace)
    found = {pattern.type: pattern for pattern in await list_patterns(neo4j_driver, workspace)}

    assert {"debugging", "learning", "refactoring"} <= found.keys()
    assert any("I'm currently getting this error" in e.excerpt for e in found["debugging"].evidence)
    assert any("common pattern in go?" in e.excerpt for e in found["learning"].evidence)
    assert any("Move help.go from commands" in e.excerpt for e in found["refactoring"].evidence)


async def test_fourteen_sessions_have_topics_that_a_reader_recognises(
    neo4j_driver: AsyncDriver, workspace: str, samples: Path
) -> None:
    await save(neo4j_driver, *await measured(workspace, samples / "claude-code"))
    await detect(neo4j_driver, workspace, ["semantic"])
    found = await list_patterns(neo4j_driver, workspace, types=["semantic"])
    for one in found:
        print(one.metadata["keywords"], one.metadata["reason"])
    keywords = {word for pattern in found for word in pattern.metadata["keywords"]}
    assert {"gitignore", "harness"} <= keywords
