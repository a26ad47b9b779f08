"""Stores a memory that was sent without being stored, as old clients do."""

from __future__ import annotations

import asyncio
from typing import Final

from psycopg import AsyncConnection, DataError, Error, IntegrityError
from psycopg.errors import ProgramLimitExceeded
from psycopg.rows import TupleRow

from shared.domain.accepting import OWN_FIELDS, accept_content, accept_metadata, write_time_out
from shared.domain.entities import Memory
from shared.errors import DeadLetterError, InvalidInputError
from shared.messages import IngestMemory, Metadata
from shared.postgres.entities import load_memories
from shared.postgres.memories import store_memory

UNSTORABLE: Final = (InvalidInputError, DataError, IntegrityError, ProgramLimitExceeded)
"""A NUL character, an odd workspace, a value too long for its index: no retry can help."""


async def store_unstored(conn: AsyncConnection[TupleRow], job: IngestMemory) -> Memory:
    """Store the message's memory and return it, secrets redacted; a failure leaves nothing.

    Raises:
        DeadLetterError: it cannot be stored.
    """
    try:
        # In a thread: long texts must not keep the heartbeat from running.
        job = await asyncio.to_thread(accept, job)
        async with conn.transaction():
            stored = await store_memory(
                conn,
                memory_id=job.memory_id,
                user_id=job.user_id,
                workspace_id=job.workspace_id,
                content=job.content,
                metadata=job.metadata,
            )
            return (await load_memories(conn, [stored]))[stored]
    except UNSTORABLE as error:
        reason = f"memory {job.memory_id} cannot be stored: {_describe(error)}"
        raise DeadLetterError(reason) from error


def accept(job: IngestMemory) -> IngestMemory:
    """Return the message as it may be stored, within the API's limits.

    Milder than the API, which can still ask its client: ids may be numbers, and an odd time is
    left to Postgres, which takes now for it.

    Raises:
        InvalidInputError: names the field that cannot be stored.
    """
    metadata = accept_metadata(job.metadata)
    for name, longest in OWN_FIELDS.items():
        value = metadata.get(name)
        if isinstance(value, str) and len(value) > longest:
            reason = f"{len(value)} characters; the limit is {longest}"
            raise InvalidInputError(f"metadata.{name}", reason)
    changes = {"metadata": _with_readable_time(metadata), "content": accept_content(job.content)}
    return job.model_copy(update=changes)


def _with_readable_time(metadata: Metadata) -> Metadata:
    try:
        return write_time_out(metadata)
    except InvalidInputError:
        return metadata


def _describe(error: InvalidInputError | Error) -> str:
    # Postgres's details would quote the content.
    primary = error.diag.message_primary if isinstance(error, Error) else None
    return primary or str(error)
