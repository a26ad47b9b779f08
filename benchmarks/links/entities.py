"""Makes the sessions' memories and the rebuilt files what ingestion reads from Postgres."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from benchmarks.links.reconstruction import RebuiltFile
from shared.domain.code_languages import language_of
from shared.domain.entities import CodeEntity, Memory
from shared.sources.claude_code import read_claude_code
from shared.sources.records import MemoryChunk

USER: Final = UUID("00000000-0000-4000-8000-00000000000a")
_LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)
_GIT_FOLDER: Final = ".git/"


def read_memories(folder: Path, workspace_id: str) -> list[Memory]:
    """Return the memories of the sessions, oldest first."""
    chunks = (item for item in read_claude_code(folder) if isinstance(item, MemoryChunk))
    memories = (_memory(chunk, workspace_id) for chunk in chunks)
    return sorted(memories, key=lambda memory: (memory.occurred_at, memory.chunk_id))


def make_files(files: Iterable[RebuiltFile], workspace_id: str, project: str) -> list[CodeEntity]:
    """Return the files of the working tree; what git keeps for itself is none."""
    wanted = (file for file in files if not file.path.startswith(_GIT_FOLDER))
    return [_file(file, workspace_id, project) for file in wanted]


def _memory(chunk: MemoryChunk, workspace_id: str) -> Memory:
    return Memory(
        id=uuid5(USER, workspace_id + chunk.chunk_id),
        workspace_id=workspace_id,
        user_id=USER,
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


def _file(file: RebuiltFile, workspace_id: str, project: str) -> CodeEntity:
    seen_at = file.seen_at or _LONG_AGO
    return CodeEntity(
        id=uuid5(USER, workspace_id + file.path),
        workspace_id=workspace_id,
        user_id=USER,
        project_name=project,
        path=file.path,
        name=file.path.rpartition("/")[2],
        type="file",
        language=language_of(file.path),
        content=file.content,
        metadata={},
        created_at=seen_at,
        updated_at=seen_at,
    )
