"""Finds what each message is about; Postgres holds the truth, messages only name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from psycopg import AsyncConnection, Error
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.ingest.storing import store_unstored
from shared.domain.entities import Entity
from shared.errors import DeadLetterError, InvalidInputError, SupastateError
from shared.messages import Ingest, IngestCode, Ingestion, IngestMemory, RemoveEntities
from shared.postgres.availability import is_down, translated_errors
from shared.postgres.entities import load_code, load_memories
from shared.postgres.removal import find_removed

Connection: TypeAlias = AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]

MAX_PROJECT_NAME_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a batch's messages are about, by their index in the batch."""

    entities: dict[int, Entity] = field(default_factory=dict[int, Entity])
    removals: dict[int, RemoveEntities] = field(default_factory=dict[int, RemoveEntities])
    errors: dict[int, Exception] = field(default_factory=dict[int, Exception])


async def load_entities(pool: Pool, jobs: Sequence[Ingestion]) -> Loaded:
    """Return the newest version of every message's entity, its removal, or why there is neither.

    A memory that was sent without being stored, as old clients do, is stored first; one that was
    removed before its message came is not, and the message removes it.

    Raises:
        DependencyDownError: Postgres does not answer.
    """
    loaded = Loaded()
    with translated_errors():
        async with pool.connection() as conn:
            known = await _load_known(conn, jobs)
            missing = [job for job in map(_entity_id, jobs) if job and job not in known]
            removed = await find_removed(conn, missing)
            for index, job in enumerate(jobs):
                try:
                    if removal := _find_removal(job, removed):
                        loaded.removals[index] = removal
                    elif not isinstance(job, RemoveEntities):
                        loaded.entities[index] = await _get_entity(conn, job, known)
                except (SupastateError, Error) as error:
                    if isinstance(error, Error) and is_down(error):
                        raise
                    loaded.errors[index] = error
    return loaded


def _entity_id(job: Ingestion) -> UUID | None:
    match job:
        case IngestMemory():
            return job.memory_id
        case IngestCode():
            return job.code_entity_id
        case RemoveEntities():
            return None


def _find_removal(job: Ingestion, removed: Mapping[UUID, str]) -> RemoveEntities | None:
    if isinstance(job, RemoveEntities):
        return job
    key = _entity_id(job)
    workspace_id = key and removed.get(key)
    if key is None or workspace_id is None:
        return None
    if not _is_same_workspace(workspace_id, job.workspace_id):
        raise DeadLetterError(f"entity {key} does not belong to workspace {job.workspace_id}")
    if isinstance(job, IngestMemory):
        return RemoveEntities(workspace_id=workspace_id, memory_ids=[key])
    return RemoveEntities(workspace_id=workspace_id, code_entity_ids=[key])


async def _load_known(conn: Connection, jobs: Sequence[Ingestion]) -> dict[UUID, Entity]:
    memories = [job.memory_id for job in jobs if isinstance(job, IngestMemory)]
    files = [job.code_entity_id for job in jobs if isinstance(job, IngestCode)]
    return {**await load_memories(conn, memories), **await load_code(conn, files)}


async def _get_entity(conn: Connection, job: Ingest, known: dict[UUID, Entity]) -> Entity:
    entity_id = job.memory_id if isinstance(job, IngestMemory) else job.code_entity_id
    entity = known.get(entity_id)
    if entity is None and isinstance(job, IngestMemory):
        entity = known[entity_id] = await store_unstored(conn, job)
    if entity is None:
        raise DeadLetterError(f"code entity {entity_id} is not stored; send its file to the API")
    if not _is_same_workspace(entity.workspace_id, job.workspace_id):
        raise DeadLetterError(f"entity {entity_id} does not belong to workspace {job.workspace_id}")
    if len(entity.project_name or "") > MAX_PROJECT_NAME_CHARACTERS:
        reason = f"must not be longer than {MAX_PROJECT_NAME_CHARACTERS} characters"
        raise InvalidInputError("project_name", reason)
    return entity


def _is_same_workspace(stored: str, named: str) -> bool:
    """Compare workspaces; messages of the old system may leave out what kind it is."""
    kind, _, bare = stored.rpartition(":")
    named_kind, _, named_bare = named.rpartition(":")
    return bare.lower() == named_bare.lower() and named_kind in (kind, "")
