"""Where is this job and why? The list with its filters, one job, cancelling, export."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.api.auth import Operator, Reader
from services.api.dashboard.job_views import (
    EVENT_TONES,
    MOST_EXPORTED,
    QUEUES,
    ROWS,
    STATES,
    TONES,
    WITHIN,
    Asked,
    WithAsked,
    link_to_product,
    read_ids,
    write_csv,
)
from services.api.dashboard.registry import Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.sharing import share
from services.api.job_answers import ENDED, JobDetail, JobPage, describe_job
from services.api.jobs import cancel, find_detail, find_page, lease_of
from services.api.paging import Cursor, read_cursor
from services.api.parts import ApiParts, WithParts
from shared.postgres.api_keys import ApiKey
from shared.postgres.job_messages import find_jobs_progress
from shared.postgres.job_search import search_jobs

PAGE = Page("jobs", "Jobs", "Where is this job, and why?", "j")
router = APIRouter(route_class=PageRoute)
LIST: Final = PAGE.path
MOST_NEW: Final = 100
Reason = Annotated[str, Form(max_length=1000)]


@router.get(LIST)
async def get_jobs(
    request: Request, caller: Reader, parts: WithParts, asked: WithAsked, before: Cursor = None
) -> Response:
    """Show a page of jobs, newest first."""
    async with parts.reading(caller) as conn:
        page = await find_page(
            conn,
            caller,
            asked.filter(),
            lease_of(parts),
            limit=ROWS,
            before=read_cursor(before, UUID),
        )
    choices = {"states": STATES, "queues": QUEUES, "within": WITHIN, "most": MOST_EXPORTED}
    context = describe_rows(page, asked, is_first=before is None)
    return render(
        request, "jobs/index.html", asked=asked, choices=choices, told=read_told(request), **context
    )


@router.get(f"{LIST}/rows")
async def get_rows(
    request: Request,
    caller: Reader,
    parts: WithParts,
    asked: WithAsked,
    ids: Annotated[str, Query(max_length=ROWS * 37)] = "",
    first: Annotated[bool, Query()] = False,
) -> Response:
    """Show the same rows anew, and how many are newer: no row moves while somebody points at it."""

    async def make() -> Response:
        context = await read_rows(parts, caller, asked, read_ids(ids), is_first=first)
        return render(request, "jobs/_rows.html", asked=asked, **context)

    return await share(request, caller, ["jobs"], make)


@router.get(f"{LIST}/export.{{kind}}")
async def export_jobs(
    kind: Literal["csv", "json"], caller: Reader, parts: WithParts, asked: WithAsked
) -> Response:
    """Answer with the newest jobs that the list's filter means, as a file."""
    async with parts.reading(caller) as conn:
        wanted, lease = asked.filter(), lease_of(parts)
        page = await find_page(conn, caller, wanted, lease, limit=MOST_EXPORTED)
    headers = {"Content-Disposition": f'attachment; filename="jobs.{kind}"'}
    if kind == "csv":
        return Response(write_csv(page.jobs), media_type="text/csv", headers=headers)
    text = page.model_dump_json(by_alias=True, indent=2)
    return Response(text, media_type="application/json", headers=headers)


@router.get(f"{LIST}/{{job_id}}")
async def get_job(job_id: UUID, request: Request, caller: Reader, parts: WithParts) -> Response:
    """Show one job."""
    return show_job(request, "jobs/job.html", await read_job(parts, caller, job_id))


@router.get(f"{LIST}/{{job_id}}/now")
async def get_now(job_id: UUID, request: Request, caller: Reader, parts: WithParts) -> Response:
    """Show anew how far one job is."""

    async def make() -> Response:
        return show_job(request, "jobs/_now.html", await read_job(parts, caller, job_id))

    return await share(request, caller, ["jobs"], make)


@router.post(f"{LIST}/{{job_id}}/cancel")
async def post_cancel(
    job_id: UUID, caller: Operator, parts: WithParts, reason: Reason = ""
) -> Response:
    """Cancel what is left of a job, and show it."""
    done = await cancel(parts, caller, job_id, reason)
    told = urlencode({"cancelled": done.cancelled, "running": done.running})
    return RedirectResponse(f"{LIST}/{job_id}?{told}", HTTPStatus.SEE_OTHER)


@router.post(f"{LIST}/cancel")
async def post_cancel_ticked(
    caller: Operator,
    parts: WithParts,
    asked: WithAsked,
    job: Annotated[list[UUID] | None, Form(max_length=ROWS)] = None,
    reason: Reason = "",
) -> Response:
    """Cancel what is left of the ticked jobs, and show the same list."""
    done = [await cancel(parts, caller, one, reason) for one in dict.fromkeys(job or [])]
    told = {
        "jobs": len(done),
        "cancelled": sum(one.cancelled for one in done),
        "running": sum(one.running for one in done),
    }
    return RedirectResponse(f"{LIST}?{urlencode(asked.names | told)}", HTTPStatus.SEE_OTHER)


def show_job(request: Request, template: str, job: JobDetail) -> Response:
    """Answer with one job."""
    is_over = job.state in ENDED
    return render(
        request,
        template,
        job=job,
        tones=TONES,
        event_tones=EVENT_TONES,
        link_to_product=link_to_product,
        is_over=is_over,
        told=read_told(request),
    )


def read_told(request: Request) -> dict[str, str]:
    """Return what a cancel that led here did; whoever makes the address up fools only himself."""
    return {name: request.query_params.get(name, "") for name in ("jobs", "cancelled", "running")}


def describe_rows(page: JobPage, asked: Asked, *, is_first: bool, new: int = 0) -> dict[str, Any]:
    """Return what the rows of a page show."""
    ids = ",".join(str(job.id) for job in page.jobs)
    again = asked.names | {"ids": ids} | ({"first": "true"} if is_first else {})
    return {
        "jobs": page.jobs,
        "older": page.next,
        "searched": page.searched,
        "tones": TONES,
        "ended": ENDED,
        "new": new,
        "most_new": MOST_NEW,
        "list_url": f"{LIST}?{urlencode(asked.names)}",
        "again_url": f"{LIST}/rows?{urlencode(again)}",
        "export_query": urlencode(asked.names),
    }


async def read_rows(
    parts: ApiParts, caller: ApiKey, asked: Asked, ids: list[UUID], *, is_first: bool
) -> dict[str, Any]:
    """Return what these rows show now, and how many jobs are newer than the first."""
    async with parts.reading(caller) as conn:
        known = await find_jobs_progress(conn, caller.workspace_id, ids)
        new = 0
        if is_first:
            found = await search_jobs(conn, caller.workspace_id, asked.filter(), limit=MOST_NEW)
            shown = set(ids)
            first = known[0][0].created_at if known else None
            new = sum(
                job.id not in shown and (first is None or job.created_at >= first)
                for job in found.jobs
            )
    lease: timedelta = lease_of(parts)
    return {
        "jobs": [describe_job(job, progress, lease) for job, progress in known],
        "tones": TONES,
        "ended": ENDED,
        "new": new,
        "most_new": MOST_NEW,
        "list_url": f"{LIST}?{urlencode(asked.names)}",
    }


async def read_job(parts: ApiParts, caller: ApiKey, job_id: UUID) -> JobDetail:
    """Return one job with its messages.

    Raises:
        NotFoundError: the workspace has no such job.
    """
    async with parts.reading(caller) as conn:
        return await find_detail(conn, caller, job_id, lease_of(parts))
