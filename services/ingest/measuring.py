"""Computes everything that the graph holds about an entity besides the entity itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TypeVar, cast

from faststream_pgmq import report_progress
from shared.domain.code.parsed import ParsedCode
from shared.domain.code_parsing import embedding_text, measure_code_signals, parse_code
from shared.domain.entities import CodeEntity, Entity, Memory
from shared.domain.redaction import redact, redact_json
from shared.domain.signals import Signals, measure_signals
from shared.embedding import Embedder
from shared.graph.code import MeasuredCode
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import Mentions, mentions_of_memory
from shared.messages import Metadata
from shared.telemetry import step_span

AnyEntity = TypeVar("AnyEntity", Memory, CodeEntity)


@dataclass(frozen=True, slots=True)
class Measured:
    """One batch, ready to be written."""

    memories: list[MeasuredMemory]
    files: list[MeasuredCode]


async def measure(entities: Sequence[Entity], embedder: Embedder) -> Measured:
    """Return the entities with their signals, structure and vectors; one call embeds all.

    Secrets are redacted here too: what comes by plain SQL has passed no other check.

    Raises:
        DependencyDownError: the model's server does not answer.
    """
    memories = [entity for entity in entities if isinstance(entity, Memory)]
    files = [entity for entity in entities if isinstance(entity, CodeEntity)]
    report_progress(f"measure: {len(entities)}")
    # In a thread: a batch of long texts must not keep the heartbeat from running.
    memories, signals, mentions = await asyncio.to_thread(_measure_memories, memories)
    files, parsed = await asyncio.to_thread(_parse_files, files)
    texts = [memory.content for memory in memories]
    texts += [embedding_text(f.path, p, f.content) for f, p in zip(files, parsed, strict=True)]
    with step_span("embed", attributes={"embed.model": embedder.name, "embed.texts": len(texts)}):
        vectors = await embedder.embed(texts)
    of_memories, of_files = vectors[: len(memories)], vectors[len(memories) :]
    return Measured(
        [
            MeasuredMemory(*row)
            for row in zip(memories, signals, of_memories, mentions, strict=True)
        ],
        [_file(*row) for row in zip(files, parsed, of_files, strict=True)],
    )


def _measure_memories(
    sent: Sequence[Memory],
) -> tuple[list[Memory], list[Signals], list[Mentions]]:
    memories = [_redacted(memory) for memory in sent]
    signals = [measure_signals(memory.content, memory.metadata) for memory in memories]
    return memories, signals, [mentions_of_memory(memory) for memory in memories]


def _parse_files(sent: Sequence[CodeEntity]) -> tuple[list[CodeEntity], list[ParsedCode]]:
    files = [_redacted(file) for file in sent]
    parsed: list[ParsedCode] = []
    for file in files:
        report_progress("parse code", len(parsed), len(files))
        parsed.append(parse_code(file.content, file.language, file.path))
    return files, parsed


def _redacted(entity: AnyEntity) -> AnyEntity:
    metadata = cast(Metadata, redact_json(entity.metadata))
    return replace(entity, content=redact(entity.content)[0], metadata=metadata)


def _file(entity: CodeEntity, parsed: ParsedCode, embedding: list[float]) -> MeasuredCode:
    signals = asdict(measure_code_signals(entity.path, parsed))
    return MeasuredCode(entity, parsed, Signals({}, signals), embedding)
