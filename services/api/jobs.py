"""How far jobs are, and cancelling them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Path, Response
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.auth import WITH_KEY, KeyedRoute, Operator, Reader
from services.api.bodies import CancelRequest
from services.api.describing_problems import problems
from services.api.examples import QUEUE
from services.api.examples.working import WHOLE_MESSAGE
from services.api.job_answers import (
    JobCancelled,
    JobDetail,
    JobPage,
    JobsSearched,
    describe_detail,
    describe_job,
    write_whole,
)
from services.api.job_filters import WithFilter
from services.api.paging import Cursor, Limit, read_cursor, write_cursor
from services.api.parameters import JobId
from services.api.parts import ApiParts, WithParts
from shared.domain.accepting import accept_words, check_text
from shared.errors import NotFoundError
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.job_cancelling import cancel_job
from shared.postgres.job_history import find_history
from shared.postgres.job_messages import Place, find_job_progress, find_message, list_messages
from shared.postgres.job_search import JobFilter, search_jobs
from shared.postgres.jobs import count_messages

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["jobs"])
ERRORS: Final = problems()
ABOUT_ONE: Final = problems(HTTPStatus.NOT_FOUND)
NO_JOB: Final = "no such job"
WHOLE: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.OK.value: {
        "description": "The message",
        "content": {"application/json": {"example": WHOLE_MESSAGE}},
    }
}
MessageId = Annotated[int, Path(ge=0, lt=2**63, examples=[18])]


@router.get("/api/jobs", responses=ERRORS)
async def get_jobs(
    caller: Reader,
    parts: WithParts,
    wanted: WithFilter,
    limit: Limit = 20,
    before: Cursor = None,
) -> JobPage:
    """Return a page of jobs, newest first; `searched` says how far it looked."""
    place = read_cursor(before, UUID)
    async with parts.transaction(caller) as conn:
        return await find_page(conn, caller, wanted, lease_of(parts), limit=limit, before=place)


async def find_page(
    conn: AsyncConnection[TupleRow],
    caller: ApiKey,
    wanted: JobFilter,
    lease: timedelta,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> JobPage:
    """Return the next jobs that match, as clients see them; two statements."""
    found = await search_jobs(conn, caller.workspace_id, wanted, limit=limit, before=before)
    progress = await count_messages(conn, [job.id for job in found.jobs])
    states = [describe_job(job, progress[job.id], lease) for job in found.jobs]
    return JobPage(
        jobs=[one for one in states if wanted.state in (None, one.state)],
        next=found.next and write_cursor(*found.next),
        searched=JobsSearched(
            jobs=found.searched, back_to=found.searched_back_to, is_complete=found.next is None
        ),
    )


@router.get("/api/jobs/{job_id}", responses=ABOUT_ONE)
async def get_job(job_id: JobId, caller: Reader, parts: WithParts) -> JobDetail:
    """Return one job with its messages."""
    async with parts.transaction(caller) as conn:
        return await find_detail(conn, caller, job_id, lease_of(parts))


async def find_detail(
    conn: AsyncConnection[TupleRow], caller: ApiKey, job_id: UUID, lease: timedelta
) -> JobDetail:
    """Return one job as clients see it; three statements.

    Raises:
        NotFoundError: the workspace has no such job.
    """
    known = await find_job_progress(conn, caller.workspace_id, job_id)
    if known is None:
        raise NotFoundError(NO_JOB)
    messages = await list_messages(conn, caller.workspace_id, job_id)
    history = await find_history(conn, caller.workspace_id, job_id, known[0].created_at)
    # In a thread: to look for secrets in some megabytes must not keep other requests waiting.
    return await asyncio.to_thread(describe_detail, *known, messages, history, lease)


@router.get(
    "/api/jobs/{job_id}/messages/{queue}/{place}/{message_id}",
    response_class=Response,
    responses=ABOUT_ONE | WHOLE,
)
async def get_job_message(
    job_id: JobId,
    queue: Annotated[str, Path(max_length=64, examples=[QUEUE])],
    place: Place,
    message_id: MessageId,
    caller: Reader,
    parts: WithParts,
) -> Response:
    """Return one message whole, without secrets, as a file."""
    async with parts.transaction(caller) as conn:
        message = await find_message(
            conn,
            caller.workspace_id,
            job_id,
            queue=check_text(queue, "queue"),
            place=place,
            msg_id=message_id,
        )
    if message is None:
        raise NotFoundError("no such message of this job; it may have moved on: look at the job")
    name = f"{message.queue}-{message.place}-{message.msg_id}.json"
    return Response(
        await asyncio.to_thread(write_whole, message),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post("/api/jobs/{job_id}/cancel", responses=ABOUT_ONE)
async def post_job_cancel(
    job_id: JobId, body: CancelRequest, caller: Operator, parts: WithParts
) -> JobCancelled:
    """Cancel what is left of a job. What a worker has in hand is finished, and not tried again.

    Safe to repeat. What has ended stays as it is.
    """
    return await cancel(parts, caller, job_id, body.reason)


async def cancel(parts: ApiParts, caller: ApiKey, job_id: UUID, reason: str) -> JobCancelled:
    """Cancel a job and note who did it.

    Raises:
        InvalidInputError: the reason cannot be stored.
        NotFoundError: the workspace has no such job.
    """
    why = accept_words(reason, "reason")
    async with parts.transaction(caller) as conn:
        done = await cancel_job(conn, job_id)
        if done is None:
            raise NotFoundError(NO_JOB)
        action = Action("job.cancel", str(job_id), count=done.cancelled, reason=why)
        await record_action(conn, caller, action)
    return JobCancelled(id=job_id, cancelled=done.cancelled, running=done.running)


def lease_of(parts: ApiParts) -> timedelta:
    """Return how long a worker's heartbeat holds a message."""
    return timedelta(seconds=parts.shared.settings.visibility_timeout_seconds)
