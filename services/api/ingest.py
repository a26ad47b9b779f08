"""Takes memories and source files: rows, job and messages are one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from uuid import UUID

from fastapi import APIRouter

from services.api.answers import CodeSubmitted, MemoriesSubmitted
from services.api.auth import WITH_KEY, KeyedRoute, Sender, check_workspace
from services.api.bodies import Chunk, CodeRequest, MemoryRequest, SourceFile
from services.api.describing_problems import problems
from services.api.idempotency import Once, run_once
from services.api.parts import WithParts
from services.api.storing import Stored, describe_items, submit_changed
from services.api.submitting import BodyBytes, accepted_drafts, do_apart, sort_items
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
from shared.messages import IngestCode, IngestMemory, Metadata
from shared.postgres.api_keys import ApiKey
from shared.postgres.code_entities import FileDraft, save_code_entities
from shared.postgres.memories import MemoryDraft, save_memories

MAX_PATH_BYTES: Final = 1024
router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["ingest"])
ERRORS: Final = problems(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


@router.post("/api/ingest/memory", status_code=HTTPStatus.ACCEPTED, responses=ERRORS)
async def ingest_memory(
    body: MemoryRequest, caller: Sender, parts: WithParts, size: BodyBytes, once: Once = None
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

    items = await do_apart(
        lambda: sort_items("chunks", body.chunks, lambda chunk: chunk.chunk_id, accept), size
    )
    drafts = accepted_drafts(items)

    async def store() -> MemoriesSubmitted:
        saved = await save_memories(conn, caller.workspace_id, caller.user_id, drafts)
        stored = Stored("memory", project, items, saved)
        job_id = await submit_changed(conn, parts.broker, caller, stored, to_memory_message)
        return MemoriesSubmitted.model_validate(
            {"job_id": job_id, **describe_items(stored, "chunk_id")}
        )

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, store, MemoriesSubmitted)


@router.post("/api/ingest/code", status_code=HTTPStatus.ACCEPTED, responses=ERRORS)
async def ingest_code(
    body: CodeRequest, caller: Sender, parts: WithParts, size: BodyBytes, once: Once = None
) -> CodeSubmitted:
    """Store up to 50 source files and queue those that are new or changed.

    Sending a path of a project again replaces it. A file that cannot be stored fails alone.
    """
    check_workspace(caller, body.workspace_id, "workspaceId")
    project = find_project(body.project_name, body.project_path)
    if project is None:
        raise InvalidInputError("projectPath", "name the project: projectPath or projectName")
    items = await do_apart(
        lambda: sort_items("files", body.files, lambda file: file.path, accept_file), size
    )
    drafts = accepted_drafts(items)

    async def store() -> CodeSubmitted:
        saved = await save_code_entities(conn, caller.workspace_id, caller.user_id, project, drafts)
        stored = Stored("code", project, items, saved)
        job_id = await submit_changed(conn, parts.broker, caller, stored, to_code_message)
        return CodeSubmitted.model_validate({"job_id": job_id, **describe_items(stored, "path")})

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


def to_code_message(caller: ApiKey, entity_id: UUID, draft: FileDraft) -> IngestCode:
    """Return the message for one stored file; the worker reads its content from the row."""
    return IngestCode(
        user_id=caller.user_id,
        workspace_id=caller.workspace_id,
        code_entity_id=entity_id,
        metadata=draft.metadata,
    )
