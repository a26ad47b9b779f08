"""What broke, and is it safe to redrive? Groups first, then letters, one letter, redrives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.api.auth import Operator, Reader
from services.api.dashboard.letter_views import (
    HOME,
    TYPED_ABOVE,
    WORDS,
    Wanted,
    describe_progress,
    keyed,
    new_form_key,
    read_form,
    read_moment,
    show_letter,
    span_of,
)
from services.api.dashboard.registry import Page
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.wording import query as query_text
from services.api.dead_letters import get_whole_letter, read_place
from services.api.letter_answers import Fingerprint, MsgId, QueueName
from services.api.operations import cancel, get_known_operation, start
from services.api.paging import Cursor, read_cursor, write_cursor
from services.api.parts import ApiParts, WithParts
from services.api.showing_letters import (
    describe_group,
    describe_letter,
    describe_operation,
    describe_whole_letter,
)
from shared.domain.accepting import check_text
from shared.errors import InvalidInputError
from shared.messages import QUEUES
from shared.postgres.api_keys import ApiKey
from shared.postgres.dead_letters import (
    COUNT_AT_MOST,
    GROUPED_AT_MOST,
    GroupPlace,
    LetterQuery,
    LetterRow,
    list_groups,
    list_letters,
    preview_letters,
)
from shared.postgres.operations import Kind, Place, list_operations

PAGE = Page("dead-letters", "Dead letters", "What broke, and is it safe to redrive?", "d")
router = APIRouter(route_class=PageRoute)
ROWS: Final = 30
SAMPLES: Final = 5
RECENT: Final = 5
QUEUE_CHOICES: Final = [("", "All queues"), *((queue, queue) for queue in QUEUES)]
NEWER: Final = 100
Chosen = Annotated[QueueName | Literal[""], Query()]


def read_wanted(
    queue: Chosen = "",
    group: Annotated[Fingerprint | Literal[""], Query()] = "",
    error: Annotated[str, Query(max_length=200)] = "",
    contains: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[str, Query(max_length=40)] = "",
    until: Annotated[str, Query(max_length=40)] = "",
    ids: Annotated[list[MsgId] | None, Query(max_length=1_000)] = None,
) -> Wanted:
    """Return which letters the address names; a field that a form left empty says nothing."""
    return Wanted(
        queue=queue or None,
        group=group or None,
        error=check_text(error, "error") if error else None,
        contains=check_text(contains, "contains") if contains else None,
        since=read_moment(since),
        until=read_moment(until),
        ids=tuple(sorted(set(ids or ()))),
    )


WithWanted = Annotated[Wanted, Depends(read_wanted)]


@router.get(HOME)
async def get_groups(
    request: Request, caller: Reader, parts: WithParts, queue: Chosen = "", before: Cursor = None
) -> Response:
    """Show what failed of the same."""
    context = await read_groups(caller, parts, queue, before)
    return render(request, "dead-letters/index.html", **context)


@router.get(f"{HOME}/rows")
async def get_rows(
    request: Request, caller: Reader, parts: WithParts, queue: Chosen = "", before: Cursor = None
) -> Response:
    """Show the groups anew."""
    context = await read_groups(caller, parts, queue, before)
    return render(request, "dead-letters/_rows.html", **context)


@router.get(f"{HOME}/letters")
async def get_letters(
    request: Request, caller: Reader, parts: WithParts, wanted: WithWanted, before: Cursor = None
) -> Response:
    """Show letters: of a group, or of any filter."""
    query, place = query_of(wanted), read_place(before)
    of_group = LetterQuery(queue=wanted.queue, fingerprint=wanted.group)
    async with parts.reading(caller) as conn:
        groups = await list_groups(conn, caller.workspace_id, of_group, limit=1)
        letters = await list_letters(conn, caller.workspace_id, query, limit=ROWS, before=place)
    if wanted.group and groups:
        wanted = replace(wanted, queue=groups[0].queue)  # a group is of one queue
    last = letters[-1] if len(letters) == ROWS else None
    return render(
        request,
        "dead-letters/letters.html",
        wanted=wanted,
        home=HOME,
        queues=QUEUE_CHOICES,
        **describe_newer(letters, before, wanted),
        group=describe_group(groups[0]) if wanted.group and groups else None,
        letters=[describe_letter(letter) for letter in letters],
        older=last and write_cursor(last.died_at, f"{last.queue}:{last.msg_id}"),
        is_first=before is None,
        span_of=span_of,
    )


@router.get(f"{HOME}/letters/newer")
async def get_newer(
    request: Request, caller: Reader, parts: WithParts, wanted: WithWanted
) -> Response:
    """Show how many letters died since the page was loaded: rows with ticks do not move."""
    async with parts.reading(caller) as conn:
        found = await list_letters(conn, caller.workspace_id, query_of(wanted), limit=NEWER)
    address = replace(wanted, since=None).address("letters")
    return render(request, "dead-letters/_newer.html", newer=len(found), address=address)


@router.get(f"{HOME}/letters/{{queue}}/{{letter_id}}")
async def get_letter(
    queue: QueueName, letter_id: MsgId, request: Request, caller: Reader, parts: WithParts
) -> Response:
    """Show one letter: its error, where it comes from, what it holds."""
    async with parts.reading(caller) as conn:
        letter = await get_whole_letter(conn, caller, queue, letter_id)
    shown = await asyncio.to_thread(describe_whole_letter, letter)
    one = Wanted(queue=queue, ids=(letter_id,))
    return render(request, "dead-letters/letter.html", home=HOME, wanted=one, **show_letter(shown))


@router.get(f"{HOME}/operations")
async def get_operations(
    request: Request, caller: Reader, parts: WithParts, before: Cursor = None
) -> Response:
    """Show redrives and discards."""
    return await show_operations(request, "dead-letters/operations.html", caller, parts, before)


@router.get(f"{HOME}/operations/rows")
async def get_operation_rows(
    request: Request, caller: Reader, parts: WithParts, before: Cursor = None
) -> Response:
    """Show redrives and discards anew."""
    return await show_operations(request, "dead-letters/_operations.html", caller, parts, before)


@router.get(f"{HOME}/operations/{{operation_id}}")
async def get_operation(
    operation_id: UUID, request: Request, caller: Reader, parts: WithParts
) -> Response:
    """Show how far a redrive or discard is."""
    context = await read_operation(operation_id, caller, parts)
    return render(request, "dead-letters/operation.html", **context)


@router.get(f"{HOME}/operations/{{operation_id}}/now")
async def get_operation_now(
    operation_id: UUID, request: Request, caller: Reader, parts: WithParts
) -> Response:
    """Show anew how far it is."""
    context = await read_operation(operation_id, caller, parts)
    return render(request, "dead-letters/_operation.html", **context)


@router.post(f"{HOME}/operations/{{operation_id}}/cancel")
async def post_cancel(operation_id: UUID, caller: Operator, parts: WithParts) -> Response:
    """Stop it, and show where it stands."""
    await cancel(operation_id, caller, parts)
    return RedirectResponse(f"{HOME}/operations/{operation_id}", HTTPStatus.SEE_OTHER)


@router.get(f"{HOME}/{{kind}}")
async def get_preview(
    kind: Kind, request: Request, caller: Operator, parts: WithParts, wanted: WithWanted
) -> Response:
    """Show which letters it would be about, and ask for a reason."""
    if wanted.queue is None:
        raise InvalidInputError("queue", "choose one queue: letters go back into their own")
    context = await read_preview(caller, parts, wanted)
    title, _, meaning = WORDS[kind]
    return render(
        request,
        "dead-letters/preview.html",
        home=HOME,
        kind=kind,
        title=title,
        meaning=meaning,
        wanted=wanted,
        form_key=new_form_key(),
        typed_above=TYPED_ABOVE,
        **context,
    )


@router.post(f"{HOME}/{{kind}}")
async def post_operation(
    kind: Kind,
    caller: Operator,
    parts: WithParts,
    wanted: WithWanted,
    once: Annotated[str, Form(min_length=8, max_length=64, pattern="^[0-9a-f]+$")],
    reason: Annotated[str, Form()],
    expected: Annotated[int, Form(ge=0)],
    snapshot: Annotated[str, Form()] = "",
    rate: Annotated[str, Form(max_length=20)] = "",
    typed: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Start it, once for this form, and show how far it is."""
    check_typed(typed, expected)
    which: dict[str, Any] = {"filter": wanted.as_filter(), "snapshot": snapshot}
    if wanted.ids:
        which = {"ids": list(wanted.ids)}
    # A count that was cut is no number to hold anybody to.
    certain = {"expected_count": expected} if expected <= COUNT_AT_MOST else {}
    fields = {"queue": wanted.queue, "reason": reason, "rate": rate or None, **certain, **which}
    body = read_form(fields)
    operation = await start(kind, body, caller, parts, keyed(kind, once, body))
    return RedirectResponse(f"{HOME}/operations/{operation.id}", HTTPStatus.SEE_OTHER)


