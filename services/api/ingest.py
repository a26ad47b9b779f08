"""Takes memories and source files: rows, job and messages are one transaction."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, TypeVar
from uuid import UUID

from fastapi import APIRouter

from services.api.answers import (
    ChunkResult,
    CodeSubmitted,
    FileResult,
    ItemResult,
    MemoriesSubmitted,
)
from services.api.auth import WITH_KEY, KeyedRoute, Sender, check_workspace
from services.api.bodies import Chunk, CodeRequest, MemoryRequest, SourceFile
from services.api.describing_problems import problems
from services.api.errors import Detail
from services.api.idempotency import Once, run_once
from services.api.metrics import INGESTED
from services.api.parts import WithParts
from services.api.submitting import (
    Accepted,
    Draft,
    Refused,
    accepted_drafts,
    sort_items,
    submit,
)
from shared.domain.accepting import (
    accept_content,
    accept_metadata,
    check_text,
    occurred_at,
    read_time,
)
from shared.domain.code_languages import language_of
from shared.domain.project_name import project_name
from shared.errors import InvalidInputError
from shared.messages import MEMORY_INGESTION, IngestCode, IngestMemory, Metadata
from shared.postgres.api_keys import ApiKey
from shared.postgres.code_entities import FileDraft, save_code_entities
from shared.postgres.memories import MemoryDraft, Saved, save_memories

MAX_PATH_BYTES: Final = 1024
Drafted = TypeVar("Drafted", MemoryDraft, FileDraft)
router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["ingest"])
ERRORS: Final = problems(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


@router.post("/api/ingest/memory", status_code=HTTPStatus.ACCEPTED, responses=ERRORS)
async def ingest_memory(
    body: MemoryRequest, caller: Sender, parts: WithParts, once: Once = None
) -> MemoriesSubmitted:
    """Store up to 100 chunks and queue those that are new or changed.

    Sending a `chunkId` again replaces it. A chunk that cannot be stored fails alone; a `chunkId`
    that occurs twice in one request is stored once, its second occurrence fails.
    """
    check_workspace(caller, body.workspace_id, "workspaceId")
    project, now = find_project(body.project_name, body.project_path), datetime.now(UTC)
    session = body.session_id and check_text(body.session_id, "sessionId")

    def accept(chunk: Chunk) -> MemoryDraft:
        return accept_chunk(chunk, session, project, now)

    # In a thread: to look for secrets in 16 MiB must not keep other requests waiting.
    items = await asyncio.to_thread(
        sort_items, "chunks", body.chunks, lambda chunk: chunk.chunk_id, accept
    )
    drafts = accepted_drafts(items)

    async def store() -> MemoriesSubmitted:
        saved = await save_memories(conn, caller.workspace_id, caller.user_id, drafts)
        messages = [
            to_memory_message(caller, saved[draft.chunk_id].id, draft)
            for draft in drafts
            if saved[draft.chunk_id].is_changed
        ]
        job_id = await submit(
            conn,
            parts.broker,
            caller,
            queue=MEMORY_INGESTION,
            kind="memory",
            messages=messages,
            project_name=project,
            content_bytes=bytes_of(drafts, saved, lambda draft: draft.chunk_id),
        )
        results = [
            ChunkResult(chunk_id=item.name, **outcome(item, saved).model_dump()) for item in items
        ]
        return MemoriesSubmitted.model_validate(
            {"job_id": job_id, **tally("memory", results), "results": results}
        )

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, store, MemoriesSubmitted)


@router.post("/api/ingest/code", status_code=HTTPStatus.ACCEPTED, responses=ERRORS)
async def ingest_code(
    body: CodeRequest, caller: Sender, parts: WithParts, once: Once = None
) -> CodeSubmitted:
    """Store up to 50 source files and queue those that are new or changed.

    Sending a path of a project again replaces it. A file that cannot be stored fails alone.
    """
    check_workspace(caller, body.workspace_id, "workspaceId")
    project = find_project(body.project_name, body.project_path)
    if project is None:
        raise InvalidInputError("projectPath", "name the project: projectPath or projectName")
    items = await asyncio.to_thread(
        sort_items, "files", body.files, lambda file: file.path, accept_file
    )
    drafts = accepted_drafts(items)

    async def store() -> CodeSubmitted:
        saved = await save_code_entities(conn, caller.workspace_id, caller.user_id, project, drafts)
        messages = [
            to_code_message(caller, saved[draft.path].id, draft.metadata)
            for draft in drafts
            if saved[draft.path].is_changed
        ]
        job_id = await submit(
            conn,
            parts.broker,
            caller,
            queue=MEMORY_INGESTION,
            kind="code",
            messages=messages,
            project_name=project,
            content_bytes=bytes_of(drafts, saved, lambda draft: draft.path),
        )
        results = [
            FileResult(path=item.name, **outcome(item, saved).model_dump()) for item in items
        ]
        return CodeSubmitted.model_validate(
            {"job_id": job_id, **tally("code", results), "results": results}
        )

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, store, CodeSubmitted)


def find_project(name: str | None, path: str | None) -> str | None:
    """Return the project's name: the one given, else that of the path's repository."""
    if name is not None:
        return check_text(name, "projectName")
    return None if path is None else project_name(check_text(path, "projectPath"))


def accept_chunk(
    chunk: Chunk, session_id: str | None, project: str | None, now: datetime
) -> MemoryDraft:
    """Return what to store of a chunk.

    Raises:
        InvalidInputError: names the field that cannot be stored.
    """
    metadata = accept_metadata(chunk.metadata)
    return MemoryDraft(
        chunk_id=check_text(chunk.chunk_id, "chunkId"),
        session_id=session_id,
        project_name=project,
        type=memory_type(metadata),
        content=accept_content(chunk.content),
        metadata=metadata,
        occurred_at=occurred_at(metadata, now=now),
    )


def memory_type(metadata: Metadata) -> str:
    """Return `commit` for what came from git, else `conversation`."""
    is_commit = metadata.get("type") in ("commit", "git") or metadata.get("source") == "git"
    return "commit" if is_commit else "conversation"


def accept_file(file: SourceFile) -> FileDraft:
    """Return what to store of a file.

    Raises:
        InvalidInputError: names the field that cannot be stored.
    """
    path = check_text(file.path, "path")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise InvalidInputError("path", f"longer than {MAX_PATH_BYTES} bytes")
    modified = file.last_modified
    return FileDraft(
        path=path,
        language=(file.language and check_text(file.language, "language")) or language_of(path),
        content=accept_content(file.content),
        metadata=accept_metadata(file.metadata),
        last_modified=None if modified is None else read_time(modified, "lastModified"),
    )


def to_memory_message(caller: ApiKey, memory_id: UUID, draft: MemoryDraft) -> IngestMemory:
    """Return the message for one stored memory."""
    return IngestMemory(
        user_id=caller.user_id,
        workspace_id=caller.workspace_id,
        memory_id=memory_id,
        content=draft.content,
        metadata=draft.metadata,
    )


def to_code_message(caller: ApiKey, entity_id: UUID, metadata: Metadata) -> IngestCode:
    """Return the message for one stored file; the worker reads its content from the row."""
    return IngestCode(
        user_id=caller.user_id,
        workspace_id=caller.workspace_id,
        code_entity_id=entity_id,
        metadata=metadata,
    )


def bytes_of(
    drafts: Sequence[Drafted], saved: Mapping[str, Saved], name_of: Callable[[Drafted], str]
) -> int:
    """Return how much content was new, for the usage report."""
    changed = (draft for draft in drafts if saved[name_of(draft)].is_changed)
    return sum(len(draft.content.encode()) for draft in changed)


def outcome(item: Accepted[Draft] | Refused, saved: Mapping[str, Saved]) -> ItemResult:
    """Return what became of one item."""
    if isinstance(item, Refused):
        error = Detail(field=item.error.field, reason=item.error.reason)
        return ItemResult(status="failed", error=error)
    row = saved[item.name]
    return ItemResult(id=row.id, status="queued" if row.is_changed else "unchanged")


def tally(kind: str, results: Sequence[ItemResult]) -> dict[str, int]:
    """Return how many items ended in each way, and count them for `/metrics`."""
    counts = Counter(result.status for result in results)
    for status, number in counts.items():
        INGESTED.labels(kind, status).inc(number)
    return {status: counts[status] for status in ("queued", "unchanged", "failed")}
