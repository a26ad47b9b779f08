"""Real Claude Code sessions as measured memories."""

from __future__ import annotations

from pathlib import Path

from benchmarks.links.entities import read_memories
from shared.domain.signals import measure_signals
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import mentions_of_memory
from tests.integration.patterns.pattern_builders import EMBEDDER


async def measured(workspace: str, folder: Path) -> list[MeasuredMemory]:
    """Return the memories of a folder of sessions."""
    entities = read_memories(folder, workspace)
    vectors = await EMBEDDER.embed([one.content for one in entities])
    return [
        MeasuredMemory(one, measure_signals(one.content, one.metadata), v, mentions_of_memory(one))
        for one, v in zip(entities, vectors, strict=True)
    ]
