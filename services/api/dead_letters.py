"""Dead letters of the caller's workspace: grouped, listed, shown."""

from __future__ import annotations

import asyncio
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Response
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from services.api.auth import WITH_KEY, Admin, KeyedRoute, Reader
from services.api.describing_problems import problems
from services.api.examples import FINGERPRINT, a_file
from services.api.examples.operating import PAYLOAD
from services.api.letter_answers import (
    Fingerprint,
    LetterFound,
    LetterGroupPage,
    LetterPage,
    MsgId,
    QueueName,
    RawLetter,
    Words,
)
from services.api.paging import Cursor, Limit, read_cursor, write_cursor
from services.api.parts import ApiParts, WithParts
from services.api.showing_letters import (
    describe_group,
    describe_letter,
    describe_whole_letter,
    read_payload,
    show_payload,
)
from shared.domain.accepting import check_text
from shared.domain.hiding import hide_in_text
from shared.errors import NotFoundError
from shared.messages import QUEUES, Moment
from shared.postgres.api_keys import ApiKey
from shared.postgres.audit import Action, record_action
from shared.postgres.dead_letters import WholeLetter, find_letter, list_groups, list_letters
from shared.postgres.letter_queries import GROUPED_AT_MOST, GroupPlace, LetterPlace, LetterQuery

router = APIRouter(route_class=KeyedRoute, dependencies=WITH_KEY, tags=["dead letters"])
ERRORS: Final = problems()
MISSING: Final = problems(HTTPStatus.NOT_FOUND)
PAYLOAD_FILE: Final = a_file("application/json", PAYLOAD)
TRACEBACK_FILE: Final = a_file("text/plain", "Traceback (most recent call last):\n…\n")

Queue = Annotated[QueueName, Path(description="queue, without _dlq")]
LetterId = Annotated[MsgId, Path(examples=[17])]
OfQueue = Annotated[QueueName | None, Query(description="only of this queue")]
OfGroup = Annotated[
    Fingerprint | None, Query(description="only of this group", examples=[FINGERPRINT])
]
OfError = Annotated[
    Words | None, Query(description="only this class of error", examples=["TimeoutError"])
]
Containing = Annotated[
    Words | None,
    Query(description="in the error's message, in any case", examples=["did not answer"]),
]
Since = Annotated[Moment | None, Query(description="died then or later")]
Until = Annotated[Moment | None, Query(description="died before")]


@router.get("/api/dead-letters/groups", responses=ERRORS)
async def get_groups(
    caller: Reader,
    parts: WithParts,
    queue: OfQueue = None,
    group: OfGroup = None,
    limit: Limit = 20,
    before: Cursor = None,
) -> LetterGroupPage:
    """Return what dead letters failed of: class, message, our last call; the newest first."""
    place = read_cursor(before, str)
    query = LetterQuery(queue=queue, fingerprint=group)
    async with parts.transaction(caller) as conn:
        groups = await list_groups(
            conn, caller.workspace_id, query, limit=limit, before=place and GroupPlace(*place)
        )
    last = groups[-1] if len(groups) == limit else None
    return LetterGroupPage(
        groups=[describe_group(one) for one in groups],
        next=last and write_cursor(last.last_at, last.fingerprint),
        counted_at_most=GROUPED_AT_MOST,
    )


@router.get("/api/dead-letters", responses=ERRORS)
async def get_letters(
    caller: Reader,
    parts: WithParts,
    queue: OfQueue = None,
    group: OfGroup = None,
    error: OfError = None,
    contains: Containing = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
    before: Cursor = None,
) -> LetterPage:
    """Return a page of dead letters, newest first."""
    query = LetterQuery(
        queue=queue,
        fingerprint=group,
        error=error and check_text(error, "error"),
        contains=contains and check_text(contains, "contains"),
        since=since,
        until=until,
    )
    place = read_place(before)
    async with parts.transaction(caller) as conn:
        letters = await list_letters(conn, caller.workspace_id, query, limit=limit, before=place)
    last = letters[-1] if len(letters) == limit else None
    return LetterPage(
        letters=[describe_letter(one) for one in letters],
        next=last and write_cursor(last.died_at, f"{last.queue}:{last.msg_id}"),
    )


