"""Writes one measured batch to the graph: all of it or nothing, one span a step."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from neo4j import AsyncDriver, AsyncManagedTransaction
from opentelemetry.trace import SpanKind

from faststream_pgmq import report_progress
from services.ingest.measuring import Measured
from shared.graph.code import MeasuredCode, save_code, save_definitions
from shared.graph.driver import write
from shared.graph.entity_summaries import summarize
from shared.graph.imports import link_imports
from shared.graph.memories import MeasuredMemory, save_memories
from shared.graph.owners import lock_owners, own_code, own_memories
from shared.graph.references import link_references
from shared.graph.sessions import link_sessions
from shared.telemetry import step_span


async def write_batch(driver: AsyncDriver, batch: Measured) -> None:
    """Write memories and files with all their links in one transaction. Safe to repeat.

    Raises:
        DependencyDownError: Neo4j does not answer.
        GraphError: it refuses a statement.
    """

    async def work(tx: AsyncManagedTransaction) -> None:
        entities = [*(m.entity for m in batch.memories), *(f.entity for f in batch.files)]
        await lock_owners(tx, entities)
        memories = await _write_memories(tx, batch.memories)
        files = await _write_files(tx, batch.files)
        with _step("link references", len(memories) + len(files)):
            less_discussed = await link_references(tx, memories, files)
        with _step("write summaries", len(memories) + len(files)):
            await summarize(tx, memories, files, less_discussed)

    await write(driver, work)


async def _write_memories(
    tx: AsyncManagedTransaction, batch: Sequence[MeasuredMemory]
) -> list[MeasuredMemory]:
    if not batch:
        return []
    with _step("write memories", len(batch)):
        written = await save_memories(tx, batch)
        await own_memories(tx, [memory.entity for memory in written])
    with _step("link sessions", len(written)):
        await link_sessions(tx, [memory.entity for memory in written])
    return written


async def _write_files(
    tx: AsyncManagedTransaction, batch: Sequence[MeasuredCode]
) -> list[MeasuredCode]:
    if not batch:
        return []
    with _step("write code", len(batch)):
        written = await save_code(tx, batch)
        await own_code(tx, [file.entity for file in written])
        await save_definitions(tx, written)
    with _step("link imports", len(written)):
        await link_imports(tx, written)
    return written


@contextmanager
def _step(operation: str, size: int) -> Generator[None]:
    attributes = {
        "db.system.name": "neo4j",
        "db.operation.name": operation,
        "db.operation.batch.size": size,
    }
    report_progress(f"{operation}: {size}")
    with step_span(f"neo4j {operation}", kind=SpanKind.CLIENT, attributes=attributes):
        yield