async def read_groups(
    caller: ApiKey, parts: ApiParts, queue: str, before: str | None
) -> dict[str, Any]:
    """Return what the page of groups shows."""
    place = read_cursor(before, str)
    query = LetterQuery(queue=queue or None)
    async with parts.reading(caller) as conn:
        groups = await list_groups(
            conn, caller.workspace_id, query, limit=ROWS, before=place and GroupPlace(*place)
        )
        recent = await list_operations(conn, caller.workspace_id, limit=RECENT)
    last = groups[-1] if len(groups) == ROWS else None
    return {
        "groups": [describe_group(group) for group in groups],
        "operations": [describe_progress(describe_operation(one)) for one in recent],
        "older": last and write_cursor(last.last_at, last.fingerprint),
        "before": before or "",
        "home": HOME,
        "rows_url": f"{HOME}/rows?{query_text(queue=queue, before=before)}",
        "queue": queue,
        "queues": QUEUE_CHOICES,
        "cap": GROUPED_AT_MOST,
        "span_of": span_of,
    }


async def read_preview(caller: ApiKey, parts: ApiParts, wanted: Wanted) -> dict[str, Any]:
    """Return what a redrive or discard would be about."""
    assert wanted.queue is not None  # the routes ask for it
    query = query_of(wanted)
    async with parts.reading(caller) as conn:
        found = await preview_letters(conn, caller.workspace_id, wanted.queue, query)
        samples = await list_letters(conn, caller.workspace_id, query, limit=SAMPLES)
    return {
        "count": found.count,
        "cap": COUNT_AT_MOST,
        "snapshot": found.snapshot,
        "samples": [describe_letter(letter) for letter in samples],
    }


