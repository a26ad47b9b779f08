"""Deletes memories and source files: the rows at once, what the graph holds of them soon after."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.answers import Submitted
from services.api.auth import WITH_KEY, KeyedRoute, Operator
from services.api.describing_problems import problems
from services.api.examples import CHUNK, FILE, PROJECT
from services.api.idempotency import Once, run_once
from services.api.parts import ApiParts, WithParts
from services.api.submitting import submit
from shared.domain.accepting import MAX_ID_CHARACTERS, check_text
from shared.errors import NotFoundError
from shared.messages import MEMORY_INGESTION, RemoveEntities
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.removal import remove_code_entities, remove_memories

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["ingest"])
ERRORS: Final = problems(HTTPStatus.NOT_FOUND)

ChunkId = Annotated[str, Path(min_length=1, max_length=MAX_ID_CHARACTERS, examples=[CHUNK])]
Project = Annotated[str, Query(min_length=1, max_length=255, examples=[PROJECT])]
FilePath = Annotated[str, Query(alias="path", min_length=1, max_length=1024, examples=[FILE])]


@router.delete("/api/memories/{chunk_id:path}", status_code=HTTPStatus.ACCEPTED, responses=ERRORS)
async def delete_memory(
    chunk_id: ChunkId, caller: Operator, parts: WithParts, once: Once = None
) -> Submitted:
    """Delete a memory. Its job is done when the graph and search do not know it any more.

    Patterns that it was evidence of are looked at again soon after.
    """
    chunk = check_text(chunk_id, "chunkId")

    async def remove() -> Submitted:
        memory_ids = await remove_memories(conn, caller.workspace_id, [chunk])
        if not memory_ids:
            raise NotFoundError("chunkId: no such memory in this API key's workspace")
        removal = RemoveEntities(
            user_id=caller.user_id, workspace_id=caller.workspace_id, memory_ids=memory_ids
        )
        await record_action(conn, caller, Action("memory.delete", str(memory_ids[0]), count=1))
        return await _submit(conn, parts, caller, removal)

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, remove, Submitted)


@router.delete("/api/code", status_code=HTTPStatus.ACCEPTED, responses=ERRORS)
async def delete_file(
    caller: Operator, parts: WithParts, project: Project, path: FilePath, once: Once = None
) -> Submitted:
    """Delete a source file of a project, and what the graph holds of it."""
    name, file = check_text(project, "project"), check_text(path, "path")

    async def remove() -> Submitted:
        file_ids = await remove_code_entities(conn, caller.workspace_id, name, [file])
        if not file_ids:
            raise NotFoundError("path: no such file in this project of this API key's workspace")
        removal = RemoveEntities(
            user_id=caller.user_id, workspace_id=caller.workspace_id, code_entity_ids=file_ids
        )
        await record_action(conn, caller, Action("code.delete", str(file_ids[0]), count=1))
        return await _submit(conn, parts, caller, removal)

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, remove, Submitted)


async def _submit(
    conn: AsyncConnection[TupleRow], parts: ApiParts, caller: ApiKey, removal: RemoveEntities
) -> Submitted:
    job_id = await submit(
        conn, parts.broker, caller, queue=MEMORY_INGESTION, kind="removal", messages=[removal]
    )
    return Submitted(job_id=job_id, queued=1)
