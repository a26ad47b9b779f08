"""Redrives and discards on pages: asked about, started, followed, stopped."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from services.api.auth import Operator, Reader
from services.api.dashboard.letter_views import (
    TYPED_ABOVE,
    WORDS,
    describe_progress,
    keyed,
    new_form_key,
    read_form,
)
from services.api.dashboard.letters_wanted import HOME, Wanted, WithWanted, query_of
from services.api.dashboard.rendering import render
from services.api.dashboard.routes import PageRoute
from services.api.dashboard.sharing import share
from services.api.dashboard.wording import query
from services.api.operations import cancel, get_known_operation, start
from services.api.paging import Cursor, read_cursor, write_cursor
from services.api.parts import ApiParts, WithParts
from services.api.showing_letters import describe_letter, describe_operation
from shared.errors import InvalidInputError
from shared.postgres.api_keys import ApiKey
from shared.postgres.dead_letters import COUNT_AT_MOST, list_letters, preview_letters
from shared.postgres.operations import Kind, Place, list_operations

router = APIRouter(route_class=PageRoute)
ROWS: Final = 30
SAMPLES: Final = 5


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

    async def make() -> Response:
        template = "dead-letters/_operations.html"
        return await show_operations(request, template, caller, parts, before)

    return await share(request, caller, ["operations"], make)


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

    async def make() -> Response:
        context = await read_operation(operation_id, caller, parts)
        return render(request, "dead-letters/_operation.html", **context)

    return await share(request, caller, ["operations"], make)


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


async def read_preview(caller: ApiKey, parts: ApiParts, wanted: Wanted) -> dict[str, Any]:
    """Return what a redrive or discard would be about."""
    assert wanted.queue is not None  # the routes ask for it
    meant = query_of(wanted)
    async with parts.reading(caller) as conn:
        found = await preview_letters(conn, caller.workspace_id, wanted.queue, meant)
        samples = await list_letters(conn, caller.workspace_id, meant, limit=SAMPLES)
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
        rows_url=f"{HOME}/operations/rows?{query(before=before)}",
        operations=[describe_progress(describe_operation(one)) for one in found],
        older=last and write_cursor(last.created_at, last.id),
        before=before or "",
    )


def check_typed(typed: str, expected: int) -> None:
    """Return when a large number was typed, as the page asks.

    Raises:
        InvalidInputError: it was not.
    """
    if expected > TYPED_ABOVE and typed.strip() != str(expected):
        raise InvalidInputError("typed", f"type {expected} to say that all of them are meant")
