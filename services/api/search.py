"""Search over memories by meaning."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from services.api.answers import MemoriesFound, MemoryFound, problems
from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.bodies import ProjectFilter
from services.api.parts import WithParts
from shared.domain.accepting import check_text
from shared.graph.search import search_memories

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["search"])


@router.get("/api/search/memories", responses=problems())
async def get_memories(
    caller: Reader,
    parts: WithParts,
    q: Annotated[str, Query(min_length=1, max_length=1000, description="what to look for")],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    project: ProjectFilter = None,
) -> MemoriesFound:
    """Return the memories nearest to `q` in meaning, nearest first."""
    project_name = project and check_text(project, "project")
    (vector,) = await parts.shared.embedder.embed([check_text(q, "q")])
    found = await search_memories(
        parts.shared.driver, caller.workspace_id, vector, limit=limit, project_name=project_name
    )
    results = [MemoryFound.model_validate(asdict(memory)) for memory in found]
    return MemoriesFound(results=results, count=len(results), query=q)
