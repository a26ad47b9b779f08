"""The projects of a workspace: what each is about, how fresh that is, and what it is told from."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field

from services.api.answers import Answer, PatternFound, Submitted
from services.api.auth import WITH_KEY, KeyedRoute, Operator, Reader
from services.api.describing_problems import problems
from services.api.examples import PROJECT, shown
from services.api.examples import patterns as patterns_examples
from services.api.finding_projects import (
    Decision,
    ProjectStory,
    ask_for_summary,
    read_project,
    read_projects,
)
from services.api.idempotency import Once
from services.api.parts import WithParts
from services.api.patterns import describe_pattern
from services.api.value_cursors import not_a_place, read_values, write_values
from shared.domain.accepting import check_text
from shared.postgres.projects import Project

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["projects"])
MISSING: Final = problems(HTTPStatus.NOT_FOUND)
Name = Annotated[str, Path(min_length=1, max_length=255, examples=[PROJECT])]


class ProjectFound(Answer):
    """One project; a count of 10,001 means more than 10,000."""

    name: str
    memories: int
    files: int
    newest_at: datetime | None = Field(description="when its newest memory happened")
    summary: str | None
    summary_state: Literal["none", "fresh", "stale"] = Field(
        description="stale when something came, changed or went since it was written"
    )
    summarised_at: datetime | None
    model: str | None = Field(description="who wrote it; `extractive` is no model")


class ProjectsFound(Answer):
    """Projects by name."""

    model_config = shown(patterns_examples.PROJECTS)

    projects: list[ProjectFound]
    next: str | None = Field(description="the `after` of the following page")


class SourceFound(Answer):
    """A memory that the summary was written from."""

    id: UUID
    chunk_id: str
    session_id: str | None
    occurred_at: datetime
    excerpt: str


class DayCount(Answer):
    """How many memories happened on a day."""

    day: date
    memories: int


class DecisionFound(Answer):
    """A sentence that tells what was decided, and the memory that it stands in."""

    text: str
    source: SourceFound


class SessionFound(Answer):
    """Memories with no long break between them."""

    id: str
    user_id: str
    started_at: datetime
    ended_at: datetime
    memories: int
    activities: list[str]
    keywords: list[str]


class OpenJob(Answer):
    """A job that is not done, or left dead letters."""

    id: UUID
    waiting: int
    running: int
    retrying: int
    dead: int


class ProjectDetail(ProjectFound):
    """One project, and what is said of it is told from."""

    model_config = shown(patterns_examples.PROJECT_DETAIL)

    memories_included: int | None
    first_memory_timestamp: datetime | None
    last_memory_timestamp: datetime | None
    sources: list[SourceFound] = Field(
        description="newest first; without a summary, what the next one will be written from"
    )
    activity: list[DayCount] = Field(description="the last 84 days, oldest first, in UTC")
    decisions: list[DecisionFound]
    patterns: list[PatternFound] = Field(description="the surest five, with their first evidence")
    sessions: list[SessionFound]
    open_jobs: list[OpenJob]


@router.get("/api/projects", responses=problems())
async def get_projects(
    caller: Reader,
    parts: WithParts,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[
        str | None,
        Query(
            max_length=2000,
            description="`next` of the page before this one",
            examples=[write_values(PROJECT)],
        ),
    ] = None,
) -> ProjectsFound:
    """Return the workspace's projects by name, with how fresh their summaries are."""
    start = "" if after is None else read_name(after)
    found, has_more = await read_projects(parts, caller, limit=limit, after=start)
    following = write_values(found[-1].name) if has_more else None
    return ProjectsFound(projects=[describe_project(one) for one in found], next=following)


# With `path`: a project's name may hold slashes. The longer paths come first.
@router.post(
    "/api/projects/{name:path}/summary", status_code=HTTPStatus.ACCEPTED, responses=MISSING
)
async def post_summary(
    name: Name, caller: Operator, parts: WithParts, once: Once = None
) -> Submitted:
    """Ask for a new summary. It is written where something changed since the current one."""
    return await ask_for_summary(parts, caller, check_text(name, "name"), once)


@router.get("/api/projects/{name:path}", responses=MISSING)
async def get_project(name: Name, caller: Reader, parts: WithParts) -> ProjectDetail:
    """Return one project: its summary with sources, activity, decisions, patterns, sessions."""
    return describe_story(await read_project(parts, caller, check_text(name, "name")))


def read_name(cursor: str) -> str:
    """Return the name of the last project of a page.

    Raises:
        InvalidInputError: it is not the `next` of a page.
    """
    match read_values(cursor, "after"):
        case [str(name)]:
            return check_text(name, "after")
        case _:
            raise not_a_place("after")


def describe_project(project: Project) -> ProjectFound:
    """Return a project as clients see it."""
    return ProjectFound.model_validate({**asdict(project), "summary_state": summary_state(project)})


def summary_state(project: Project) -> Literal["none", "fresh", "stale"]:
    """Return one word for how true a project's summary still is."""
    if project.summarised_at is None:
        return "none"
    return "stale" if project.is_stale else "fresh"


def describe_story(story: ProjectStory) -> ProjectDetail:
    """Return one project in full as clients see it."""
    return ProjectDetail.model_validate(
        {
            **asdict(story.project),
            "summary_state": summary_state(story.project),
            "sources": [asdict(source) for source in story.project.sources],
            "activity": [{"day": day, "memories": n} for day, n in story.activity],
            "decisions": [describe_decision(decision) for decision in story.decisions],
            "patterns": [describe_pattern(pattern, None) for pattern in story.patterns],
            "sessions": [asdict(session) for session in story.sessions],
            "open_jobs": [{**asdict(job), "id": job.job_id} for job in story.open_jobs],
        }
    )


def describe_decision(decision: Decision) -> DecisionFound:
    """Return a decision as clients see it."""
    source = SourceFound.model_validate(asdict(decision.source))
    return DecisionFound(text=decision.text, source=source)
