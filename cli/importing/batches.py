"""Groups what a reader yields into requests that the API accepts. Pure."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from pydantic import JsonValue

from shared.sources.records import CodeFile, ImportProblem, MemoryChunk

MAX_CHUNKS: Final = 100
MAX_FILES: Final = 50
"""Both are limits of the API (docs/http-api.md, "Limits and errors")."""
MAX_BODY_BYTES: Final = 2_000_000
"""Well below the API's limit; a larger record travels alone and may be refused alone."""
MAX_OPEN_BATCHES: Final = 64
"""Sessions that a reader may interleave; bounds what waits in memory."""

Record: TypeAlias = MemoryChunk | CodeFile
Group: TypeAlias = tuple[str, ...]
Locate: TypeAlias = Callable[[Record], str]

_LIMITS: Final[Mapping[type, int]] = {MemoryChunk: MAX_CHUNKS, CodeFile: MAX_FILES}


@dataclass(frozen=True, slots=True)
class Item:
    """One record as the request carries it."""

    where: str
    """What a person finds it by: a file or a session."""
    body: JsonValue
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One request to be."""

    path: str
    envelope: Mapping[str, JsonValue]
    list_name: str
    items: list[Item] = field(default_factory=list[Item])

    @property
    def body(self) -> dict[str, JsonValue]:
        return {**self.envelope, self.list_name: [item.body for item in self.items]}

    @property
    def size_bytes(self) -> int:
        return sum(item.size_bytes for item in self.items)

    def halves(self) -> tuple[Batch, Batch]:
        """Return two smaller requests; only for more than one item."""
        middle = len(self.items) // 2
        first, second = self.items[:middle], self.items[middle:]
        return replace(self, items=first), replace(self, items=second)


def describe_place(record: Record) -> str:
    """Return where a person finds a record when nobody knows its file."""
    return record.path if isinstance(record, CodeFile) else f"session {record.session_id}"


def batch_records(
    records: Iterable[Record | ImportProblem], locate: Locate = describe_place
) -> Iterator[Batch | ImportProblem]:
    """Yield full requests while reading, the rest at the end; problems pass through.

    A request holds one session and project, or files of one project.
    """
    waiting: OrderedDict[Group, Batch] = OrderedDict()
    for record in records:
        if isinstance(record, ImportProblem):
            yield record
            continue
        group, item = _group(record), _to_item(record, locate(record))
        batch = waiting.setdefault(group, _start(record))
        if batch.items and batch.size_bytes + item.size_bytes > MAX_BODY_BYTES:
            yield batch
            batch = waiting[group] = _start(record)
        batch.items.append(item)
        waiting.move_to_end(group)
        if len(batch.items) >= _LIMITS[type(record)]:
            yield waiting.pop(group)
        elif len(waiting) > MAX_OPEN_BATCHES:
            yield waiting.popitem(last=False)[1]
    yield from waiting.values()


def _group(record: Record) -> Group:
    if isinstance(record, MemoryChunk):
        return ("memory", record.session_id, record.project_name)
    return ("code", record.project_name)


def _start(record: Record) -> Batch:
    if isinstance(record, MemoryChunk):
        envelope = {"sessionId": record.session_id, "projectPath": record.project_name}
        return Batch("/api/ingest/memory", envelope, "chunks")
    return Batch("/api/ingest/code", {"projectPath": record.project_name}, "files")


def _to_item(record: Record, where: str) -> Item:
    body = _chunk_body(record) if isinstance(record, MemoryChunk) else _file_body(record)
    return Item(where, body, len(json.dumps(body)))


def _chunk_body(chunk: MemoryChunk) -> dict[str, JsonValue]:
    started_at: dict[str, JsonValue] = {"startTime": chunk.occurred_at.isoformat()}
    return {
        "chunkId": chunk.chunk_id,
        "content": chunk.content,
        "metadata": started_at | chunk.metadata,
    }


def _file_body(file: CodeFile) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = {
        "path": file.path,
        "content": file.content,
        "metadata": file.metadata,
    }
    if file.language:
        body["language"] = file.language
    if file.last_modified:
        body["lastModified"] = file.last_modified.isoformat()
    return body
