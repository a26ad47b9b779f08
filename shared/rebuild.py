"""Sends what the graph lacks, or holds by older rules, through ingestion again.

Safe to repeat and to break off: each page is sent in one transaction with its part of the job, what
was sent already and still waits is not sent twice, and what ingestion has done is not outdated.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID, uuid4

from neo4j import AsyncDriver
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from faststream_pgmq import PgmqBroker
from shared.domain.entities import CodeEntity, Entity
from shared.graph.outdated import find_outdated
from shared.messages import JOB_ID_HEADER, MEMORY_INGESTION, IngestCode, IngestMemory
from shared.postgres.entities import load_code, load_memories
from shared.postgres.jobs import grow_job
from shared.postgres.stored import Kind, list_stored

PAGE: Final = 500
KINDS: Final[tuple[Kind, ...]] = ("memory", "code")
NOBODY: Final = UUID(int=0)
"""Who asked: whoever reaches the servers."""
DEDUP_KEY: Final = "dedup_key"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be rebuilt."""

    project_name: str | None = None
    everything: bool = False
    """Also what the graph holds by the rules of today: after the embedder was changed."""
    dry_run: bool = False
    page: int = PAGE


EVERYTHING_OUTDATED: Final = Wanted()


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How far it is."""

    workspace_id: str
    job_id: UUID = field(default_factory=uuid4)
    """There is no such job where nothing was queued."""
    seen: int = 0
    outdated: int = 0
    queued: int = 0
    """Less than `outdated` where some wait in the queue already."""


async def rebuild(
    conn: AsyncConnection[TupleRow],
    driver: AsyncDriver,
    broker: PgmqBroker,
    workspace_id: str,
    wanted: Wanted = EVERYTHING_OUTDATED,
) -> AsyncGenerator[Rebuilt]:
    """Yield how far it is after each page.

    Raises:
        DependencyDownError: Neo4j does not answer.
    """
    so_far = Rebuilt(workspace_id)
    for kind in KINDS:
        async for ids in _pages(conn, workspace_id, wanted, kind):
            outdated = ids
            if not wanted.everything:
                outdated = await find_outdated(driver, workspace_id, kind, ids)
            queued = 0 if wanted.dry_run else await _send(conn, broker, so_far, kind, outdated)
            so_far = replace(
                so_far,
                seen=so_far.seen + len(ids),
                outdated=so_far.outdated + len(outdated),
                queued=so_far.queued + queued,
            )
            yield so_far


async def _pages(
    conn: AsyncConnection[TupleRow], workspace_id: str, wanted: Wanted, kind: Kind
) -> AsyncGenerator[list[UUID]]:
    after: Sequence[str] | None = None
    while page := await list_stored(
        conn,
        workspace_id,
        kind,
        project_name=wanted.project_name,
        limit=wanted.page,
        after=after,
    ):
        yield page.ids
        after = page.after


async def _send(
    conn: AsyncConnection[TupleRow],
    broker: PgmqBroker,
    job: Rebuilt,
    kind: Kind,
    ids: Sequence[UUID],
) -> int:
    """Send messages about entities that are still stored; return how many did not wait already."""
    async with conn.transaction():
        load = load_memories if kind == "memory" else load_code
        entities = [*(await load(conn, ids)).values()]
        sent = await broker.publish_batch(
            *map(_message, entities),
            queue=MEMORY_INGESTION,
            headers=[_headers(job.job_id, entity) for entity in entities],
            group=job.workspace_id,
            connection=conn,
        )
        queued = sum(one is not None for one in sent)
        if queued:
            await grow_job(
                conn,
                job_id=job.job_id,
                workspace_id=job.workspace_id,
                user_id=NOBODY,
                kind="rebuild",
                submitted=queued,
            )
    return queued


def _message(entity: Entity) -> IngestMemory | IngestCode:
    if isinstance(entity, CodeEntity):
        return IngestCode(
            user_id=entity.user_id,
            workspace_id=entity.workspace_id,
            code_entity_id=entity.id,
            metadata=entity.metadata,
        )
    return IngestMemory(
        user_id=entity.user_id,
        workspace_id=entity.workspace_id,
        memory_id=entity.id,
        content=entity.content,
        metadata=entity.metadata,
    )


def _headers(job_id: UUID, entity: Entity) -> dict[str, str]:
    return {JOB_ID_HEADER: str(job_id), DEDUP_KEY: f"rebuild:{entity.id}"}