@router.get("/api/dead-letters/{queue}/{letter_id}", responses=MISSING)
async def get_letter(
    queue: Queue, letter_id: LetterId, caller: Reader, parts: WithParts
) -> LetterFound:
    """Return one dead letter: its error, where it comes from, and what it holds."""
    async with parts.transaction(caller) as conn:
        letter = await get_whole_letter(conn, caller, queue, letter_id)
    return await asyncio.to_thread(describe_whole_letter, letter)


@router.get(
    "/api/dead-letters/{queue}/{letter_id}/payload",
    response_class=Response,
    responses=MISSING | PAYLOAD_FILE,
)
async def get_payload(
    queue: Queue, letter_id: LetterId, caller: Reader, parts: WithParts
) -> Response:
    """Return all of a payload as a file of JSON, without secrets."""
    async with parts.transaction(caller) as conn:
        letter = await get_whole_letter(conn, caller, queue, letter_id)
    text = await asyncio.to_thread(show_payload, letter)
    return _as_file(text, f"{queue}-{letter_id}.json", "application/json")


@router.get(
    "/api/dead-letters/{queue}/{letter_id}/traceback",
    response_class=Response,
    responses=MISSING | TRACEBACK_FILE,
)
async def get_traceback(
    queue: Queue, letter_id: LetterId, caller: Reader, parts: WithParts
) -> Response:
    """Return all of a traceback as a text file, without secrets."""
    async with parts.transaction(caller) as conn:
        letter = await get_whole_letter(conn, caller, queue, letter_id, whole_traceback=True)
    text = await asyncio.to_thread(hide_in_text, letter.traceback or "")
    return _as_file(text, f"{queue}-{letter_id}.txt", "text/plain; charset=utf-8")


@router.post("/api/dead-letters/{queue}/{letter_id}/raw", responses=MISSING)
async def post_raw_view(
    queue: Queue, letter_id: LetterId, caller: Admin, parts: WithParts
) -> RawLetter:
    """Return a dead letter as it is stored, secrets included. Who looks is noted."""
    return await view_raw(queue, letter_id, caller, parts)


async def view_raw(queue: str, letter_id: int, caller: ApiKey, parts: ApiParts) -> RawLetter:
    """Return a letter of the caller's workspace as it is stored, and note who looked."""
    async with parts.transaction(caller) as conn:
        letter = await get_whole_letter(conn, caller, queue, letter_id, whole_traceback=True)
        seen = Action(action="dead_letter.view_raw", target=f"{queue}/{letter_id}", count=1)
        await record_action(conn, caller, seen)
    return RawLetter(
        queue=queue,
        id=letter_id,
        headers=letter.headers,
        traceback=letter.traceback or "",
        payload=read_payload(letter),
    )


async def get_whole_letter(
    conn: AsyncConnection[TupleRow],
    caller: ApiKey,
    queue: str,
    letter_id: int,
    *,
    whole_traceback: bool = False,
) -> WholeLetter:
    """Return a letter of the caller's workspace.

    Raises:
        NotFoundError: there is none, or not any more.
    """
    letter = await find_letter(
        conn, caller.workspace_id, queue, letter_id, whole_traceback=whole_traceback
    )
    if letter is None:
        raise NotFoundError("no such dead letter; it may have been redriven or discarded")
    return letter


def read_place(cursor: str | None) -> LetterPlace | None:
    """Return where a page of letters starts.

    Raises:
        InvalidInputError: the cursor is not the `next` of a page.
    """

    def read_id(text: str) -> tuple[str, int]:
        queue, _, msg_id = text.partition(":")
        if queue not in QUEUES or not 0 < int(msg_id) < 2**63:
            raise ValueError
        return queue, int(msg_id)

    place: tuple[datetime, tuple[str, int]] | None = read_cursor(cursor, read_id)
    return place and LetterPlace(place[0], *place[1])


def _as_file(text: str, name: str, media_type: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(text.encode("utf-8", "replace"), media_type=media_type, headers=headers)
