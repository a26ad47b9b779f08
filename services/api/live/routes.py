"""`GET /api/live`: one stream that says what changed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from services.api.answers import problems
from services.api.auth import WITH_KEY, KeyedRoute, Reader
from services.api.live.streams import LiveResponse
from services.api.parts import WithParts
from shared.errors import InvalidInputError
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


def read_topics(text: str) -> frozenset[str]:
    """Return the topics that a list like `queues,jobs` names.

    Raises:
        InvalidInputError: it names another one, or none.
    """
    wanted = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not wanted or not wanted <= set(TOPICS):
        raise InvalidInputError("topics", f"name some of {', '.join(TOPICS)}")
    return wanted
