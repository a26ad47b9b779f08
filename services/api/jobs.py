"""How far jobs are."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.api.answers import (
    JobCounts,
    JobPage,
    JobState,
    problems,
)
from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.parts import WithParts
from shared.errors import InvalidInputError, NotFoundError
from shared.postgres.jobs import Job, Place, Progress, count_messages, find_job, list_jobs

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["jobs"])
ERRORS: Final = problems()
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[
    str | None, Query(max_length=100, description="`next` of the page before this one")
]


@router.get("/api/jobs", responses=ERRORS)
async def get_jobs(
    caller: Reader, parts: WithParts, limit: Limit = 20, before: Cursor = None
) -> JobPage:
    """Return a page of jobs, newest first."""
    place = None if before is None else read_place(before)
    async with parts.transaction(caller) as conn:
        jobs = await list_jobs(conn, caller.workspace_id, limit=limit, before=place)
        progress = await count_messages(conn, [job.id for job in jobs])
    states = [describe_job(job, progress[job.id]) for job in jobs]
    return JobPage(jobs=states, next=write_place(jobs[-1]) if len(jobs) == limit else None)


@router.get("/api/jobs/{job_id}", responses=problems(HTTPStatus.NOT_FOUND))
async def get_job(job_id: UUID, caller: Reader, parts: WithParts) -> JobState:
    """Return one job."""
    async with parts.transaction(caller) as conn:
        job = await find_job(conn, caller.workspace_id, job_id)
        if job is None:
            raise NotFoundError("no such job")
        progress = await count_messages(conn, [job_id])
    return describe_job(job, progress[job_id])


def describe_job(job: Job, progress: Progress) -> JobState:
    """Return a job as clients see it."""
    kept = progress.unfinished + progress.done + progress.dead
    finished = max(0, job.submitted - progress.unfinished)
    return JobState(
        id=job.id,
        kind=job.kind,
        state=job_state(job, progress),
        percent=round(100 * finished / job.submitted, 1) if job.submitted else 100.0,
        submitted=job.submitted,
        counts=JobCounts(
            waiting=progress.waiting,
            running=progress.running,
            retrying=progress.retrying,
            done=progress.done,
            dead=progress.dead,
            gone=max(0, job.submitted - kept),
        ),
        last_error=progress.last_error,
        created_at=job.created_at,
    )


def job_state(
    job: Job, progress: Progress
) -> Literal["waiting", "running", "retrying", "done", "dead"]:
    """Return one word for a job: dead when it ended and left dead letters."""
    has_begun = progress.done or progress.waiting < job.submitted
    if progress.running or (progress.waiting and has_begun):
        return "running"
    if progress.waiting:
        return "waiting"
    if progress.retrying:
        return "retrying"
    return "dead" if progress.dead else "done"


def write_place(job: Job) -> str:
    """Return where the next page starts."""
    return f"{job.created_at.isoformat()}_{job.id}"


def read_place(cursor: str) -> Place:
    """Return what `write_place` wrote.

    Raises:
        InvalidInputError: it did not write this.
    """
    created_at, _, job_id = cursor.partition("_")
    try:
        place = Place(datetime.fromisoformat(created_at), UUID(job_id))
        if place.created_at.tzinfo is None:
            raise ValueError
    except ValueError as error:
        raise InvalidInputError("before", "is not the `next` of a page") from error
    return place