async def read_operation(operation_id: UUID, caller: ApiKey, parts: ApiParts) -> dict[str, Any]:
    """Return what the page of one operation shows."""
    async with parts.reading(caller) as conn:
        operation = await get_known_operation(conn, caller, operation_id)
    return {"home": HOME, **describe_progress(describe_operation(operation))}


async def show_operations(
    request: Request, template: str, caller: ApiKey, parts: ApiParts, before: str | None
) -> Response:
    """Answer with a page of operations."""
    place = read_cursor(before, UUID)
    async with parts.reading(caller) as conn:
        found = await list_operations(
            conn, caller.workspace_id, limit=ROWS, before=place and Place(*place)
        )
    last = found[-1] if len(found) == ROWS else None
    return render(
        request,
        template,
        home=HOME,
        rows_url=f"{HOME}/operations/rows?{query_text(before=before)}",
        operations=[describe_progress(describe_operation(one)) for one in found],
        older=last and write_cursor(last.created_at, last.id),
        before=before or "",
    )


def describe_newer(
    letters: Sequence[LetterRow], before: str | None, wanted: Wanted
) -> dict[str, Any]:
    """Return where a page of the newest letters hears of newer ones."""
    is_live = before is None and letters and wanted.until is None
    since = letters[0].died_at + timedelta(microseconds=1) if is_live else None
    address = replace(wanted, since=since).address("letters/newer") if is_live else None
    return {"newer_url": address, "newer": 0, "address": ""}


def query_of(wanted: Wanted) -> LetterQuery:
    """Return what the database is asked."""
    return LetterQuery(
        queue=wanted.queue,
        fingerprint=wanted.group,
        error=wanted.error,
        contains=wanted.contains,
        since=wanted.since,
        until=wanted.until,
        ids=wanted.ids or None,
    )


def check_typed(typed: str, expected: int) -> None:
    """Return when a large number was typed, as the page asks.

    Raises:
        InvalidInputError: it was not.
    """
    if expected > TYPED_ABOVE and typed.strip() != str(expected):
        raise InvalidInputError("typed", f"type {expected} to say that all of them are meant")
