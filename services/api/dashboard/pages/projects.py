"""What each project is, and how fresh that is: summary with sources, activity, decisions, jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.api.auth import Operator, Reader
from services.api.dashboard.rate_drawing import DAY, draw_days
from services.api.dashboard.registry import ROOT, Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.finding_projects import ask_for_summary, read_project, read_projects
from services.api.parts import WithParts
from services.api.projects import read_name, summary_state
from services.api.value_cursors import write_values
from shared.domain.accepting import check_text

PAGE: Final = Page(
    name="projects",
    title="Projects",
    question="What is it, and how fresh?",
    key="r",
)
router = APIRouter(route_class=PageRoute)
SHOWN: Final = 20
STATES: Final = {
    "fresh": ("fresh", "ok"),
    "stale": ("out of date", "warn"),
    "none": ("not written yet", "off"),
}


@router.get(PAGE.path)
async def get_projects(
    request: Request, caller: Reader, parts: WithParts, after: str = ""
) -> Response:
    """Show the workspace's projects by name."""
    start = read_name(after) if after else ""
    found, has_more = await read_projects(parts, caller, limit=SHOWN, after=start)
    return render(
        request,
        "projects/index.html",
        found=[(one, STATES[summary_state(one)]) for one in found],
        next=write_values(found[-1].name) if has_more else None,
        is_first=not after,
        path_of=path_of,
    )


# A project's name may hold slashes; the longer path comes first.
@router.post(f"{PAGE.path}/{{name:path}}/summary")
async def post_summary(name: str, caller: Operator, parts: WithParts) -> Response:
    """Ask for a new summary, and show the project again."""
    project = check_text(name, "name")
    await ask_for_summary(parts, caller, project)
    return RedirectResponse(f"{path_of(project)}?asked=1", 303)


@router.get(f"{PAGE.path}/{{name:path}}")
async def get_project(
    name: str, request: Request, caller: Reader, parts: WithParts, asked: str = ""
) -> Response:
    """Show one project in full."""
    story = await read_project(parts, caller, check_text(name, "name"))
    cells = draw_days(story.activity)
    return render(
        request,
        "projects/project.html",
        project=story.project,
        state=STATES[summary_state(story.project)],
        story=story,
        cells=cells,
        calendar_width=max((cell.x for cell in cells), default=0.0) + DAY,
        active_days=sum(1 for _, memories in story.activity if memories),
        weeks=by_week(story.activity),
        was_asked=bool(asked),
        path_of=path_of,
        memory_path=f"{ROOT}/search/memory",
        patterns_path=f"{ROOT}/patterns",
    )


def path_of(name: str) -> str:
    """Return the page of a project."""
    return f"{PAGE.path}/{quote(name, safe='')}"


def by_week(days: Sequence[tuple[date, int]]) -> list[tuple[date, int]]:
    """Return how many memories each week has, by its first day, oldest first."""
    weeks: dict[date, int] = {}
    for day, memories in days:
        monday = day - timedelta(days=day.weekday())
        weeks[monday] = weeks.get(monday, 0) + memories
    return list(weeks.items())
