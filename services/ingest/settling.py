"""Makes the graph agree with Postgres about entities that may have been removed meanwhile.

Nothing is locked in both: a row may go while its entity is being written, and come back while it
is being removed. So Postgres is asked after each write to the graph, until it says nothing new.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Literal
from uuid import UUID

from neo4j import AsyncDriver

from services.ingest.loading import Pool
from shared.domain.entities import Entity, Memory
from shared.graph.removal import remove_entities
from shared.messages import RemoveEntities
from shared.postgres.availability import translated_errors
from shared.postgres.entities import load_code, load_memories
from shared.postgres.removal import find_held


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One entity of the graph."""

    workspace_id: str
    kind: Literal["memory", "code"]
    id: UUID


def key_of(entity: Entity) -> Key:
    """Return the key of a stored entity."""
    return Key(entity.workspace_id, "memory" if isinstance(entity, Memory) else "code", entity.id)


def keys_of(removals: Iterable[RemoveEntities]) -> list[Key]:
    """Return the keys of what is to be removed."""
    return [
        key
        for one in removals
        for key in (
            *(Key(one.workspace_id, "memory", memory) for memory in one.memory_ids),
            *(Key(one.workspace_id, "code", file) for file in one.code_entity_ids),
        )
    ]


async def settle(
    keys: Sequence[Key],
    *,
    pool: Pool,
    driver: AsyncDriver,
    save: Callable[[Sequence[Entity]], Awaitable[None]],
) -> None:
    """Remove what Postgres does not hold, and save what came back while it was being removed.

    Raises:
        DependencyDownError: a server does not answer.
    """
    while keys:
        held = await _find_held(pool, keys)
        gone = sorted({key for key in keys if key.id not in held})
        for workspace_id, own in groupby(gone, key=attrgetter("workspace_id")):
            await _remove(driver, workspace_id, [*own])
        back = await _load_back(pool, gone)
        if back:
            await save(back)
        keys = [key_of(entity) for entity in back]


async def _find_held(pool: Pool, keys: Sequence[Key]) -> set[UUID]:
    with translated_errors():
        async with pool.connection() as conn:
            return await find_held(conn, [key.id for key in keys])


async def _remove(driver: AsyncDriver, workspace_id: str, keys: Sequence[Key]) -> None:
    await remove_entities(
        driver,
        workspace_id,
        memory_ids=[key.id for key in keys if key.kind == "memory"],
        code_ids=[key.id for key in keys if key.kind == "code"],
    )


async def _load_back(pool: Pool, gone: Sequence[Key]) -> list[Entity]:
    if not gone:
        return []
    ids = [key.id for key in gone]
    with translated_errors():
        async with pool.connection() as conn:
            return [
                *(await load_memories(conn, ids)).values(),
                *(await load_code(conn, ids)).values(),
            ]
