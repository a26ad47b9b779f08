"""What each project is about and where it stands."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from services.api.answers import SummariesFound, SummaryFound
from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.bodies import ProjectFilter
from services.api.describing_problems import problems
from services.api.examples import PROJECT
from services.api.paging import Limit
from services.api.parts import WithParts
from services.api.value_cursors import not_a_place, read_values, write_values
from shared.domain.accepting import check_text
from shared.postgres.project_summaries import ProjectSummary, list_summaries

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["summaries"])


@router.get("/api/summaries", responses=problems())
async def get_summaries(
    caller: Reader,
    parts: WithParts,
    project: ProjectFilter = None,
    limit: Limit = 100,
    after: Annotated[
        str | None,
        Query(
            max_length=2000,
            description="`next` of the page before this one",
            examples=[write_values("2026-01-31T09:30:04+00:00", PROJECT)],
        ),
    ] = None,
) -> SummariesFound:
    """Return the current summary of each project, or of the one named; the newest first."""
    project_name = project and check_text(project, "project")
    place = None if after is None else read_place(after)
    async with parts.reading(caller) as conn:
        found = await list_summaries(
            conn, caller.workspace_id, project_name, limit=limit + 1, after=place
        )
    page = found[:limit]
    summaries = [SummaryFound.model_validate(asdict(summary)) for summary in page]
    following = write_place(page[-1]) if len(found) > limit else None
    return SummariesFound(summaries=summaries, count=len(summaries), next=following)


def write_place(summary: ProjectSummary) -> str:
    """Return where the page after this summary starts."""
    return write_values(summary.updated_at.isoformat(), summary.project_name)


def read_place(cursor: str) -> tuple[datetime, str]:
    """Return when the last summary of a page was written, and its project.

    Raises:
        InvalidInputError: it is not the `next` of a page.
    """
    values = read_values(cursor, "after")
    with suppress(ValueError):
        match values:
            case [str(at), str(name)] if (moment := datetime.fromisoformat(at)).tzinfo:
                return moment, check_text(name, "after")
            case _:
                pass
    raise not_a_place("after")
