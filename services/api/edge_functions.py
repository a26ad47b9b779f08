"""The two edge functions of the old system, under their old paths: one message JSON each."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body
from psycopg import AsyncConnection
from psycopg.errors import RaiseException
from psycopg.rows import TupleRow

from services.api.answers import MessageSubmitted
from services.api.auth import WITH_KEY, KeyedRoute, Sender, check_workspace
from services.api.describing_problems import problems
from services.api.idempotency import Once, run_once
from services.api.parts import WithParts
from services.api.patterns import check_known, detect
from services.api.submitting import submit
from shared.domain.accepting import (
    OWN_FIELDS,
    accept_content,
    accept_metadata,
    write_time_out,
)
from shared.errors import ForbiddenError, InvalidInputError, NotFoundError
from shared.messages import (
    MEMORY_INGESTION,
    DetectPatterns,
    Ingest,
    IngestCode,
    IngestMemory,
    Metadata,
)
from shared.postgres.api_keys import ApiKey
from shared.postgres.code_entities import has_code_entity
from shared.postgres.memories import find_memory_owner, store_memory
from shared.postgres.workspaces import own_spellings

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["edge functions"])
ERRORS: Final = problems(HTTPStatus.NOT_FOUND, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


@router.post(
    "/functions/v1/queue-memory-ingestion", status_code=HTTPStatus.ACCEPTED, responses=ERRORS
)
async def queue_memory_ingestion(
    message: Annotated[Ingest, Body()], caller: Sender, parts: WithParts, once: Once = None
) -> MessageSubmitted:
    """Store and queue one memory, or queue one stored file.

    `workspace_id` may be the bare uuid of the key's workspace, as old clients send it; it is kept.
    """
    check_workspace(caller, message.workspace_id, "workspace_id")
    # In a thread: to look for secrets in a large message must not keep other requests waiting.
    accepted = await asyncio.to_thread(accept_message, message)

    async def store() -> MessageSubmitted:
        stored, entity_id = await keep_entity(conn, caller, accepted)
        job_id = await submit(
            conn,
            parts.broker,
            caller,
            queue=MEMORY_INGESTION,
            kind=stored.type,
            messages=[stored],
        )
        return MessageSubmitted(job_id=job_id, queued=1, id=entity_id)

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, store, MessageSubmitted)


@router.post(
    "/functions/v1/queue-pattern-detection", status_code=HTTPStatus.ACCEPTED, responses=problems()
)
async def queue_pattern_detection(
    message: DetectPatterns, caller: Sender, parts: WithParts, once: Once = None
) -> MessageSubmitted:
    """Queue one detection request."""
    check_workspace(caller, message.workspace_id, "workspace_id")
    check_known(message)

    async def queue() -> MessageSubmitted:
        job_id = await detect(conn, parts, caller, message)
        return MessageSubmitted(job_id=job_id, queued=1, id=message.batch_id)

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, queue, MessageSubmitted)


def accept_message(message: Ingest) -> Ingest:
    """Return the message as it may be stored.

    Raises:
        InvalidInputError
    """
    metadata = accept_metadata(message.metadata)
    if isinstance(message, IngestCode):
        return message.model_copy(update={"metadata": metadata})
    check_own_fields(metadata)
    return message.model_copy(
        update={
            "metadata": write_time_out(metadata),
            "content": accept_content(message.content),
        }
    )


def check_own_fields(metadata: Metadata) -> None:
    """Return when the fields that old messages carry in their metadata can be stored.

    Raises:
        InvalidInputError: names the first that cannot.
    """
    for name, longest in OWN_FIELDS.items():
        value = metadata.get(name)
        if value is not None and not (isinstance(value, str) and 1 <= len(value) <= longest):
            raise InvalidInputError(f"metadata.{name}", f"is no text of 1 to {longest} characters")


async def keep_entity(
    conn: AsyncConnection[TupleRow], caller: ApiKey, message: Ingest
) -> tuple[Ingest, UUID]:
    """Return the message about what is stored now, and the id of that.

    Raises:
        ForbiddenError: it is another workspace's.
        NotFoundError: the workspace has no such file.
    """
    if isinstance(message, IngestMemory):
        stored = await keep_memory(conn, caller, message)
        return stored, stored.memory_id
    return message, await check_code_entity(conn, caller, message)


async def keep_memory(
    conn: AsyncConnection[TupleRow], caller: ApiKey, message: IngestMemory
) -> IngestMemory:
    """Store the message's memory; return the message with the id that the memory has.

    Raises:
        ForbiddenError: another workspace has a memory with this id.
    """
    # Under row-level security another workspace's memory is not found; the function knows it.
    owner = await find_memory_owner(conn, own_spellings(caller.workspace_id), message.memory_id)
    try:
        stored_id = await store_memory(
            conn,
            memory_id=message.memory_id,
            user_id=message.user_id,
            workspace_id=owner or message.workspace_id,
            content=message.content,
            metadata=message.metadata,
        )
    except RaiseException as error:
        raise ForbiddenError("memory_id: not a memory of this API key's workspace") from error
    return message.model_copy(update={"memory_id": stored_id})


async def check_code_entity(
    conn: AsyncConnection[TupleRow], caller: ApiKey, message: IngestCode
) -> UUID:
    """Return the id of the stored file.

    Raises:
        NotFoundError: the workspace has no such file.
    """
    if not await has_code_entity(conn, own_spellings(caller.workspace_id), message.code_entity_id):
        raise NotFoundError("code_entity_id: no such file in this API key's workspace")
    return message.code_entity_id
