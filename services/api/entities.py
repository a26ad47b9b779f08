"""One memory or source file as a whole: its text, what it is tied to, and what was done with it."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter

from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.describing_problems import problems
from services.api.entity_answers import (
    EntityFound,
    EntityMessageFound,
    PatternOfEntity,
    RelatedFound,
)
from services.api.parameters import CodeId, MemoryId
from services.api.parts import ApiParts, WithParts
from services.api.searching import permalink
from shared.errors import NotFoundError
from shared.graph.entity_details import Details, Related, find_details
from shared.graph.entity_words import Kind
from shared.postgres.api_keys import ApiKey
from shared.postgres.entity_messages import EntityMessage, find_entity_messages
from shared.postgres.workspaces import own_spellings

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["search"])
ERRORS: Final = problems(HTTPStatus.NOT_FOUND)


@router.get("/api/memories/{memory_id}", responses=ERRORS)
async def get_memory(memory_id: MemoryId, caller: Reader, parts: WithParts) -> EntityFound:
    """Return a memory with what it is tied to, and the jobs and traces that wrote it."""
    return await get_entity(parts, caller, "memory", str(memory_id))


@router.get("/api/code/{code_id}", responses=ERRORS)
async def get_code(code_id: CodeId, caller: Reader, parts: WithParts) -> EntityFound:
    """Return a source file with what it is tied to, and the jobs and traces that wrote it."""
    return await get_entity(parts, caller, "code", str(code_id))


async def get_entity(parts: ApiParts, caller: ApiKey, kind: Kind, entity_id: str) -> EntityFound:
    """Return one memory or file of the caller's workspace.

    Raises:
        NotFoundError: the graph has none such; whether another workspace has is not told.
    """
    details = await find_details(parts.shared.driver, caller.workspace_id, kind, entity_id)
    if details is None:
        raise NotFoundError(f"no such {kind} in this workspace, or it is not ingested yet")
    async with parts.transaction(caller) as conn:
        spellings = own_spellings(caller.workspace_id)
        messages = await find_entity_messages(conn, spellings, entity_id)
    return _describe(details, messages)


def _describe(details: Details, messages: list[EntityMessage]) -> EntityFound:
    own = asdict(details) | {
        "project_name": details.project_name or None,
        "title": details.path or " ".join(details.content[:400].split())[:100],
        "related": [_related(one) for one in details.related],
        "patterns": [PatternOfEntity(**asdict(one)) for one in details.patterns],
        "messages": [EntityMessageFound.model_validate(asdict(one)) for one in messages],
        "permalink": permalink((details.kind, details.id)),
    }
    return EntityFound.model_validate(own)


def _related(one: Related) -> RelatedFound:
    return RelatedFound.model_validate(
        {
            "tie": one.tie,
            "kind": one.head.kind,
            "id": one.head.id,
            "title": one.head.title,
            "excerpt": one.head.text,
            "occurred_at": one.head.occurred_at,
            "methods": one.methods,
            "names": one.names,
        }
    )
