"""What each project is about and where it stands."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from services.api.answers import SummariesFound, SummaryFound
from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.bodies import ProjectFilter
from services.api.describing_problems import problems
from services.api.parts import WithParts
from shared.domain.accepting import check_text
from shared.postgres.project_summaries import list_summaries

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["summaries"])


@router.get("/api/summaries", responses=problems())
async def get_summaries(
    caller: Reader, parts: WithParts, project: ProjectFilter = None
) -> SummariesFound:
    """Return the current summary of each project, or of the one named; the newest first."""
    project_name = project and check_text(project, "project")
    async with parts.transaction(caller) as conn:
        found = await list_summaries(conn, caller.workspace_id, project_name)
    summaries = [SummaryFound.model_validate(asdict(summary)) for summary in found]
    return SummariesFound(summaries=summaries, count=len(summaries))
