"""Real memories with labels: the sample sessions, and the labelled episodes."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID, uuid5

from shared.domain.entities import Memory
from shared.sources.claude_code import read_claude_code
from shared.sources.records import MemoryChunk

READER: Final = UUID("00000000-0000-4000-8000-00000000000c")
SAMPLE_LABELS: Final = Path(__file__).parents[2] / "tests" / "labels" / "claude_code_samples.json"
"""Labels of the samples that are no episodes: all of them, read without seeing any signal."""
_OVERLAP: Final = 60
"""Characters that a sample and the episode which was made of it begin with."""
FOLDS: Final = 5
Half: TypeAlias = Literal["chosen on", "held out"]


@dataclass(frozen=True, slots=True)
class LabelledMemory:
    """A memory, and what people who read it say that it is."""

    memory: Memory
    labels: frozenset[str]
    is_own_label: bool = False
    """Labelled for this measurement, not in the labelled episodes."""

    @property
    def half(self) -> Half:
        """Whether thresholds were chosen on its session."""
        return half_of(self.memory.session_id or "")


def half_of(session_id: str) -> Half:
    """Return the half that a session belongs to, by its hash."""
    return "held out" if _number(session_id) % 2 else "chosen on"


def fold_of(session_id: str) -> int:
    """Return the part of the sessions that a model is trained without, 0 to `FOLDS` - 1."""
    return _number(session_id) // 2 % FOLDS


def read_episodes(shared: Path, workspace_id: str) -> list[LabelledMemory]:
    """Return the labelled episodes as memories."""
    return [
        LabelledMemory(_of_episode(episode, workspace_id), frozenset(episode["labels"]))
        for episode in _episodes(shared)
    ]


def read_samples(shared: Path, workspace_id: str) -> list[LabelledMemory]:
    """Return the sample sessions' memories; each has a label of one or the other kind."""
    known = {_key(e["session_id"], e["content"]): e["labels"] for e in _episodes(shared)}
    own: dict[str, Any] = json.loads(SAMPLE_LABELS.read_text(encoding="utf-8"))
    chunks = _chunks(shared / "samples" / "claude-code")
    return [
        LabelledMemory(_of_chunk(chunk, workspace_id), frozenset(known[key]))
        if (key := _key(chunk.session_id, chunk.content)) in known
        else LabelledMemory(
            _of_chunk(chunk, workspace_id), frozenset(own[chunk.chunk_id]["labels"]), True
        )
        for chunk in chunks
    ]


def _number(session_id: str) -> int:
    return int(hashlib.sha256(session_id.encode()).hexdigest(), 16)


def _episodes(shared: Path) -> list[dict[str, Any]]:
    with gzip.open(shared / "labelled" / "episodes.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _chunks(folder: Path) -> Iterable[MemoryChunk]:
    return (item for item in read_claude_code(folder) if isinstance(item, MemoryChunk))


def _key(session_id: str, content: str) -> tuple[str, str]:
    return session_id, content[:_OVERLAP]


def _of_chunk(chunk: MemoryChunk, workspace_id: str) -> Memory:
    return _memory(
        workspace_id,
        chunk.chunk_id,
        chunk.session_id,
        chunk.project_name,
        chunk.content,
        dict(chunk.metadata),
        chunk.occurred_at,
    )


def _of_episode(episode: dict[str, Any], workspace_id: str) -> Memory:
    return _memory(
        workspace_id,
        episode["id"],
        episode["session_id"],
        episode["id"].partition(":")[0],
        episode["content"],
        episode["metadata"],
        datetime.fromisoformat(episode["occurred_at"]).astimezone(UTC),
    )


def _memory(
    workspace_id: str,
    chunk_id: str,
    session_id: str,
    project_name: str,
    content: str,
    metadata: dict[str, Any],
    occurred_at: datetime,
) -> Memory:
    return Memory(
        id=uuid5(READER, f"{workspace_id}/{chunk_id}"),
        workspace_id=workspace_id,
        user_id=READER,
        chunk_id=chunk_id,
        session_id=session_id,
        project_name=project_name,
        type="conversation",
        content=content,
        metadata=metadata,
        occurred_at=occurred_at,
        created_at=occurred_at,
        updated_at=occurred_at,
    )
