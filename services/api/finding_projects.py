"""Reads projects with what their summaries are made of; the API and the pages read them here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from services.api.answers import Submitted
from services.api.idempotency import KeyedRequest, run_once
from services.api.parts import ApiParts
from services.api.submitting import submit
from shared.domain.decisions import decisions_in
from shared.errors import NotFoundError
from shared.graph.patterns import Pattern
from shared.graph.project_story import read_story
from shared.graph.recent_sessions import WorkSession
from shared.messages import SUMMARY_GENERATION, SummarizeProject
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.jobs import Progress, count_messages
from shared.postgres.projects import (
    Project,
    ProjectInFull,
    Source,
    find_project,
    list_projects,
    project_exists,
)

ACTIVE_DAYS: Final = 84
PATTERNS_SHOWN: Final = 5
SESSIONS_SHOWN: Final = 10
DECISIONS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Decision:
    """A sentence of a memory that tells what was decided."""

    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class ProjectStory:
    """What a project is, how fresh that is, and what it is told from."""

    project: ProjectInFull
    activity: Sequence[tuple[date, int]]
    """Every day of the last weeks, oldest first, by UTC."""
    decisions: Sequence[Decision]
    patterns: Sequence[Pattern]
    sessions: Sequence[WorkSession]
    open_jobs: Sequence[Progress]


async def read_projects(
    parts: ApiParts, caller: ApiKey, *, limit: int, after: str = ""
) -> tuple[list[Project], bool]:
    """Return a page of the caller's projects, by name, and whether more follow."""
    async with parts.reading(caller) as conn:
        found = await list_projects(conn, caller.workspace_id, limit=limit + 1, after=after)
    return found[:limit], len(found) > limit


async def read_project(parts: ApiParts, caller: ApiKey, name: str) -> ProjectStory:
    """Return all there is to say of one project.

    Raises:
        NotFoundError: the caller's workspace has nothing of it.
    """
    days = last_days(datetime.now(UTC).date(), ACTIVE_DAYS)
    since = datetime.combine(days[0], datetime.min.time(), UTC)
    async with parts.reading(caller) as conn:
        project = await find_project(conn, caller.workspace_id, name, since=since)
        if project is None:
            raise NotFoundError("no such project in this workspace")
        jobs = await count_messages(conn, project.job_ids)
    patterns, sessions = await read_story(
        parts.shared.driver,
        caller.workspace_id,
        name,
        patterns=PATTERNS_SHOWN,
        sessions=SESSIONS_SHOWN,
        without=project.dismissed,
    )
    return ProjectStory(
        project=project,
        activity=[(day, project.days.get(day.isoformat(), 0)) for day in days],
        decisions=find_decisions(project.sources),
        patterns=patterns,
        sessions=sessions,
        open_jobs=[one for one in jobs.values() if one.unfinished or one.dead],
    )


async def ask_for_summary(
    parts: ApiParts, caller: ApiKey, name: str, once: KeyedRequest | None = None
) -> Submitted:
    """Queue a new summary of one of the caller's projects.

    It is written where anything changed, and not sooner than the debounce after the last one.

    Raises:
        NotFoundError: the caller's workspace has nothing of it.
    """
    message = SummarizeProject(
        workspace_id=caller.workspace_id,
        user_id=caller.user_id,
        project_name=name,
        reason="asked for",
    )

    async def queue() -> Submitted:
        if not await project_exists(conn, caller.workspace_id, name):
            raise NotFoundError("no such project in this workspace")
        job_id = await submit(
            conn,
            parts.broker,
            caller,
            queue=SUMMARY_GENERATION,
            kind="summary",
            messages=[message],
            project_name=name,
        )
        await record_action(conn, caller, Action("summary.request", str(job_id), count=1))
        return Submitted(job_id=job_id, queued=1)

    async with parts.transaction(caller) as conn:
        return await run_once(conn, caller, once, queue, Submitted)


def last_days(today: date, days: int) -> list[date]:
    """Return so many days, today last."""
    return [today - timedelta(days=back) for back in reversed(range(days))]


def find_decisions(sources: Sequence[Source]) -> list[Decision]:
    """Return the newest decisions that the sources tell, each once."""
    told = {text: source for source in reversed(sources) for text in decisions_in(source.text)}
    found = [Decision(text, source) for text, source in told.items()]
    found.sort(key=lambda one: one.source.occurred_at, reverse=True)
    return found[:DECISIONS_SHOWN]
