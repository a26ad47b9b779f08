"""Streams: what changed altogether, and how far one job is."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.describing_problems import problems
from services.api.live.job_watch import JOB_ENDED
from services.api.live.streams import LiveResponse
from services.api.parameters import JobId
from services.api.parts import WithParts
from shared.errors import InvalidInputError, NotFoundError
from shared.postgres.job_messages import find_job_progress
from shared.postgres.live import TOPICS

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["live"])
EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    HTTPStatus.OK.value: {
        "description": "Events until the client leaves, its key ends or the process stops",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": "event: queues\nid: 2\ndata: {}\n\n",
            }
        },
    }
}
ALL: Final = ",".join(TOPICS)
Topics = Annotated[
    str, Query(max_length=200, description=f"which changes to hear of: {', '.join(TOPICS)}")
]


@router.get("/api/live", response_class=Response, responses=problems() | EVENTS)
async def get_live(caller: Reader, parts: WithParts, topics: Topics = ALL) -> Response:
    """Stream server-sent events named after what changed; fetch again what you show of it.

    `connected` and `disconnected` say whether changes are heard now; `resync` asks to fetch all
    again. A client fetches all whenever it has connected: events of before are not repeated.
    """
    wanted = read_topics(topics)
    parts.streams.check_room(caller)
    return LiveResponse(parts.streams, caller, parts.live.subscribe(wanted))


@router.get(
    "/api/jobs/{job_id}/events",
    response_class=Response,
    responses=problems(HTTPStatus.NOT_FOUND) | EVENTS,
    tags=["jobs"],
)
async def get_job_events(job_id: JobId, caller: Reader, parts: WithParts) -> Response:
    """Stream `progress` events, each a job's state, until the event `ended`.

    A client that is told `ended` must not come back; after any other end it may.
    """
    parts.streams.check_room(caller)
    async with parts.transaction(caller) as conn:
        known = await find_job_progress(conn, caller.workspace_id, job_id)
    if known is None:
        raise NotFoundError("no such job")
    subscription = parts.watch.subscribe(*known)
    return LiveResponse(parts.streams, caller, subscription, last=JOB_ENDED)


def read_topics(text: str) -> frozenset[str]:
    """Return the topics that a list like `queues,jobs` names.

    Raises:
        InvalidInputError: it names another one, or none.
    """
    wanted = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not wanted or not wanted <= set(TOPICS):
        raise InvalidInputError("topics", f"name some of {', '.join(TOPICS)}")
    return wanted
