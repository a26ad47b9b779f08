"""Entities as the ingest service measures them, with vectors that need no model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import shake_256
from math import sqrt
from uuid import UUID, uuid4

from shared.domain.code_parsing import parse_code
from shared.domain.entities import CodeEntity, Memory
from shared.domain.signals import Signals, measure_signals
from shared.graph.code import MeasuredCode
from shared.graph.memories import MeasuredMemory
from shared.graph.mentions import mentions_of_memory
from shared.graph.migrate import DEFAULT_DIMENSIONS
from shared.messages import Metadata

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
USER = UUID("00000000-0000-4000-8000-000000000001")


def vector(text: str) -> list[float]:
    """Return a direction that belongs to the text."""
    raw = [byte - 127.5 for byte in shake_256(text.encode()).digest(DEFAULT_DIMENSIONS)]
    length = sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]


def memory(
    workspace: str,
    content: str = "we fixed the login bug",
    *,
    minutes: float = 0,
    session: str | None = "s1",
    project: str | None = "shop",
    key: UUID | None = None,
    version: int = 0,
    metadata: Metadata | None = None,
) -> MeasuredMemory:
    """Return a memory of `minutes` after noon."""
    chosen = key or uuid4()
    entity = Memory(
        id=chosen,
        workspace_id=workspace,
        user_id=USER,
        chunk_id=f"chunk:{chosen}",
        session_id=session,
        project_name=project,
        type="conversation",
        content=content,
        metadata=metadata or {},
        occurred_at=NOON + timedelta(minutes=minutes),
        created_at=NOON,
        updated_at=NOON + timedelta(seconds=version),
    )
    signals = measure_signals(content, metadata)
    return MeasuredMemory(entity, signals, vector(content), mentions_of_memory(entity))


def code(
    workspace: str,
    path: str,
    content: str = "",
    *,
    project: str = "shop",
    language: str | None = "python",
    key: UUID | None = None,
    version: int = 0,
) -> MeasuredCode:
    """Return a source file."""
    entity = CodeEntity(
        id=key or uuid4(),
        workspace_id=workspace,
        user_id=USER,
        project_name=project,
        path=path,
        name=path.rpartition("/")[2],
        type="file",
        language=language,
        content=content,
        metadata={},
        created_at=NOON,
        updated_at=NOON + timedelta(seconds=version),
    )
    parsed = parse_code(content, language, path)
    return MeasuredCode(entity, parsed, Signals({}, {"has_functions": True}), vector(path))


def ids(entities: Sequence[MeasuredMemory | MeasuredCode]) -> list[str]:
    """Return the ids in order."""
    return [str(measured.entity.id) for measured in entities]
